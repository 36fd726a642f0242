// One library with two providers, as one company may offer SMS and WhatsApp.
#include <string>

#include "otpgw/provider.hpp"

namespace {

constexpr otpgw_descriptor describe(const char* id) {
  return {.struct_size = sizeof(otpgw_descriptor),
          .channel_kind = OTPGW_CHANNEL_SMS,
          .id = id,
          .name = id,
          .version = OTPGW_VERSION,
          .vendor = "tests",
          .channel_name = "SMS",
          .address_name = "Number",
          .channel_description = "",
          .address_description = "",
          .config_schema = nullptr,
          .address_bytes_max = 20,
          .otp_length_max = 6,
          .body_bytes_max = 1600,
          .flags = OTPGW_FLAG_THREAD_SAFE};
}

// Says its own name as the upstream's id.
class Named : public otpgw::Provider {
 public:
  explicit Named(std::string name) : name_(std::move(name)) {}
  otpgw::AddressResult validate(std::string_view) override {
    return otpgw::AddressResult::valid(name_, "IN");
  }
  otpgw::Result send(const otpgw::Job&) override { return otpgw::Result::sent(name_); }

 private:
  const std::string name_;
};

class Sms : public Named {
 public:
  static constexpr otpgw_descriptor kDescriptor = describe("two_sms");
  Sms(const otpgw::Host&, std::string_view) : Named("sms") {}
};
class WhatsApp : public Named {
 public:
  static constexpr otpgw_descriptor kDescriptor = describe("two_whatsapp");
  WhatsApp(const otpgw::Host&, std::string_view) : Named("whatsapp") {}
};

}  // namespace

OTPGW_PROVIDER(Sms, WhatsApp)
