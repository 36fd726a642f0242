#include "verdict.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace otpgw::kaleyra {
namespace {

using Poco::Dynamic::Var;
using Object = Poco::JSON::Object::Ptr;
using Array = Poco::JSON::Array::Ptr;

struct Body {
  std::string id, code;
  bool has_error = false;
};

// A text or a number; Poco counts true among the numbers.
std::string as_id(const Var& value) {
  return value.isString() || (value.isInteger() && !value.isBoolean()) ? value.toString() : std::string();
}

// The field is always there: {}, [], "" and null say that there is no error.
bool is_error(const Var& value) {
  if (value.isEmpty()) return false;
  if (value.type() == typeid(Object)) return value.extract<Object>()->size() > 0;
  if (value.type() == typeid(Array)) return value.extract<Array>()->size() > 0;
  return !value.isString() || !value.extract<std::string>().empty();
}

// Any other text in its place may be a number or a code.
bool is_code(const std::string& text) {
  constexpr std::size_t kBytesMax = 12;
  return text.starts_with("RBC") && text.size() <= kBytesMax &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
}

Body read(const std::string& text) {
  Body body;
  try {
    const auto object = Poco::JSON::Parser().parse(text).extract<Object>();
    body.has_error = is_error(object->get("error"));
    if (auto code = as_id(object->get("code")); is_code(code)) body.code = std::move(code);
    body.id = as_id(object->get("id"));
    if (const auto data = object->getArray("data"); data && data->size() > 0)
      if (const auto first = data->getObject(0))
        if (auto id = as_id(first->get("message_id")); !id.empty()) body.id = std::move(id);
  } catch (const std::exception&) {  // no JSON, or not of this form: it says nothing
    return {};
  }
  return body;
}

Result of_success(const http::Answer& answer, const Body& body, const std::string& answered) {
  if (!answer.whole) return Result::unknown(answered + ", and its body came in part only");
  if (body.has_error) return Result::rejected(answered + " and named an error");
  if (body.id.empty()) return Result::unknown(answered + " without the id of a message");
  return Result::sent(body.id);
}

Result of_answer(const http::Answer& answer) {
  const auto body = read(answer.body);
  const auto answered = "Kaleyra answered " + std::to_string(answer.status) +
                        (body.code.empty() ? std::string() : " (" + body.code + ")");
  if (answer.success()) return of_success(answer, body, answered);
  if (answer.temporary()) return Result::retry(answered);
  if (answer.status == 401 || answer.status == 403)
    return Result::broken(answered + ": it does not accept api_key and sid");
  return Result::rejected(answered);
}

}  // namespace

Result verdict(const http::Answer& answer) {
  if (answer.fate != http::Answer::Fate::answered) return http::no_answer(answer);
  return http::with_status(of_answer(answer), answer);
}

}  // namespace otpgw::kaleyra
