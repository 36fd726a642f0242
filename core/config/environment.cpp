#include "core/config/environment.h"

#include <Poco/String.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "core/config/text_file.h"

namespace otpgw::config {
namespace {

constexpr std::string_view kPrefix = "OTP_GATEWAY_";
constexpr std::string_view kSeparator = "__";

std::vector<std::string> levels(std::string_view name) {
  std::vector<std::string> parts;
  for (auto end = name.find(kSeparator); end != std::string_view::npos; end = name.find(kSeparator)) {
    parts.emplace_back(name.substr(0, end));
    name.remove_prefix(end + kSeparator.size());
  }
  parts.emplace_back(name);
  return parts;
}

// The member of that name, made when there is none.
Node& member(Node& section, const std::string& name, const Origin& origin) {
  if (section.table() == nullptr) section = Node{Table{}, origin};
  Table& members = *section.table();
  const auto found = std::ranges::find_if(
      members, [&](const Member& present) { return Poco::icompare(present.name, name) == 0; });
  if (found != members.end()) return found->node;
  members.push_back({Poco::toLower(name), Node{Table{}, origin}});
  return members.back().node;
}

}  // namespace

void apply_environment(Node& root, const std::map<std::string, std::string>& environment,
                       const std::filesystem::path& folder) {
  for (const auto& [name, value] : environment) {
    if (!name.starts_with(kPrefix) || name.size() == kPrefix.size()) continue;
    const Origin origin{name, folder};
    if (!is_utf8(value)) throw Refused(name + ": expected UTF-8 text");
    Node* node = &root;
    for (const std::string& level : levels(std::string_view(name).substr(kPrefix.size()))) {
      node = &member(*node, level, origin);
    }
    *node = Node{value, origin};
  }
}

}  // namespace otpgw::config
