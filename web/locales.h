// What the pages say, in each language: locales/TAG.toml of the template folders.
#pragma once

#include <expected>
#include <map>
#include <string>
#include <string_view>

#include "web/template_source.h"

namespace otpgw::web {

inline constexpr std::string_view kEnglish = "en";

// The texts of each language by its tag in lower case, {{t.lang}} and {{t.dir}} among them. Each has every
// key: one that its file lacks says what English says.
using Locales = std::map<std::string, Texts, std::less<>>;

// Of a language that stands in several folders, the first folder's text counts, key by key. The error is one
// line with file and line: not TOML, a key that English doesn't have, a text with a tag that means nothing.
[[nodiscard]] std::expected<Locales, std::string> load_locales(const Folders& folders);

}  // namespace otpgw::web
