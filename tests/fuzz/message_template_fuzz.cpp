// Goal: no message template crashes the compiler or the renderer; a subject stays one line; HTML is escaped.
// Method: the first byte picks the kind; the input is compiled as subject and as body, and rendered with
// fields that hold what must not get through, and again with fields that hold none of it: what opens a tag is
// the template's own, so there is as much of it both times.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/message/template.h"
#include "tests/fuzz/demand.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace otpgw;
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto kind = static_cast<wire::ChannelKind>(data[0] % 5);
  const bool webhook = (data[0] & 8) != 0;
  const auto templates = message::Templates::compile({text, "subject"}, {text, "body"}, webhook);
  if (!templates) {
    demand(templates.error().find('\n') == std::string::npos);
    return 0;
  }
  message::Fields fields;
  fields.to = fields.channel_name = "a\r\nBcc: b<script>";
  fields.name_space = "shop";
  fields.code = "123456";
  fields.url = "https://otp.example/otp/shop/id?otp=123456&action=check";
  fields.ttl_seconds = 300;
  const auto message = (*templates)->render(fields, kind);
  demand(message.subject.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  if (kind == wire::ChannelKind::email && !webhook && text.find("{{{") == std::string::npos &&
      text.find('&') == std::string::npos) {
    fields.to = fields.channel_name = "a";
    const auto harmless = (*templates)->render(fields, kind);
    demand(std::ranges::count(message.body, '<') == std::ranges::count(harmless.body, '<'));
  }
  return 0;
}
