/* otpgw/ext/describe.h: the plug-in extension "otpgw.describe/1".
 *
 * A plug-in whose channel depends on its configuration (the webhook: any number of providers from one
 * descriptor) describes each instance itself. The host asks otpgw_entry.get_extension(OTPGW_EXT_DESCRIBE) for
 * it; without it the descriptor of the library holds for every instance. The rules of provider.h hold here
 * too.
 */
#ifndef OTPGW_EXT_DESCRIBE_H
#define OTPGW_EXT_DESCRIBE_H

#include "otpgw/provider.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTPGW_EXT_DESCRIBE "otpgw.describe/1"

typedef struct otpgw_ext_describe {
  uint32_t struct_size;
  /* [load] After a create, on one or more of the instances. `descriptor` comes filled in as the library's
   * own; change what differs. struct_size, id and OTPGW_FLAG_THREAD_SAFE are taken from the library's
   * whatever is written. Texts must live as long as the instance. What is written is checked like the
   * library's own descriptor. */
  void (*describe)(void* instance, otpgw_descriptor* descriptor);
} otpgw_ext_describe;

#ifdef __cplusplus
}
#endif
#endif
