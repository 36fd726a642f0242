// The SMTP provider: sends codes by e-mail through a mail server.
#include <curl/curl.h>

#include <mutex>

#include "address.h"
#include "mailer.h"
#include "otpgw/provider.hpp"
#include "settings.h"

namespace otpgw::smtp {
namespace {

constexpr const char* kConfigSchema = R"({"type":"object","required":["host","from_email"],"properties":{)"
                                      R"("host":{"type":"string"},)"
                                      R"("port":{"type":"integer","minimum":1,"maximum":65535},)"
                                      R"("auth_protocol":{"enum":["login","cram","plain","none"]},)"
                                      R"("username":{"type":"string"},)"
                                      R"("password":{"type":"string"},)"
                                      R"("from_email":{"type":"string"},)"
                                      R"("tls_type":{"enum":["none","STARTTLS","TLS"]},)"
                                      R"("tls_skip_verify":{"type":"boolean"}}})";

class SmtpProvider : public Provider {
 public:
  static constexpr otpgw_descriptor kDescriptor{
      .struct_size = sizeof(otpgw_descriptor),
      .channel_kind = OTPGW_CHANNEL_EMAIL,
      .id = "smtp",
      .name = "SMTP e-mail",
      .version = OTPGW_VERSION,
      .vendor = "OTP Gateway",
      .channel_name = "E-mail",
      .address_name = "E-mail ID",
      .channel_description = "A verification code is sent to your e-mail address.",
      .address_description = "Your e-mail address, like user@example.com.",
      .config_schema = kConfigSchema,
      .address_bytes_max = kAddressBytesMax,
      .otp_length_max = 6,
      .body_bytes_max = 1 << 20,
      .flags = 0};  // SMTP knows no idempotency key, and each thread keeps a connection of its own

  SmtpProvider(const Host& host, std::string_view config_json)
      : settings_(read_settings(config_json)), mailer_(settings_) {
    static std::once_flag warned;  // one configuration, but an instance for each thread
    std::call_once(warned, [&] { warn(host); });
  }

  AddressResult validate(std::string_view address) override {
    auto normalised = normalise_address(address);
    if (normalised) return AddressResult::valid(std::move(*normalised));
    return address.size() > kAddressBytesMax ? AddressResult::too_long(normalised.error())
                                             : AddressResult::invalid(normalised.error());
  }

  Result send(const Job& job) override {
    // Checked again: while no worker is there, the gateway takes addresses by their length alone.
    const auto address = normalise_address(job.address);
    return address ? mailer_.send(job, *address) : Result::rejected("the address is not an e-mail address");
  }

 private:
  void warn(const Host& host) const {
    if (settings_.tls_skip_verify) host.warn("tls_skip_verify: the server's certificate is not checked");
    if (settings_.tls == Tls::none && (settings_.auth == Auth::login || settings_.auth == Auth::plain))
      host.warn("tls_type is \"none\": user name and password travel unencrypted");
    if (settings_.auth == Auth::none && !settings_.username.empty())
      host.warn("username is set but auth_protocol is not: mailing without authentication");
  }

  const Settings settings_;
  Mailer mailer_;
};

int32_t init(const otpgw_host*) { return ::curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : 1; }
void deinit() { ::curl_global_cleanup(); }

}  // namespace
}  // namespace otpgw::smtp

OTPGW_PROVIDER_WITH_INIT(otpgw::smtp::init, otpgw::smtp::deinit, otpgw::smtp::SmtpProvider)
