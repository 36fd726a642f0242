// A provider that works and breaks the contract in all that `otpgateway-provider check` looks for: it takes a
// list for a text, forgets to free, is flagged thread-safe and is not, answers a code that does not exist,
// and minds no deadline. Built with CRASHES, its send crashes.
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "otpgw/provider.h"

namespace {

#ifdef CRASHES
constexpr const char* kId = "crashing_send";
#else
constexpr const char* kId = "careless";
#endif

constexpr otpgw_descriptor kDescriptor{
    .struct_size = sizeof(otpgw_descriptor),
    .channel_kind = OTPGW_CHANNEL_OTHER,
    .id = kId,
    .name = "Careless",
    .version = OTPGW_VERSION,
    .vendor = "tests",
    .channel_name = "Nothing",
    .address_name = "Anything",
    .channel_description = "",
    .address_description = "",
    .config_schema = R"({"type":"object","properties":{"loft":{"type":"string"}}})",
    .address_bytes_max = 100,
    .otp_length_max = 6,
    .body_bytes_max = 1000,
    .flags = OTPGW_FLAG_THREAD_SAFE};
constexpr const otpgw_descriptor* kDescriptors[] = {&kDescriptor};

struct Careless {
  std::size_t last_size = 0;  // of the address, kept between two steps of validate
};

int32_t create(const otpgw_host*, const char*, otpgw_string, void** instance, otpgw_result*) {
  static char* volatile forgotten;  // volatile: or the compiler would forget it too
  forgotten = static_cast<char*>(std::malloc(64 * 1024));
  std::memset(forgotten, 1, 64 * 1024);
  *instance = new Careless;
  return 0;
}

void validate(void* instance, otpgw_string address, otpgw_address_result* result) {
  auto& last_size = *static_cast<volatile std::size_t*>(&static_cast<Careless*>(instance)->last_size);
  last_size = address.size;
  std::this_thread::sleep_for(std::chrono::microseconds(20));
  const bool good = last_size == 4;
  result->verdict = good ? OTPGW_ADDRESS_VALID : OTPGW_ADDRESS_INVALID;
  if (!good) std::strcpy(result->sentence, "It must have four letters.");
}

void send(void*, const otpgw_job*, otpgw_result* result) {
#ifdef CRASHES
  std::abort();
#endif
  std::this_thread::sleep_for(std::chrono::milliseconds(2500));
  result->code = 4711;
}

void destroy(void* instance) { delete static_cast<Careless*>(instance); }

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
