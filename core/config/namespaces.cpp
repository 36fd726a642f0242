// [auth.NAME]
#include <algorithm>

#include "core/config/section.h"
#include "core/config/sections.h"
#include "core/config/web_address.h"

namespace otpgw::config {
namespace {

constexpr std::size_t kNameBytesMax = 128;
constexpr std::size_t kSecretsMax = 4;  // a rotation needs two; each makes a wrong one cost as much more

// BasicAuth ends a user name at ":", a path ends a part at "/".
bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= kNameBytesMax && std::ranges::none_of(name, [](unsigned char c) {
    return c == ':' || c == '/' || c < 0x20 || c == 0x7f;
  });
}

std::vector<std::string> read_origins(const Section& section) {
  std::vector<std::string> origins;
  const Node* given = section.find("origins");
  if (given == nullptr) return origins;
  const auto texts = as_texts(*given).value();
  for (const std::string& text : texts) {
    const auto origin = parse_origin(text);
    if (!origin) {
      section.refuse("origins",
                     "expected SCHEME://HOST or SCHEME://HOST:PORT with http or https, like "
                     "\"https://app.example.com\" or \"http://localhost:*\"; got " +
                         shown(Node{text, {}}));
    }
    origins.push_back(*origin);
  }
  return origins;
}

void read_secrets(const Section& section, Namespace& out) {
  const Node* several = section.find("secrets");
  if (several == nullptr) {
    out.secret = section.text("secret", "");
    if (out.secret.empty()) section.refuse("secret", "expected a text that is not empty; got nothing");
    return;
  }
  if (section.find("secret") != nullptr)
    section.refuse("secrets", "expected either secret or secrets; got both");
  auto texts = as_texts(*several).value();
  if (texts.empty() || texts.size() > kSecretsMax || std::ranges::count(texts, "") > 0) {
    section.refuse("secrets", "expected 1 to " + std::to_string(kSecretsMax) +
                                  " texts that are not empty; got " + std::to_string(texts.size()));
  }
  out.secret = std::move(texts.front());
  out.other_secrets.assign(std::make_move_iterator(texts.begin() + 1), std::make_move_iterator(texts.end()));
}

Namespace read_namespace(const Section& section, const std::string& name) {
  Namespace out;
  out.name = section.text("namespace", name);
  if (!is_name(out.name)) {
    section.refuse("namespace", "expected a name of 1 to " + std::to_string(kNameBytesMax) +
                                    " bytes without \":\", \"/\" and control characters; got " +
                                    shown(Node{out.name, {}}));
  }
  read_secrets(section, out);
  out.origins = read_origins(section);
  out.return_otp = section.boolean("return_otp", out.return_otp);
  return out;
}

}  // namespace

std::map<std::string, Namespace, std::less<>> read_namespaces(const Node& root, const Places& places,
                                                              Warnings& warnings) {
  std::map<std::string, Namespace, std::less<>> namespaces;
  const Node* auth = root.find("auth");
  if (auth == nullptr || auth->table()->empty()) {
    throw Refused(places.file +
                  ": auth: expected at least one section [auth.NAME] with namespace and secret; got none");
  }
  for (const Member& member : *auth->table()) {
    const Section section(auth, member.name, "auth." + member.name);
    Namespace name_space = read_namespace(section, member.name);
    if (name_space.origins.empty()) {
      warnings.push_back(member.node.origin.where + ": " + section.path() +
                         ".origins: not set, so no other site can show the pages of namespace " +
                         name_space.name);
    }
    const std::string name = name_space.name;
    if (!namespaces.emplace(name, std::move(name_space)).second) {
      section.refuse("namespace", "expected a namespace of its own; got \"" + name + "\" a second time");
    }
  }
  return namespaces;
}

}  // namespace otpgw::config
