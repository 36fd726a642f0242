#include "core/config/ip_ranges.h"

namespace otpgw::config {

ip::Ranges read_ip_ranges(const Section& section, std::string_view name) {
  ip::Ranges ranges;
  const Node* given = section.find(name);
  if (given == nullptr) return ranges;
  const auto texts = as_texts(*given).value();
  for (const std::string& text : texts) {
    const auto range = ip::Range::parse(text);
    if (!range) {
      section.refuse(name, "expected IP addresses and ranges like \"192.0.2.1\" or \"10.0.0.0/8\"; got " +
                               shown(Node{text, {}}));
    }
    ranges.push_back(*range);
  }
  return ranges;
}

}  // namespace otpgw::config
