#include "core/message/tags.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace otpgw::message {
namespace {

// Deeper than anybody writes; the renderer recurses.
constexpr std::size_t kSectionDepthMax = 16;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

bool is_go_comment(std::string_view content) { return content.starts_with("/*") && content.ends_with("*/"); }

bool is_known(std::string_view name) { return std::ranges::find(kNames, name) != kNames.end(); }

std::string understood() {
  std::string names;
  for (const std::string_view name : kNames) names.append(names.empty() ? "" : ", ").append(name);
  return "a tag is {{ .NAME }}, {{NAME}}, {{{NAME}}}, {{#NAME}}...{{/NAME}}, {{^NAME}}...{{/NAME}} or {{! "
         "comment }}; "
         "names are " +
         names;
}

struct Tag {
  std::string_view whole;    // with its braces
  std::string_view content;  // trimmed
  bool triple = false;
};

struct OpenSection {
  std::string_view name;
  Tag tag;
};

class Rewriter {
 public:
  Rewriter(std::string_view text, std::string_view origin) : text_(text), origin_(origin) {}

  std::expected<std::string, std::string> run() {
    std::size_t at = 0;
    for (auto open = text_.find("{{"); open != std::string_view::npos; open = text_.find("{{", at)) {
      out_ += text_.substr(at, open - at);
      const auto tag = cut(open);
      if (!tag) return std::unexpected(refusal(text_.substr(open, 24), "the tag has no end"));
      if (auto why = add(*tag); !why.empty()) return std::unexpected(refusal(tag->whole, why));
      at = open + tag->whole.size();
    }
    if (!sections_.empty()) {
      return std::unexpected(refusal(sections_.back().tag.whole, "the section has no end"));
    }
    out_ += text_.substr(at);
    return std::move(out_);
  }

 private:
  std::optional<Tag> cut(std::size_t open) const {
    const bool triple = text_.substr(open).starts_with("{{{");
    const std::string_view end_mark = triple ? "}}}" : "}}";
    const std::size_t braces = end_mark.size();
    const auto end = text_.find(end_mark, open + braces);
    if (end == std::string_view::npos) return std::nullopt;
    return Tag{text_.substr(open, end + braces - open),
               trimmed(text_.substr(open + braces, end - open - braces)), triple};
  }

  // Appends the canonical tag; returns why not, empty when done.
  std::string add(const Tag& tag) {
    if (tag.content.empty()) return "the tag is empty";
    const char mark = tag.content.front();
    if (tag.triple) return add_variable(tag.content, "{{{", "}}}");
    if (mark == '!' || is_go_comment(tag.content)) return {};
    if (mark == '&') return add_variable(tag.content.substr(1), "{{{", "}}}");
    if (mark == '#' || mark == '^') return open_section(tag, mark);
    if (mark == '/') return close_section(tag);
    return add_variable(tag.content, "{{", "}}");
  }

  std::string add_variable(std::string_view content, std::string_view open, std::string_view close) {
    const auto name = name_of(content);
    if (!is_known(name)) return "not understood";
    out_.append(open).append(name).append(close);
    return {};
  }

  std::string open_section(const Tag& tag, char mark) {
    const auto name = name_of(tag.content.substr(1));
    if (!is_known(name)) return "not understood";
    if (sections_.size() == kSectionDepthMax) return "sections are nested too deep";
    sections_.push_back({name, tag});
    out_.append("{{").append(1, mark).append(name).append("}}");
    return {};
  }

  std::string close_section(const Tag& tag) {
    const auto name = name_of(tag.content.substr(1));
    if (sections_.empty() || sections_.back().name != name) return "it closes no open section";
    sections_.pop_back();
    out_.append("{{/").append(name).append("}}");
    return {};
  }

  // Go writes a field with a dot before it.
  static std::string_view name_of(std::string_view content) {
    content = trimmed(content);
    return content.starts_with('.') ? content.substr(1) : content;
  }

  std::string refusal(std::string_view tag, const std::string& why) const {
    const auto line = 1 + std::count(text_.begin(), text_.begin() + (tag.data() - text_.data()), '\n');
    // An error is one line, whatever stands in the tag.
    std::string shown(tag.substr(0, 80));
    std::ranges::replace_if(
        shown, [](unsigned char c) { return c < 0x20; }, ' ');
    return place(line) + ": " + shown + ": " + why + "; " + understood();
  }

  // "smtp.tpl:3"; a text within the configuration ("config.toml:12: providers.smtp.subject") has its line
  // already.
  std::string place(std::ptrdiff_t line) const {
    std::string out(origin_);
    const bool has_line = origin_.find(": ") != std::string_view::npos;
    if (!has_line || line > 1) out += (has_line ? ", line " : ":") + std::to_string(line);
    return out;
  }

  std::string_view text_, origin_;
  std::string out_;
  std::vector<OpenSection> sections_;
};

}  // namespace

std::expected<std::string, std::string> canonical(std::string_view text, std::string_view origin) {
  return Rewriter(text, origin).run();
}

}  // namespace otpgw::message
