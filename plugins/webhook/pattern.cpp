#include "pattern.h"

#include <stdexcept>

namespace otpgw::webhook {

Pattern::Pattern(const JsonConfig& config, const std::string& key) {
  const auto text = config.text(key);
  if (text.empty()) return;
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  compiled_ = std::make_shared<re2::RE2>(text, options);
  if (!compiled_->ok())
    throw std::invalid_argument(key + ": expected a regular expression (RE2): " + compiled_->error());
}

bool Pattern::is_all_of(std::string_view text) const {
  return compiled_ && re2::RE2::FullMatch({text.data(), text.size()}, *compiled_);
}

bool Pattern::is_found_in(std::string_view text) const {
  return compiled_ && re2::RE2::PartialMatch({text.data(), text.size()}, *compiled_);
}

}  // namespace otpgw::webhook
