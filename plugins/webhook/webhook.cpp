// The webhook provider: posts codes to an HTTP endpoint, the gateway's own JSON or what an SMS company wants.
#include <sodium.h>

#include <mutex>

#include "address_rules.h"
#include "channel.h"
#include "endpoint.h"
#include "otpgw/http.hpp"
#include "otpgw/json_config.hpp"
#include "otpgw/provider.hpp"
#include "request_format.h"
#include "verdict.h"

namespace otpgw::webhook {
namespace {

constexpr const char* kConfigSchema =
    R"({"type":"object","required":["url"],"properties":{)"
    R"("url":{"type":"string"},)"
    R"("username":{"type":"string"},)"
    R"("password":{"type":"string"},)"
    R"("secret":{"type":"string"},)"
    R"("ca_file":{"type":"string"},)"
    R"("method":{"enum":["POST","GET","PUT","PATCH"]},)"
    R"("headers":{"type":"object","additionalProperties":{"type":"string"}},)"
    R"("content_type":{"type":"string"},)"
    R"("body":{"type":"string"},)"
    R"("success_pattern":{"type":"string"},)"
    R"("reject_pattern":{"type":"string"},)"
    R"("retry_pattern":{"type":"string"},)"
    R"("idempotent":{"type":"boolean"},)"
    R"("channel_kind":{"enum":["email","sms","whatsapp","voice","other"]},)"
    R"("channel_name":{"type":"string"},)"
    R"("address_name":{"type":"string"},)"
    R"("address_pattern":{"type":"string"},)"
    R"("default_phone_code":{"type":"string"},)"
    R"("max_address_len":{"type":"integer","minimum":1,"maximum":254},)"
    R"("max_otp_len":{"type":"integer","minimum":1,"maximum":64}}})";

class WebhookProvider : public Provider {
 public:
  // What the configuration decides is filled in by describe_instance().
  static constexpr otpgw_descriptor kDescriptor{.struct_size = sizeof(otpgw_descriptor),
                                                .channel_kind = OTPGW_CHANNEL_OTHER,
                                                .id = "webhook",
                                                .name = "Webhook",
                                                .version = OTPGW_VERSION,
                                                .vendor = "OTP Gateway",
                                                .channel_name = "Message",
                                                .address_name = "Address",
                                                .channel_description = "",
                                                .address_description = "",
                                                .config_schema = kConfigSchema,
                                                .address_bytes_max = 254,
                                                .otp_length_max = 6,
                                                .body_bytes_max = 1 << 20,
                                                .flags = 0};  // each thread keeps a connection of its own

  WebhookProvider(const Host& host, std::string_view config_json)
      : WebhookProvider(host, JsonConfig(config_json)) {}

  AddressResult validate(std::string_view address) override { return addresses_.validate(address); }

  Result send(const Job& job) override {
    // Checked again: while no worker is there, the gateway takes addresses by their length alone.
    const auto address = addresses_.validate_again(job.address);
    if (address.verdict != OTPGW_ADDRESS_VALID)
      return Result::rejected("the address is not one that this webhook takes");
    const auto request = format_.request(job, address.normalised.empty() ? job.address : address.normalised);
    return verdict_.of(client_.perform(request, job.time_left()));
  }

  void describe_instance(otpgw_descriptor& descriptor) const override {
    channel_.describe(descriptor);
    descriptor.body_bytes_max = format_.body_bytes_max();
    if (idempotent_) descriptor.flags |= OTPGW_FLAG_IDEMPOTENT;
  }

 private:
  WebhookProvider(const Host& host, const JsonConfig& config)
      : channel_(config),
        addresses_(config, channel_.address_bytes_max(), channel_.reaches_phones()),
        endpoint_(read_endpoint(config)),
        format_(config, endpoint_),
        verdict_(config),
        idempotent_(config.boolean("idempotent", !format_.is_foreign())),
        client_({.ca_file = endpoint_.ca_file, .copies_are_harmless = idempotent_}) {
    static std::once_flag warned;  // one configuration, but an instance for each thread
    std::call_once(warned, [&] { warn(host); });
  }

  void warn(const Host& host) const {
    if (endpoint_.unencrypted()) host.warn("url is http: codes travel unencrypted");
    if (format_.signer().key_is_short())
      host.warn("secret is shorter than 24 bytes; make one with: echo whsec_$(openssl rand -base64 32)");
  }

  const Channel channel_;
  const AddressRules addresses_;
  const Endpoint endpoint_;
  RequestFormat format_;
  const Verdict verdict_;
  const bool idempotent_;
  http::Client client_;
};

int32_t init(const otpgw_host* host) { return ::sodium_init() < 0 ? 1 : http::init(host); }

}  // namespace
}  // namespace otpgw::webhook

OTPGW_PROVIDER_WITH_INIT(otpgw::webhook::init, otpgw::http::deinit, otpgw::webhook::WebhookProvider)
