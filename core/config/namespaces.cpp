// [auth.NAME]
#include <Poco/String.h>

#include <algorithm>

#include "core/config/branding.h"
#include "core/config/ip_ranges.h"
#include "core/config/section.h"
#include "core/config/sections.h"
#include "core/config/web_address.h"

namespace otpgw::config {
namespace {

constexpr std::size_t kNameBytesMax = 128;
constexpr std::string_view kSampleSecret = "change-me";
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
                     "\"https://app.example.com\" or \"http://localhost:*\" (browsers know no host with a "
                     "'_' there); got " +
                         shown(Node{text, {}}));
    }
    origins.push_back(*origin);
  }
  return origins;
}

// The texts of a list of secrets; none when the key is absent.
std::vector<std::string> read_list(const Section& section, std::string_view name) {
  const Node* list = section.find(name);
  if (list == nullptr) return {};
  auto texts = as_texts(*list).value();
  if (texts.empty() || texts.size() > kSecretsMax || std::ranges::count(texts, "") > 0) {
    section.refuse(name, "expected 1 to " + std::to_string(kSecretsMax) + " texts that are not empty; got " +
                             std::to_string(texts.size()));
  }
  return texts;
}

bool is_sha256(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

void read_secrets(const Section& section, Namespace& out) {
  out.secrets = read_list(section, "secrets");
  if (section.find("secret") != nullptr) {
    if (!out.secrets.empty()) section.refuse("secrets", "expected either secret or secrets; got both");
    out.secrets.push_back(section.text("secret", ""));
    if (out.secrets.back().find('\n') != std::string::npos)
      section.refuse("secret", "expected one line; several secrets are secrets, or secrets_file");
  }
  for (const auto& text : read_list(section, "secret_sha256")) {
    out.secret_sha256.push_back(Poco::toLower(text));
    if (!is_sha256(out.secret_sha256.back())) {
      section.refuse("secret_sha256",
                     "expected 64 hexadecimal digits, as otpgateway --hash-secret prints them; "
                     "got something else");
    }
  }
  const auto count = out.secrets.size() + out.secret_sha256.size();
  if (count == 0)
    section.refuse("secret", "expected a secret, or secrets or secret_sha256 instead of it; got none");
  if (count > kSecretsMax) {
    section.refuse("secret_sha256", "expected at most " + std::to_string(kSecretsMax) +
                                        " secrets in all; got " + std::to_string(count));
  }
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
  out.view_key = section.boolean("view_key", out.view_key);
  out.allow_ips = read_ip_ranges(section, "allow_ips");
  read_branding(section, out);
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
    if (std::ranges::count(name_space.secrets, kSampleSecret) > 0) {
      warnings.push_back(
          member.node.origin.where + ": " + section.path() +
          ".secret: still the sample's, which everybody knows; otpgateway --new-secret makes one");
    }
    const std::string name = name_space.name;
    if (!namespaces.emplace(name, std::move(name_space)).second) {
      section.refuse("namespace", "expected a namespace of its own; got \"" + name + "\" a second time");
    }
  }
  return namespaces;
}

}  // namespace otpgw::config
