#include "web/locales.h"

#include <algorithm>
#include <system_error>

#include "core/config/languages.h"
#include "core/config/text_file.h"
#include "core/config/toml_file.h"
#include "core/config/values.h"

namespace otpgw::web {
namespace {

namespace fs = std::filesystem;
using config::Refused;

// More languages than people write; the folder is small.
constexpr std::size_t kLanguagesMax = 200;

// The value's text as HTML; throws Refused.
std::string read_text(const config::Member& member) {
  const auto& [key, node] = member;
  const auto text = config::as_text(node);
  if (!text || text->empty()) config::refuse(node.origin, key, "expected a text");
  if (key == "dir" && *text != "ltr" && *text != "rtl") {
    config::refuse(node.origin, key, R"(expected "ltr" or "rtl")");
  }
  if (const std::string wrong = wrong_text(*text); !wrong.empty()) config::refuse(node.origin, key, wrong);
  return text_as_html(*text);
}

// Adds what `texts` lacks. `english`: the texts whose keys there are, or null for English itself.
void add_file(const fs::path& file, const Texts* english, Texts& texts) {
  const config::Node node = config::read_toml(file);
  for (const config::Member& member : *node.table()) {
    std::string text = read_text(member);
    if (english && !english->contains(member.name)) {
      config::refuse(member.node.origin, member.name, "en.toml has no such text");
    }
    texts.emplace(member.name, std::move(text));
  }
}

// The tags of all languages, as their files have them.
std::map<std::string, std::string> find_languages(const Folders& folders) {
  std::map<std::string, std::string> tags;  // by the tag in lower case
  for (const fs::path& folder : folders) {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder / "locales", none)) {
      if (entry.path().extension() != ".toml") continue;
      const std::string tag = entry.path().stem();
      if (!config::is_language_tag(tag)) {
        throw Refused(entry.path().string() +
                      ": expected the tag of a language as its name: hi.toml, pt-BR.toml");
      }
      tags.emplace(config::lower_case(tag), tag);
      if (tags.size() > kLanguagesMax) throw Refused((folder / "locales").string() + ": too many files");
    }
  }
  return tags;
}

Texts read_language(const Folders& folders, const std::string& tag, const Texts* english) {
  Texts texts;
  for (const fs::path& folder : folders) {
    const fs::path file = folder / "locales" / (tag + ".toml");
    // What can't be looked at is read too, which says why. The last folder is ours, and has English.
    std::error_code unreadable;
    if (fs::exists(file, unreadable) || unreadable || (!english && folder == folders.back()))
      add_file(file, english, texts);
  }
  if (english) texts.insert(english->begin(), english->end());
  texts.emplace("dir", "ltr");
  texts.insert_or_assign("lang", tag);
  return texts;
}

}  // namespace

std::expected<Locales, std::string> load_locales(const Folders& folders) {
  try {
    Locales locales;
    const Texts english = read_language(folders, std::string(kEnglish), nullptr);
    for (const auto& [name, tag] : find_languages(folders)) {
      locales.emplace(name, tag == kEnglish ? english : read_language(folders, tag, &english));
    }
    return locales;
  } catch (const Refused& refused) {
    return std::unexpected(config::one_line(refused.what()));
  }
}

}  // namespace otpgw::web
