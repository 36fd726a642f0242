#include "core/config/secret_files.h"

#include <Poco/String.h>
#include <sys/stat.h>

#include <sstream>
#include <utility>

#include "core/config/check.h"
#include "core/config/schema.h"
#include "core/config/text_file.h"
#include "core/config/values.h"

namespace otpgw::config {
namespace {

constexpr std::string_view kFile = "_file";

class Reader {
 public:
  explicit Reader(std::vector<std::string>& warnings) : warnings_(warnings) {}

  // `names`: the section's path in parts.
  void read_in(Node& section, std::vector<std::string> names) {
    if (section.table() == nullptr) return;
    const auto path = Poco::cat(std::string("."), names.begin(), names.end());
    names.emplace_back();
    for (Member& member : *section.table()) {
      if (!member.name.ends_with(kFile)) continue;
      const auto name = names.back() = member.name.substr(0, member.name.size() - kFile.size());
      if (!is_secret(names)) continue;
      if (section.find(name) != nullptr) {
        refuse(member.node.origin, path + "." + member.name,
               "expected either " + name + " or " + member.name + "; got both");
      }
      auto text = content(member.node, path + "." + member.name);
      if (const Key* key = find_key(names); key != nullptr && key->type == Type::texts) {
        member.node.value = lines(text, member.node.origin);
      } else {
        member.node.value = std::move(text);
      }
      member.name = name;
    }
  }

 private:
  std::string content(const Node& file, const std::string& key) {
    constexpr std::size_t kSecretBytesMax = std::size_t{64} << 10;
    const auto name = as_text(file);
    if (!name || name->empty()) refuse(file.origin, key, "expected the path of a file; got " + shown(file));
    const auto path = file.origin.folder / *name;
    auto text = read_text_file(path, kSecretBytesMax);
    if (!text) {
      refuse(file.origin, key,
             "expected a readable file with the secret; got " + shown(file) + ": " + text.error());
    }
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & S_IROTH) != 0) {
      warnings_.push_back(file.origin.where + ": " + key + ": everybody on this machine can read " +
                          path.lexically_normal().string() + "; run: chmod o-rwx " +
                          path.lexically_normal().string());
    }
    if (text->ends_with('\n')) text->pop_back();
    if (text->ends_with('\r')) text->pop_back();
    if (text->empty())
      refuse(file.origin, key, "expected a file with the secret in it; got " + shown(file) + ": it is empty");
    return *text;
  }

  // One a line; empty lines are none.
  static List lines(const std::string& text, const Origin& origin) {
    List list;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
      if (line.ends_with('\r')) line.pop_back();
      if (!line.empty()) list.push_back(Node{line, origin});
    }
    return list;
  }

  std::vector<std::string>& warnings_;
};

}  // namespace

void expand_credentials(Node& node, const std::map<std::string, std::string>& environment) {
  if (auto* text = std::get_if<std::string>(&node.value)) {
    const auto folder = environment.find("CREDENTIALS_DIRECTORY");
    if (folder != environment.end() && text->starts_with(std::string(kCredentialsVariable) + "/"))
      text->replace(0, kCredentialsVariable.size(), folder->second);
  } else if (auto* list = std::get_if<List>(&node.value)) {
    for (Node& item : *list) expand_credentials(item, environment);
  } else if (Table* table = node.table(); table != nullptr) {
    for (Member& member : *table) expand_credentials(member.node, environment);
  }
}

void read_secret_files(Node& root, bool with_auth, std::vector<std::string>& warnings) {
  Reader reader(warnings);
  for (const std::string kind : {"auth", "providers", "webhooks"}) {
    Node* sections = root.find(kind);
    if (sections == nullptr || sections->table() == nullptr || (kind == "auth" && !with_auth)) continue;
    for (Member& member : *sections->table()) {
      if (kind != "auth" && !is_enabled(member.node, kind + "." + member.name)) continue;
      reader.read_in(member.node, {kind, member.name});
      if (Node* headers = member.node.find("headers"); headers != nullptr)
        reader.read_in(*headers, {kind, member.name, "headers"});
    }
  }
}

}  // namespace otpgw::config
