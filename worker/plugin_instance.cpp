#include "worker/plugin_instance.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "worker/log.h"
#include "worker/plugin_text.h"

namespace otpgw::worker {
namespace {

constexpr int64_t kRetryAfterMsMax = int64_t{24} * 3600 * 1000;
// A shorter text stands in many a sentence by chance.
constexpr std::size_t kSecretBytesMin = 4;

otpgw_string borrow(const std::string& text) { return {text.data(), text.size()}; }

wire::ResultCode code_of(int32_t code) {
  const bool known = code >= OTPGW_SENT && code <= OTPGW_BROKEN;
  return known ? static_cast<wire::ResultCode>(code) : wire::ResultCode::unknown;
}

// The contract says that no code and no address stands in what goes to logs and answers. Plug-ins that quote
// their upstream break it easily, so it is kept here.
std::string without_secrets(std::string text, const wire::Job& job) {
  for (const auto* secret : {&job.code, &job.address})
    if (secret->size() >= kSecretBytesMin && text.find(*secret) != text.npos)
      return "(withheld: it quoted the code or the address)";
  return text;
}

}  // namespace

PluginInstance::PluginInstance(PluginInstance&& other) noexcept
    : entry_(other.entry_), instance_(std::exchange(other.instance_, nullptr)) {}

PluginInstance::~PluginInstance() {
  if (instance_ == nullptr) return;
  try {
    entry_->destroy(instance_);
  } catch (...) {
    log(LogLevel::error, "the plug-in's destroy threw an exception");
  }
}

wire::Address PluginInstance::validate(const wire::Validate& request) {
  wire::Address answer{.request = request.request,
                       .verdict = wire::AddressVerdict::invalid,
                       .sentence = "The address could not be checked.",
                       .normalised = {},
                       .country = {}};
  otpgw_address_result result{};
  result.struct_size = sizeof result;
  result.verdict = OTPGW_ADDRESS_INVALID;
  try {
    entry_->validate(instance_, borrow(request.address), &result);
  } catch (...) {
    log(LogLevel::error, "the plug-in's validate threw an exception");
    return answer;
  }
  if (result.verdict < OTPGW_ADDRESS_VALID || result.verdict > OTPGW_ADDRESS_TOO_LONG) {
    log(LogLevel::error, "the plug-in's validate gave a verdict that does not exist");
    return answer;
  }
  answer.normalised = plugin_text(result.normalised, sizeof result.normalised);
  if (answer.normalised !=
      std::string_view(result.normalised, ::strnlen(result.normalised, sizeof result.normalised))) {
    log(LogLevel::error, "the plug-in's validate gave an address that is not clean UTF-8");
    answer.normalised.clear();  // a mended address would be somebody else's
    return answer;
  }
  answer.verdict = static_cast<wire::AddressVerdict>(result.verdict);
  answer.sentence = plugin_text(result.sentence, sizeof result.sentence);
  answer.country = plugin_text(result.country, sizeof result.country - 1);
  return answer;
}

wire::Result PluginInstance::send(const wire::Job& job, int64_t deadline_unix_ms) {
  const otpgw_job borrowed{.struct_size = sizeof(otpgw_job),
                           .attempt = job.attempt,
                           .id = borrow(job.id),
                           .namespace_ = borrow(job.name_space),
                           .otp_id = borrow(job.otp_id),
                           .address = borrow(job.address),
                           .code = borrow(job.code),
                           .subject = borrow(job.subject),
                           .body = borrow(job.body),
                           .text_body = borrow(job.text_body),
                           .locale = borrow(job.locale),
                           .extra = borrow(job.extra),
                           .otp_json = borrow(job.otp_json),
                           .expiry_unix_ms = job.expiry_unix_ms,
                           .deadline_unix_ms = deadline_unix_ms};
  otpgw_result result{};
  result.struct_size = sizeof result;
  result.code = OTPGW_UNKNOWN;  // what a send that writes nothing means
  wire::Result answer{.job_id = job.id, .attempt = job.attempt, .upstream_id = {}, .detail = {}};
  try {
    entry_->send(instance_, &borrowed, &result);
  } catch (...) {
    answer.detail = "the plug-in threw an exception through the ABI";
    return answer;
  }
  answer.code = code_of(result.code);
  answer.retry_after_ms = std::clamp<int64_t>(result.retry_after_ms, 0, kRetryAfterMsMax);
  answer.upstream_status = result.upstream_status;
  answer.upstream_id = without_secrets(plugin_text(result.upstream_id, sizeof result.upstream_id), job);
  answer.detail = without_secrets(plugin_text(result.detail, sizeof result.detail), job);
  return answer;
}

}  // namespace otpgw::worker
