#include "field_template.h"

#include <algorithm>
#include <stdexcept>

namespace otpgw::webhook {
namespace {

using Data = kainjow::mustache::data;
using Values = std::array<Data, kFieldNames.size()>;

std::size_t index_of(std::string_view name) {
  return static_cast<std::size_t>(std::ranges::find(kFieldNames, name) - kFieldNames.begin());
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

[[noreturn]] void refuse(std::string_view tag, const std::string& why) {
  std::string shown(tag.substr(0, 40));
  std::ranges::replace_if(
      shown, [](unsigned char c) { return c < 0x20 || c >= 0x7F; }, '?');
  throw std::invalid_argument(shown + ": " + why);
}

// Mustache would render what it doesn't know, {{ .OTP }} say, as nothing, without a word.
void check_tags(std::string_view text) {
  for (auto open = text.find("{{"); open != text.npos; open = text.find("{{", open)) {
    const auto end = text.find("}}", open);
    if (end == text.npos) refuse(text.substr(open), "the tag has no end");
    const auto tag = text.substr(open, end + 2 - open);
    auto name = trimmed(tag.substr(2, tag.size() - 4));
    open = end + 2;
    if (name.starts_with('!')) continue;
    if (name.starts_with('{') || name.starts_with('&'))
      refuse(tag, "nothing goes in unescaped; expected two braces and the field's name");
    if (name.starts_with('#') || name.starts_with('^') || name.starts_with('/'))
      name = trimmed(name.substr(1));
    if (index_of(name) < kFieldNames.size()) continue;
    std::string known;
    for (const auto one : kFieldNames) known.append(known.empty() ? "" : ", ").append(one);
    refuse(tag, "no such field; there are " + known);
  }
}

// Finds values by name, in sections too. An empty one reads as absent: kainjow takes an empty text for true.
class FieldsContext final : public kainjow::mustache::basic_context<std::string> {
 public:
  explicit FieldsContext(const Values& values) : values_(values) {}
  void push(const Data*) override {}  // a section's value is a text: it brings no names of its own
  void pop() override {}
  const Data* get(const std::string& name) const override {
    const auto index = index_of(name);
    return index == kFieldNames.size() || values_[index].string_value().empty() ? nullptr : &values_[index];
  }
  const Data* get_partial(const std::string&) const override { return nullptr; }

 private:
  const Values& values_;
};

}  // namespace

Fields sample_fields(bool all, bool numbers_only) {
  Fields fields;
  fields.fill("a\"b\\");
  fields[index_of("ttl")] = "1";
  if (numbers_only) fields[index_of("to_digits")] = "1";
  fields[index_of("extra")] = R"({"a":"b"})";
  if (!all)
    for (const auto* name : {"subject", "body", "locale"}) fields[index_of(name)].clear();
  return fields;
}

FieldTemplate::FieldTemplate(const std::string& text, Escape escape)
    : escape_(escape), mustache_((check_tags(text), text)) {
  if (!mustache_.is_valid()) throw std::invalid_argument(mustache_.error_message());
  mustache_.set_custom_escape([](const std::string& value) { return value; });  // render() has done it
}

std::string FieldTemplate::render(const Fields& fields) {
  Values values;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const bool as_it_is = escape_ == Escape::json && kFieldNames[i] == "extra";
    values[i] = as_it_is ? fields[i] : escaped(fields[i], escape_);
  }
  FieldsContext context(values);
  return mustache_.render(context);
}

}  // namespace otpgw::webhook
