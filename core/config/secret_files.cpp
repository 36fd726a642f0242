#include "core/config/secret_files.h"

#include <algorithm>
#include <initializer_list>
#include <sstream>
#include <string>

#include "core/config/check.h"
#include "core/config/text_file.h"
#include "core/config/values.h"

namespace otpgw::config {
namespace {

std::string content(const Node& file, const std::string& key) {
  constexpr std::size_t kSecretBytesMax = std::size_t{64} << 10;
  const auto name = as_text(file);
  if (!name || name->empty()) refuse(file.origin, key, "expected the path of a file; got " + shown(file));
  auto text = read_text_file(file.origin.folder / *name, kSecretBytesMax);
  if (!text) {
    refuse(file.origin, key,
           "expected a readable file with the secret; got " + shown(file) + ": " + text.error());
  }
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  return *text;
}

// One a line; empty lines are none.
List lines(const std::string& text, const Origin& origin) {
  List list;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) list.push_back(Node{line, origin});
  }
  return list;
}

void read_in(Node& section, const std::string& path, std::initializer_list<std::string_view> names) {
  if (section.table() == nullptr) return;
  for (const std::string_view name : names) {
    const std::string file_name = std::string(name) + "_file";
    Node* file = section.find(file_name);
    if (file == nullptr) continue;
    if (section.find(name) != nullptr) {
      refuse(file->origin, path + "." + file_name,
             "expected either " + std::string(name) + " or " + file_name + "; got both");
    }
    auto text = content(*file, path + "." + file_name);
    const auto origin = file->origin;
    auto value = name == "secrets" ? Node{lines(text, origin), origin} : Node{std::move(text), origin};
    section.table()->push_back({std::string(name), std::move(value)});
    std::erase_if(*section.table(), [&](const Member& member) { return member.name == file_name; });
  }
}

}  // namespace

void read_secret_files(Node& root, bool with_auth) {
  if (Node* auth = root.find("auth"); with_auth && auth != nullptr && auth->table() != nullptr) {
    for (Member& member : *auth->table()) read_in(member.node, "auth." + member.name, {"secret", "secrets"});
  }
  for (const std::string kind : {"providers", "webhooks"}) {
    Node* sections = root.find(kind);
    if (sections == nullptr || sections->table() == nullptr) continue;
    for (Member& member : *sections->table()) {
      const std::string path = kind + "." + member.name;
      if (!is_enabled(member.node, path)) continue;
      read_in(member.node, path, {"password", "secret", "secret_key", "api_key", "access_key"});
    }
  }
}

}  // namespace otpgw::config
