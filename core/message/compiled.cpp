#include "core/message/compiled.h"

#include <algorithm>

namespace otpgw::message {
namespace {

// Finds values by name, sections included. An empty value reads as absent, so that {{#BoundLine}} shows
// nothing when there is none (kainjow takes an empty text for true).
class ValuesContext final : public kainjow::mustache::basic_context<std::string> {
 public:
  using Data = kainjow::mustache::data;
  explicit ValuesContext(const Values& values) : values_(values) {}

  void push(const Data*) override {}  // a section's value is a text: it brings no names of its own
  void pop() override {}
  const Data* get(const std::string& name) const override {
    const auto index = static_cast<std::size_t>(std::ranges::find(kNames, name) - kNames.begin());
    if (index == kNames.size() || values_[index].string_value().empty()) return nullptr;
    return &values_[index];
  }
  const Data* get_partial(const std::string&) const override { return nullptr; }

 private:
  const Values& values_;
};

// What kainjow's render() needs of a stream.
struct Appender {
  std::string text;
  Appender& operator<<(const std::string& part) {
    text += part;
    return *this;
  }
};

}  // namespace

Compiled::Compiled(const std::string& canonical, Escape escape) : mustache_(canonical) {
  if (escape == Escape::none) mustache_.set_custom_escape([](const std::string& text) { return text; });
}

std::expected<Compiled, std::string> Compiled::compile(std::string_view text, std::string_view origin,
                                                       Escape escape) {
  auto tags = canonical(text, origin);
  if (!tags) return std::unexpected(std::move(tags.error()));
  Compiled compiled(*tags, escape);
  if (!compiled.mustache_.is_valid()) {
    return std::unexpected(std::string(origin) + ": " + compiled.mustache_.error_message());
  }
  return compiled;
}

std::string Compiled::render(const Values& values) const {
  ValuesContext context(values);
  Appender out;
  mustache_.render(context, out);
  return std::move(out.text);
}

}  // namespace otpgw::message
