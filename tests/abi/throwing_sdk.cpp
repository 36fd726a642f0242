// A provider written with provider.hpp that throws in each of its functions: the wrapper turns it into
// results.
#include <stdexcept>
#include <string>

#include "otpgw/provider.hpp"

namespace {

class Throwing : public otpgw::Provider {
 public:
  static constexpr otpgw_descriptor kDescriptor{.struct_size = sizeof(otpgw_descriptor),
                                                .channel_kind = OTPGW_CHANNEL_OTHER,
                                                .id = "throwing",
                                                .name = "Throwing",
                                                .version = OTPGW_VERSION,
                                                .vendor = "tests",
                                                .channel_name = "Nothing",
                                                .address_name = "Anything",
                                                .channel_description = "",
                                                .address_description = "",
                                                .config_schema = nullptr,
                                                .address_bytes_max = 254,
                                                .otp_length_max = 6,
                                                .body_bytes_max = 1000,
                                                .flags = OTPGW_FLAG_THREAD_SAFE};

  Throwing(const otpgw::Host&, std::string_view config_json) {
    if (config_json == "create") throw std::invalid_argument("key: must not be \"create\"");
  }
  otpgw::AddressResult validate(std::string_view address) override {
    throw std::runtime_error(std::string(address));
  }
  otpgw::Result send(const otpgw::Job& job) override { throw std::runtime_error(std::string(job.address)); }
};

}  // namespace

OTPGW_PROVIDER(Throwing)
