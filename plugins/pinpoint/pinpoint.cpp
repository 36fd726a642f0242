// The AWS provider: sends codes by SMS through Amazon Pinpoint or AWS End User Messaging.
#include <mutex>
#include <stdexcept>

#include "otpgw/http.hpp"
#include "otpgw/json_config.hpp"
#include "otpgw/phone.hpp"
#include "otpgw/provider.hpp"
#include "request.h"
#include "settings.h"
#include "verdict.h"

namespace otpgw::pinpoint {
namespace {

constexpr const char* kConfigSchema =
    R"({"type":"object","required":["access_key","secret_key","region"],"properties":{)"
    R"("api":{"enum":["pinpoint","sms-voice"]},)"
    R"("application_id":{"type":"string"},)"
    R"("access_key":{"type":"string"},)"
    R"("secret_key":{"type":"string"},)"
    R"("region":{"type":"string"},)"
    R"("endpoint":{"type":"string"},)"
    R"("sms_sender_id":{"type":"string"},)"
    R"("sms_entity_id":{"type":"string"},)"
    R"("sms_template_id":{"type":"string"},)"
    R"("sms_message_type":{"enum":["TRANSACTIONAL","PROMOTIONAL",""]},)"
    R"("origination_identity":{"type":"string"},)"
    R"("configuration_set":{"type":"string"},)"
    R"("max_price":{"type":"string"},)"
    R"("dry_run":{"type":"boolean"},)"
    R"("default_phone_code":{"type":"string"}}})";

PhoneNumbers read_phone_numbers(const JsonConfig& config) {
  try {
    return PhoneNumbers(config.text("default_phone_code"));
  } catch (const std::invalid_argument& e) {
    throw std::invalid_argument(std::string("default_phone_code: ") + e.what());
  }
}

class PinpointProvider : public Provider {
 public:
  static constexpr otpgw_descriptor kDescriptor{
      .struct_size = sizeof(otpgw_descriptor),
      .channel_kind = OTPGW_CHANNEL_SMS,
      .id = "pinpoint_sms",
      .name = "AWS SMS",
      .version = OTPGW_VERSION,
      .vendor = "OTP Gateway",
      .channel_name = "SMS",
      .address_name = "Mobile number",
      .channel_description = "A verification code is sent to your mobile in an SMS.",
      .address_description = "Your mobile number, with its country code.",
      .config_schema = kConfigSchema,
      .address_bytes_max = PhoneNumbers::kTextBytesMax,
      .otp_length_max = 6,
      .body_bytes_max = 1600,
      .flags = 0};  // AWS knows no idempotency key, and each thread keeps a connection of its own

  PinpointProvider(const Host& host, std::string_view config_json)
      : PinpointProvider(host, JsonConfig(config_json)) {}

  AddressResult validate(std::string_view address) override { return phone_numbers_.validate(address); }

  Result send(const Job& job) override {
    // Checked again: while no worker is there, the gateway takes addresses by their length alone.
    const auto address = phone_numbers_.validate(job.address);
    if (address.verdict != OTPGW_ADDRESS_VALID) return Result::rejected("the address is not a phone number");
    const auto request = request_for(settings_, job, address.normalised);
    const auto answer = client_.perform(request, job.time_left());
    return verdict(settings_.api, answer, client_.header("x-amzn-ErrorType"), address.normalised);
  }

 private:
  PinpointProvider(const Host& host, const JsonConfig& config)
      : settings_(read_settings(config)), phone_numbers_(read_phone_numbers(config)) {
    static std::once_flag warned;  // one configuration, but an instance for each thread
    std::call_once(warned, [&] {
      if (settings_.unencrypted()) host.warn("endpoint is http: codes travel unencrypted");
      if (settings_.dry_run) host.warn("dry_run: AWS checks the messages and sends none");
    });
  }

  const Settings settings_;
  const PhoneNumbers phone_numbers_;
  http::Client client_;
};

}  // namespace
}  // namespace otpgw::pinpoint

OTPGW_PROVIDER_WITH_INIT(otpgw::http::init, otpgw::http::deinit, otpgw::pinpoint::PinpointProvider)
