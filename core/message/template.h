// Subject and body templates of messages: the Go program's notation ({{ .OTP }}) and mustache ({{OTP}}).
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "core/config/config.h"
#include "core/wire/messages.h"

namespace otpgw::message {

// What a template can say. Names in templates: To, Namespace, Channel, ChannelName, OTP, OTPURL,
// OTPTTL.Minutes, BoundLine.
struct Fields {
  std::string to;
  std::string name_space;
  std::string channel;       // provider id
  std::string channel_name;  // "E-mail"
  std::string code;
  std::string url;  // {{ .OTPURL }}: the page's link with the code filled in
  int64_t ttl_seconds = 0;
  std::string bound_line;  // "@host #code", or empty
};

struct Message {
  std::string subject;    // without CR, LF, NUL
  std::string body;       // HTML for e-mail, else plain text
  std::string text_body;  // plain-text alternative of an HTML body, else empty
};

// One provider's compiled templates. render() may be called from several threads at once.
class Templates {
 public:
  // Compiles; an empty source means the built-in default in that language (English, where there is none), and
  // of a webhook an empty text. The error is one line with origin:line, the offending tag and what is
  // understood.
  [[nodiscard]] static std::expected<std::shared_ptr<const Templates>, std::string> compile(
      const config::TemplateSource& subject, const config::TemplateSource& body, bool webhook,
      std::string_view language = "en");
  virtual ~Templates() = default;
  // The kind decides about HTML (email) or plain text. A webhook's body is plain whatever its kind.
  [[nodiscard]] virtual Message render(const Fields& fields, wire::ChannelKind kind) const = 0;
};

}  // namespace otpgw::message
