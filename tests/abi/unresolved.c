/* A provider that needs a function which nobody has. */
#include "otpgw/provider.h"

void otpgw_test_function_that_nobody_has(void);

static void destroy(void* instance) {
  (void)instance;
  otpgw_test_function_that_nobody_has();
}

const otpgw_entry otpgw_provider_entry = {.abi_major = OTPGW_ABI_MAJOR,
                                          .abi_minor = OTPGW_ABI_MINOR,
                                          .struct_size = sizeof(otpgw_entry),
                                          .destroy = destroy};
