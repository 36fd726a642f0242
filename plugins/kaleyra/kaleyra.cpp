// The two providers of Kaleyra: codes by SMS and by WhatsApp.
#include <mutex>
#include <string>

#include "account.h"
#include "otpgw/http.hpp"
#include "otpgw/json_config.hpp"
#include "otpgw/provider.hpp"
#include "verdict.h"

namespace otpgw::kaleyra {
namespace {

constexpr uint32_t kAddressBytesMax = PhoneNumbers::kTextBytesMax;
constexpr uint32_t kSmsBytesMax = 1600;        // longer ones are no text message any more
constexpr uint32_t kUnsentBytesMax = 1 << 20;  // WhatsApp's text is the template's

// What both do: a form for each message, from one connection of the thread's own.
class KaleyraProvider : public Provider {
 public:
  AddressResult validate(std::string_view address) override {
    return account_.phone_numbers().validate(address);
  }

  Result send(const Job& job) override {
    // Checked again: while no worker is there, the gateway takes addresses by their length alone.
    const auto number = account_.phone_numbers().validate(job.address);
    if (number.verdict != OTPGW_ADDRESS_VALID) return Result::rejected("the address is not a phone number");
    return verdict(client_.perform(account_.request(form(job, number.normalised)), job.time_left()));
  }

 protected:
  KaleyraProvider(const Host& host, const JsonConfig& config) : account_(config) {
    static std::once_flag warned;  // one configuration, but an instance for each thread
    if (account_.unencrypted())
      std::call_once(warned, [&] { host.warn("scheme is http: codes and the API key travel unencrypted"); });
  }

  [[nodiscard]] virtual std::string form(const Job& job, std::string_view e164) const = 0;
  [[nodiscard]] const std::string& sender() const { return account_.sender(); }

 private:
  const Account account_;
  http::Client client_;
};

class Sms final : public KaleyraProvider {
 public:
  static constexpr otpgw_descriptor kDescriptor{
      .struct_size = sizeof(otpgw_descriptor),
      .channel_kind = OTPGW_CHANNEL_SMS,
      .id = "kaleyra_sms",
      .name = "Kaleyra SMS",
      .version = OTPGW_VERSION,
      .vendor = "OTP Gateway",
      .channel_name = "SMS",
      .address_name = "Mobile number",
      .channel_description = "We've sent you an SMS with a code. Enter it to verify your mobile number.",
      .address_description = "Enter your mobile number. A code will come by SMS.",
      .config_schema = R"({"type":"object","required":["api_key","sid","sender"],"properties":{)"
                       R"("api_key":{"type":"string"},"sid":{"type":"string"},"sender":{"type":"string"},)"
                       R"("default_phone_code":{"type":"string"},"host":{"type":"string"},)"
                       R"("scheme":{"enum":["https","http"]},)"
                       R"("sms_entity_id":{"type":"string"},"sms_template_id":{"type":"string"}}})",
      .address_bytes_max = kAddressBytesMax,
      .otp_length_max = 6,
      .body_bytes_max = kSmsBytesMax,
      .flags = 0};  // each thread keeps a connection of its own

  Sms(const Host& host, std::string_view config_json) : Sms(host, JsonConfig(config_json)) {}

 private:
  Sms(const Host& host, const JsonConfig& config)
      : KaleyraProvider(host, config),
        entity_id_(read_name(config, "sms_entity_id")),
        template_id_(read_name(config, "sms_template_id")) {}

  std::string form(const Job& job, std::string_view e164) const override {
    return http::form({{"to", e164},
                       {"type", "OTP"},
                       {"sender", sender()},
                       {"body", job.body},
                       {"template_id", template_id_},
                       {"entity_id", entity_id_}});
  }

  const std::string entity_id_, template_id_;
};

class WhatsApp final : public KaleyraProvider {
 public:
  static constexpr otpgw_descriptor kDescriptor{
      .struct_size = sizeof(otpgw_descriptor),
      .channel_kind = OTPGW_CHANNEL_WHATSAPP,
      .id = "kaleyra_whatsapp",
      .name = "Kaleyra WhatsApp",
      .version = OTPGW_VERSION,
      .vendor = "OTP Gateway",
      .channel_name = "WhatsApp",
      .address_name = "WhatsApp number",
      .channel_description = "We've sent you a WhatsApp message with a code. Enter it to verify your number.",
      .address_description = "Enter your WhatsApp number. A code will come by WhatsApp.",
      .config_schema =
          R"({"type":"object","required":["api_key","sid","sender","template_name"],"properties":{)"
          R"("api_key":{"type":"string"},"sid":{"type":"string"},"sender":{"type":"string"},)"
          R"("default_phone_code":{"type":"string"},"host":{"type":"string"},)"
          R"("scheme":{"enum":["https","http"]},"template_name":{"type":"string"}}})",
      .address_bytes_max = kAddressBytesMax,
      .otp_length_max = 6,
      .body_bytes_max = kUnsentBytesMax,
      .flags = 0};  // each thread keeps a connection of its own

  WhatsApp(const Host& host, std::string_view config_json) : WhatsApp(host, JsonConfig(config_json)) {}

 private:
  WhatsApp(const Host& host, const JsonConfig& config)
      : KaleyraProvider(host, config), template_name_(read_required_name(config, "template_name")) {}

  std::string form(const Job& job, std::string_view e164) const override {
    return http::form({{"to", e164},
                       {"type", "authenticationtemplate"},
                       {"channel", "whatsapp"},
                       {"from", sender()},
                       {"template_name", template_name_},
                       {"verification_code", job.code}});
  }

  const std::string template_name_;
};

}  // namespace
}  // namespace otpgw::kaleyra

OTPGW_PROVIDER_WITH_INIT(otpgw::http::init, otpgw::http::deinit, otpgw::kaleyra::Sms,
                         otpgw::kaleyra::WhatsApp)
