#include "web/template_source.h"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "core/config/text_file.h"
#include "web/page_template.h"

namespace otpgw::web {
namespace {

namespace fs = std::filesystem;
using Sources = std::map<std::string, std::string>;

// Far above what a page may weigh; more is a file named by mistake.
constexpr std::size_t kFileBytesMax = std::size_t{64} << 10;
constexpr std::string_view kText = "t.";  // {{t.KEY}}

struct Tag {
  std::size_t begin = 0, end = 0;  // with the braces
  char kind = ' ';                 // # ^ / > ! or ' ' for a field
  std::string_view name;

  [[nodiscard]] bool is_text() const { return kind == ' ' && name.starts_with(kText); }
  [[nodiscard]] std::string_view key() const { return name.substr(kText.size()); }
};

// The next tag at or after `from`; its end is npos when it has none.
std::optional<Tag> next_tag(std::string_view text, std::size_t from) {
  Tag tag;
  tag.begin = text.find("{{", from);
  if (tag.begin == std::string_view::npos) return std::nullopt;
  const std::size_t close = text.find("}}", tag.begin);
  tag.end = close == std::string_view::npos ? close : close + 2;
  tag.name = text.substr(tag.begin + 2, close == std::string_view::npos ? close : close - tag.begin - 2);
  if (!tag.name.empty() && std::string_view("#^/>!").contains(tag.name.front())) {
    tag.kind = tag.name.front();
    tag.name.remove_prefix(1);
  }
  while (tag.name.starts_with(' ')) tag.name.remove_prefix(1);
  while (tag.name.ends_with(' ')) tag.name.remove_suffix(1);
  return tag;
}

// What is wrong with a tag of a template, or "".
std::string wrong_tag(const Tag& tag, const Texts& texts) {
  if (tag.end == std::string_view::npos) return "the tag has no end";
  switch (tag.kind) {
    case '!':
      return {};
    case '>':
      return is_field(tag.name) || is_flag(tag.name) ? "a field or flag has this name" : "";
    case ' ':
      if (tag.is_text()) return texts.contains(tag.key()) ? "" : "no text of locales/en.toml has this key";
      return is_field(tag.name) ? "" : "no field has this name";
    default:
      return is_flag(tag.name) ? "" : "no flag has this name";
  }
}

std::string line_of(std::string_view text, std::size_t at) {
  return std::to_string(1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

fs::path find_file(const Folders& folders, const std::string& name) {
  for (const fs::path& folder : folders) {
    // What can't be looked at is found too: reading it then says why.
    std::error_code unreadable;
    if (fs::exists(folder / name, unreadable) || unreadable) return folder / name;
  }
  return folders.back() / name;
}

class Reader {
 public:
  Reader(const Folders& folders, const Texts& texts) : folders_(folders), texts_(texts) {}

  // Reads the file of that name and the parts that it needs. Returns what is wrong, or "".
  std::string read(const std::string& name) {
    const fs::path file = find_file(folders_, name + ".html");
    const auto text = config::read_text_file(file, kFileBytesMax);
    if (!text) return file.string() + ": " + text.error();

    std::string source;
    std::size_t copied = 0;
    for (auto tag = next_tag(*text, 0); tag; tag = next_tag(*text, tag->end)) {
      if (const std::string wrong = wrong_tag(*tag, texts_); !wrong.empty()) {
        return file.string() + ":" + line_of(*text, tag->begin) + ": " +
               text->substr(tag->begin, std::min<std::size_t>(tag->end - tag->begin, 60)) + ": " + wrong;
      }
      if (!tag->is_text()) continue;
      source.append(*text, copied, tag->begin - copied).append(texts_.find(tag->key())->second);
      copied = tag->end;
    }
    source.append(*text, copied);
    if (source.contains(kMark)) return file.string() + ": expected text without the byte 0x1F";

    open_.push_back(name);
    for (auto tag = next_tag(source, 0); tag; tag = next_tag(source, tag->end)) {
      const std::string part(tag->kind == '>' ? tag->name : "");
      if (part.empty() || sources_.contains(part)) continue;
      if (std::ranges::find(open_, part) != open_.end()) {
        return file.string() + ": {{> " + part + "}}: it contains itself";
      }
      if (std::string wrong = read(part); !wrong.empty()) return wrong;
    }
    open_.pop_back();
    sources_.emplace(name, std::move(source));
    return {};
  }

  Sources take() { return std::move(sources_); }

 private:
  const Folders& folders_;
  const Texts& texts_;
  std::vector<std::string> open_;  // the file that is being read, and those that contain it
  Sources sources_;
};

}  // namespace

std::expected<Sources, std::string> read_template(const Folders& folders, std::string_view name,
                                                  const Texts& texts) {
  Reader reader(folders, texts);
  if (std::string wrong = reader.read(std::string(name)); !wrong.empty()) {
    return std::unexpected(config::one_line(std::move(wrong)));
  }
  return reader.take();
}

std::string wrong_text(std::string_view text) {
  for (auto tag = next_tag(text, 0); tag; tag = next_tag(text, tag->end)) {
    if (tag->end == std::string_view::npos) return "the tag has no end";
    if (tag->kind == '>' || (tag->kind == ' ' && is_field(tag->name))) continue;
    return "{{" + std::string(tag->name) + "}} is no field of a page";
  }
  return {};
}

std::string text_as_html(std::string_view text) {
  std::string html;
  std::size_t copied = 0;
  for (auto tag = next_tag(text, 0); tag; tag = next_tag(text, tag->end)) {
    append_escaped(html, text.substr(copied, tag->begin - copied));
    html.append(text.substr(tag->begin, tag->end - tag->begin));
    copied = tag->end;
  }
  append_escaped(html, text.substr(copied));
  return html;
}

std::string html_as_text(std::string_view html) {
  std::string text(html);
  for (const char c : std::string_view("<>\"'&")) {  // & last: it begins the others
    std::string entity;
    append_escaped(entity, {&c, 1});
    for (std::size_t at = text.find(entity); at != std::string::npos; at = text.find(entity, at + 1))
      text.replace(at, entity.size(), 1, c);
  }
  return text;
}

}  // namespace otpgw::web
