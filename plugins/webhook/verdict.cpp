#include "verdict.h"

#include <array>
#include <optional>
#include <string>
#include <utility>

namespace otpgw::webhook {
namespace {

std::string answered(const http::Answer& answer, const std::string& more = {}) {
  return "the webhook answered " + std::to_string(answer.status) + more;
}

Result by_status(const http::Answer& answer) {
  if (answer.success()) return Result::sent();
  if (answer.temporary()) return Result::retry(answered(answer));
  if (answer.status < 400) return Result::rejected(answered(answer, ", a redirect; none is followed"));
  if (answer.status == 401 || answer.status == 403)
    return Result::rejected(answered(answer, ": it does not accept our credentials"));
  return Result::rejected(answered(answer));
}

struct Word {
  std::string_view text;
  int32_t code;
};
constexpr std::array<Word, 5> kWords = {{{"sent", OTPGW_SENT},
                                         {"retry", OTPGW_RETRY},
                                         {"rejected", OTPGW_REJECTED},
                                         {"unknown", OTPGW_UNKNOWN},
                                         {"broken", OTPGW_BROKEN}}};

struct Said {
  std::optional<Word> word;
  std::string id;
};

bool begins_as_object(const std::string& body) {
  const auto first = body.find_first_not_of(" \t\r\n");
  return first != body.npos && body[first] == '{';
}

// Whatever else an answer is or holds is no business of ours.
Said read(const std::string& body) {
  Said said;
  if (!begins_as_object(body)) return said;
  try {
    const auto object = Poco::JSON::Parser().parse(body).extract<Poco::JSON::Object::Ptr>();
    if (const auto id = object->get("id"); id.isString() || id.isInteger()) said.id = id.toString();
    if (const auto result = object->get("result"); result.isString())
      for (const auto& word : kWords)
        if (result.extract<std::string>() == word.text) said.word = word;
  } catch (const std::exception&) {  // not JSON after all
    return {};
  }
  return said;
}

}  // namespace

Verdict::Verdict(const JsonConfig& config)
    : success_pattern_(config, "success_pattern"),
      reject_pattern_(config, "reject_pattern"),
      retry_pattern_(config, "retry_pattern") {}

Result Verdict::of(const http::Answer& answer) const {
  if (answer.fate != http::Answer::Fate::answered) return http::no_answer(answer);
  const bool patterns = success_pattern_.given() || reject_pattern_.given() || retry_pattern_.given();
  return http::with_status(patterns ? by_patterns(answer) : by_word(answer), answer);
}

Result Verdict::by_patterns(const http::Answer& answer) const {
  if (reject_pattern_.is_found_in(answer.body))
    return Result::rejected(answered(answer, " with what reject_pattern names"));
  if (retry_pattern_.is_found_in(answer.body))
    return Result::retry(answered(answer, " with what retry_pattern names"));
  if (!answer.success()) return by_status(answer);
  if (!answer.whole) return Result::unknown(answered(answer, ", and its body came in part only"));
  // An upstream that answers "failed" with 200 has most likely sent nothing, but nobody said so.
  if (success_pattern_.given() && !success_pattern_.is_found_in(answer.body))
    return Result::unknown(answered(answer, " without what success_pattern expects"));
  return Result::sent();
}

Result Verdict::by_word(const http::Answer& answer) const {
  if (!answer.whole && answer.success() && (answer.body.empty() || begins_as_object(answer.body)))
    return Result::unknown(answered(answer, ", and its body came in part only"));
  auto said = answer.whole ? read(answer.body) : Said();
  Result result = by_status(answer);
  if (said.word) {
    result = {.code = said.word->code, .detail = {}, .upstream_id = {}};
    if (result.code != OTPGW_SENT)
      result.detail = answered(answer, " and said \"" + std::string(said.word->text) + "\"");
  }
  result.upstream_id = std::move(said.id);
  return result;
}

}  // namespace otpgw::webhook
