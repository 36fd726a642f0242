#include "worker/plugin_instance.h"

#include <Poco/UTF8String.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "worker/guarded_result.h"
#include "worker/log.h"
#include "worker/plugin_text.h"

namespace otpgw::worker {
namespace {

constexpr int64_t kRetryAfterMsMax = int64_t{24} * 3600 * 1000;
// A shorter text stands in many a sentence by chance.
constexpr std::size_t kSecretBytesMin = 4;
constexpr std::size_t kNormalisedBytesMax = 254;

otpgw_string borrow(const std::string& text) { return {text.data(), text.size()}; }

// In any case of letters, also beyond ASCII: upstreams like to fold addresses.
bool holds(const std::string& text, std::string_view secret) {
  return Poco::UTF8::toLower(text).contains(Poco::UTF8::toLower(std::string(secret)));
}

bool is_country(std::string_view text) {
  return text.size() == 2 && std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

void log_fault(const std::string& sentence) { log(LogLevel::error, "the plug-in's " + sentence); }

}  // namespace

PluginInstance::PluginInstance(const otpgw_entry* entry, void* instance)
    : entry_(entry), instance_(instance), report_fault_(log_fault) {}

PluginInstance::PluginInstance(PluginInstance&& other) noexcept
    : entry_(other.entry_),
      instance_(std::exchange(other.instance_, nullptr)),
      report_fault_(std::move(other.report_fault_)) {}

PluginInstance::~PluginInstance() {
  if (instance_ == nullptr) return;
  try {
    entry_->destroy(instance_);
  } catch (...) {
    log(LogLevel::error, "the plug-in's destroy threw an exception");
  }
}

std::string PluginInstance::text(const char* name, const char* buffer, std::size_t buffer_bytes) const {
  const std::string_view raw(buffer, ::strnlen(buffer, buffer_bytes));
  auto clean = plugin_text(buffer, buffer_bytes);
  if (raw.size() == buffer_bytes) {
    report_fault_(std::string(name) + " has no NUL at its end");
  } else if (clean != raw) {
    report_fault_(std::string(name) + " is not one line of UTF-8");
  }
  return clean;
}

// The contract says that no code and no address stands in what goes to logs and answers. Plug-ins that quote
// their upstream break it easily, so it is kept here.
std::string PluginInstance::without_secrets(const char* name, std::string text, const wire::Job& job) const {
  std::string_view address = job.address;
  if (address.starts_with('+')) address.remove_prefix(1);  // many an upstream knows numbers without
  for (const std::string_view secret : {std::string_view(job.code), address}) {
    if (secret.size() < kSecretBytesMin || !holds(text, secret)) continue;
    report_fault_(std::string(name) + " quoted the code or the address");
    return "(withheld: it quoted the code or the address)";
  }
  return text;
}

wire::Address PluginInstance::validate(const wire::Validate& request) {
  wire::Address answer{.request = request.request,
                       .verdict = wire::AddressVerdict::invalid,
                       .sentence = "The address could not be checked.",
                       .normalised = {},
                       .country = {}};
  GuardedResult<otpgw_address_result> result;
  result->verdict = OTPGW_ADDRESS_INVALID;
  try {
    entry_->validate(instance_, borrow(request.address), result.get());
  } catch (...) {
    report_fault_("validate threw an exception");
    return answer;
  }
  result.check("validate");
  if (result->verdict < OTPGW_ADDRESS_VALID || result->verdict > OTPGW_ADDRESS_TOO_LONG) {
    report_fault_("validate gave the verdict " + std::to_string(result->verdict) + ", which does not exist");
    return answer;
  }
  const std::string_view raw(result->normalised, ::strnlen(result->normalised, sizeof result->normalised));
  answer.normalised = plugin_text(result->normalised, sizeof result->normalised);
  if (answer.normalised != raw || raw.size() > kNormalisedBytesMax) {
    report_fault_("validate gave a normalised address that is not clean UTF-8 of at most 254 bytes");
    answer.normalised.clear();  // a mended address would be somebody else's
    return answer;
  }
  answer.verdict = static_cast<wire::AddressVerdict>(result->verdict);
  answer.sentence = text("validate: its sentence", result->sentence, sizeof result->sentence);
  const std::string_view country(result->country, ::strnlen(result->country, sizeof result->country));
  if (country.empty() || is_country(country)) {
    answer.country = country;
  } else {
    report_fault_("validate gave a country that is not two capital letters");
  }
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
  GuardedResult<otpgw_result> result;
  result->code = OTPGW_UNKNOWN;  // what a send that writes nothing means
  wire::Result answer{.job_id = job.id, .attempt = job.attempt, .upstream_id = {}, .detail = {}};
  try {
    entry_->send(instance_, &borrowed, result.get());
  } catch (...) {
    report_fault_("send threw an exception");
    answer.detail = "the plug-in threw an exception through the ABI";
    return answer;
  }
  result.check("send");
  if (result->code >= OTPGW_SENT && result->code <= OTPGW_BROKEN) {
    answer.code = static_cast<wire::ResultCode>(result->code);
  } else {
    report_fault_("send gave the code " + std::to_string(result->code) + ", which does not exist");
  }
  if (result->retry_after_ms < 0) report_fault_("send gave a negative retry_after_ms");
  answer.retry_after_ms = std::clamp<int64_t>(result->retry_after_ms, 0, kRetryAfterMsMax);
  answer.upstream_status = result->upstream_status;
  answer.upstream_id =
      without_secrets("send: its upstream_id",
                      text("send: its upstream_id", result->upstream_id, sizeof result->upstream_id), job);
  answer.detail = without_secrets("send: its detail",
                                  text("send: its detail", result->detail, sizeof result->detail), job);
  return answer;
}

}  // namespace otpgw::worker
