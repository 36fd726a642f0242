#include "answer.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>

namespace otpgw::pinpoint {
namespace {

using Poco::JSON::Object;

constexpr std::size_t kNameBytesMax = 80;

// An empty one when the body is something else, or did not come whole.
Object::Ptr object_in(const http::Answer& answer) {
  if (answer.whole && !answer.body.empty()) try {
      const auto parsed = Poco::JSON::Parser().parse(answer.body);
      if (parsed.type() == typeid(Object::Ptr)) return parsed.extract<Object::Ptr>();
    } catch (const std::exception&) {  // not JSON
    }
  return new Object;
}

Object::Ptr object_in(const Object::Ptr& object, const std::string& key) {
  auto found = object->getObject(key);
  if (!found) found = new Object;
  return found;
}

std::string text(const Object::Ptr& object, const std::string& key) {
  const auto value = object->get(key);
  return value.isString() ? value.extract<std::string>() : std::string();
}

std::string name(std::string_view text) {
  const auto known = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const bool good = text.size() <= kNameBytesMax && std::ranges::all_of(text, known);
  return good ? std::string(text) : std::string();
}

// "aws.protocoltests#FooException:http://amzn.example/" is FooException.
std::string exception_name(std::string_view text) {
  text = text.substr(0, text.find(':'));
  if (const auto hash = text.find('#'); hash != text.npos) text.remove_prefix(hash + 1);
  return name(text);
}

}  // namespace

Refusal read_refusal(const http::Answer& answer, std::string_view error_type) {
  const auto body = object_in(answer);
  Refusal refusal{.exception = exception_name(error_type), .reason = name(text(body, "Reason")), .field = {}};
  for (const auto* key : {"__type", "code", "Code"})
    if (refusal.exception.empty()) refusal.exception = exception_name(text(body, key));
  if (const auto fields = body->getArray("Fields"); fields && fields->size() > 0)
    if (const auto field = fields->getObject(0)) refusal.field = name(text(field, "Name"));
  return refusal;
}

Delivery read_delivery(const http::Answer& answer, const std::string& address) {
  auto body = object_in(answer);
  // The SDKs' models wrap the result; on the wire it stands at the top, or in MessageResponse.
  if (body->has("MessageResponse")) body = object_in(body, "MessageResponse");
  const auto result = object_in(object_in(body, "Result"), address);
  return {.status = name(text(result, "DeliveryStatus")), .message_id = text(result, "MessageId")};
}

std::string read_message_id(const http::Answer& answer) { return text(object_in(answer), "MessageId"); }

}  // namespace otpgw::pinpoint
