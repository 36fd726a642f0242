// Lets C++ exceptions through the C ABI, which no plug-in may: the host must live.
#include <stdexcept>

#include "otpgw/provider.h"

namespace {

constexpr otpgw_descriptor kDescriptor{.struct_size = sizeof(otpgw_descriptor),
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
                                       .flags = 0};
constexpr const otpgw_descriptor* kDescriptors[] = {&kDescriptor};

// "create" as its configuration throws there.
int32_t create(const otpgw_host*, const char*, otpgw_string config, void** instance, otpgw_result*) {
  if (config.size == 6) throw std::runtime_error("create");
  static int something;
  *instance = &something;
  return 0;
}
// The address "good" is.
void validate(void*, otpgw_string address, otpgw_address_result* result) {
  if (address.size != 4) throw 42;
  result->verdict = OTPGW_ADDRESS_VALID;
}
void send(void*, const otpgw_job*, otpgw_result*) { throw std::runtime_error("send"); }
void destroy(void*) { throw std::runtime_error("destroy"); }

}  // namespace

const otpgw_entry otpgw_provider_entry{OTPGW_ABI_MAJOR,
                                       OTPGW_ABI_MINOR,
                                       sizeof(otpgw_entry),
                                       1,
                                       kDescriptors,
                                       nullptr,
                                       nullptr,
                                       create,
                                       validate,
                                       send,
                                       destroy,
                                       nullptr};
