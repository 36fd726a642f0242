/* A provider that was built with a header of the future: a newer abi_minor, and structs that have gained
 * fields. Today's worker must take what it knows and pass over the rest. */
#define otpgw_provider_entry declared_with_the_type_of_today
#include "otpgw/provider.h"
#undef otpgw_provider_entry

typedef struct future_descriptor {
  otpgw_descriptor today;
  const char* colour;
  uint64_t more[4];
} future_descriptor;

typedef struct future_entry {
  otpgw_entry today;
  void (*more[4])(void);
} future_entry;

static int32_t create(const otpgw_host* host, const char* provider_id, otpgw_string config_json,
                      void** instance, otpgw_result* result) {
  static int something;
  (void)host, (void)provider_id, (void)config_json, (void)result;
  *instance = &something;
  return 0;
}
static void validate(void* instance, otpgw_string address, otpgw_address_result* result) {
  (void)instance, (void)address;
  result->verdict = OTPGW_ADDRESS_VALID;
}
static void send_message(void* instance, const otpgw_job* job, otpgw_result* result) {
  (void)instance, (void)job;
  result->code = OTPGW_SENT;
}
static void destroy(void* instance) { (void)instance; }

static const future_descriptor descriptor = {
    .today = {.struct_size = sizeof(future_descriptor),
              .id = "future",
              .name = "Future",
              .version = "9",
              .vendor = "tests",
              .address_bytes_max = 100,
              .otp_length_max = 6,
              .body_bytes_max = 1000,
              .flags = OTPGW_FLAG_THREAD_SAFE | 1u << 30},
    .colour = "green",
};
static const otpgw_descriptor* const descriptors[] = {&descriptor.today};

extern OTPGW_EXPORT const future_entry otpgw_provider_entry;
const future_entry otpgw_provider_entry = {
    .today = {.abi_major = OTPGW_ABI_MAJOR,
              .abi_minor = OTPGW_ABI_MINOR + 7,
              .struct_size = sizeof(future_entry),
              .descriptor_count = 1,
              .descriptors = descriptors,
              .create = create,
              .validate = validate,
              .send = send_message,
              .destroy = destroy},
};
