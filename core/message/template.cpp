#include "core/message/template.h"

#include <algorithm>

#include "core/message/compiled.h"
#include "core/message/defaults.h"

namespace otpgw::message {
namespace {

// Whole minutes plain ("5"), others with one decimal ("1.5"), never "0.0" for a short life.
std::string minutes(int64_t seconds) {
  if (seconds % 60 == 0) return std::to_string(seconds / 60);
  const int64_t tenths = std::max<int64_t>(1, (seconds + 3) / 6);
  if (tenths % 10 == 0) return std::to_string(tenths / 10);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

// In the order of kNames.
Values values_of(const Fields& fields) {
  return {fields.to,  fields.name_space,           fields.channel,   fields.channel_name, fields.code,
          fields.url, minutes(fields.ttl_seconds), fields.bound_line};
}

// A line break in a header would start another header.
std::string header_text(std::string text) {
  std::erase_if(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
  return text;
}

class CompiledTemplates final : public Templates {
 public:
  CompiledTemplates(Compiled subject, Compiled html, Compiled mail_text, Compiled text)
      : subject_(std::move(subject)),
        html_(std::move(html)),
        mail_text_(std::move(mail_text)),
        text_(std::move(text)) {}

  Message render(const Fields& fields, wire::ChannelKind kind) const override {
    const Values values = values_of(fields);
    Message message;
    message.subject = header_text(subject_.render(values));
    if (kind == wire::ChannelKind::email) {
      message.body = html_.render(values);
      message.text_body = mail_text_.render(values);
    } else {
      message.body = text_.render(values);
    }
    return message;
  }

 private:
  Compiled subject_, html_, mail_text_, text_;
};

config::TemplateSource or_default(const config::TemplateSource& given, std::string_view fallback) {
  if (!given.text.empty()) return given;
  return {.text = std::string(fallback), .origin = "the built-in template"};
}

}  // namespace

std::expected<std::shared_ptr<const Templates>, std::string> Templates::compile(
    const config::TemplateSource& subject, const config::TemplateSource& body, bool webhook,
    std::string_view language) {
  const Defaults& defaults = defaults_in(language);
  // The kind of channel is known only once the provider's worker is there, so the body is compiled both ways.
  constexpr std::string_view kNone;
  const auto compiled = [](const config::TemplateSource& given, std::string_view fallback, Escape escape) {
    const auto source = or_default(given, fallback);
    return Compiled::compile(source.text, source.origin, escape);
  };
  auto subject_text = compiled(subject, webhook ? kNone : std::string_view(defaults.subject), Escape::none);
  auto html = compiled(body, webhook ? kNone : std::string_view(defaults.html),
                       webhook ? Escape::none : Escape::html);
  auto mail_text = compiled({}, webhook ? kNone : std::string_view(defaults.mail_text), Escape::none);
  auto text = compiled(body, webhook ? kNone : std::string_view(defaults.text), Escape::none);
  for (const auto* result : {&subject_text, &html, &mail_text, &text}) {
    if (!*result) return std::unexpected(result->error());
  }
  return std::make_shared<CompiledTemplates>(std::move(*subject_text), std::move(*html),
                                             std::move(*mail_text), std::move(*text));
}

}  // namespace otpgw::message
