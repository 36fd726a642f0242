// The files of web/ as text: found in the template folders, checked tag by tag, with the words of one
// language put in. page_template.h makes pages of them.
#pragma once

#include <expected>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace otpgw::web {

// Where templates and texts are looked for, file by file: the operator's own folder, if any, then ours.
using Folders = std::vector<std::filesystem::path>;

// By key, as {{t.KEY}} names it: HTML, in which {{fields}} and {{> parts}} may stand.
using Texts = std::map<std::string, std::string, std::less<>>;

// `name`.html and every part ({{> part}}) that it needs, by name, as mustache without {{t.KEY}}. The error is
// one line with file and line: unreadable, or a tag that means nothing here (mustache would print nothing).
[[nodiscard]] std::expected<std::map<std::string, std::string>, std::string> read_template(
    const Folders& folders, std::string_view name, const Texts& texts);

// What is wrong with a text of a locale file, or "": it may hold {{field}} and {{> part}} and no other tag.
[[nodiscard]] std::string wrong_text(std::string_view text);

// A text of a locale file as HTML: escaped, but for its tags.
[[nodiscard]] std::string text_as_html(std::string_view text);

// What a browser shows of text_as_html()'s answer.
[[nodiscard]] std::string html_as_text(std::string_view html);

}  // namespace otpgw::web
