/* The layout of ABI 1.0 on 64-bit machines, frozen: a plug-in that was built against the first release must
 * still be read rightly by every later worker. Compiled twice, with today's header and with the frozen copy
 * in v1/: what both pass is the same in both. A line that fails here means a new ABI major, never a new
 * number. */
#include "otpgw/provider.h"

#if OTPGW_ABI_MAJOR != 1
#error "another major needs a frozen copy and a file like this one of its own"
#endif

#if UINTPTR_MAX == UINT64_MAX
#define AT(type, field, offset) \
  _Static_assert(offsetof(type, field) == (offset), #type "." #field " has moved")
#define SIZE(type, field, size) \
  _Static_assert(sizeof(((type*)0)->field) == (size), #type "." #field " has another size")
/* The end of the last field of 1.0, which is how long the struct was. */
#ifdef FROZEN
#define ENDS(type, size) _Static_assert(sizeof(type) == (size), #type " of 1.0 has another size")
#else
#define ENDS(type, size) _Static_assert(sizeof(type) >= (size), #type " is shorter than that of 1.0")
#endif

AT(otpgw_string, data, 0);
AT(otpgw_string, size, 8);
_Static_assert(sizeof(otpgw_string) == 16,
               "otpgw_string stands by value in other structs: it can never grow");

AT(otpgw_entry, abi_major, 0);
AT(otpgw_entry, abi_minor, 4);
AT(otpgw_entry, struct_size, 8);
AT(otpgw_entry, descriptor_count, 12);
AT(otpgw_entry, descriptors, 16);
AT(otpgw_entry, init, 24);
AT(otpgw_entry, deinit, 32);
AT(otpgw_entry, create, 40);
AT(otpgw_entry, validate, 48);
AT(otpgw_entry, send, 56);
AT(otpgw_entry, destroy, 64);
AT(otpgw_entry, get_extension, 72);
ENDS(otpgw_entry, 80);

AT(otpgw_descriptor, struct_size, 0);
AT(otpgw_descriptor, channel_kind, 4);
AT(otpgw_descriptor, id, 8);
AT(otpgw_descriptor, name, 16);
AT(otpgw_descriptor, version, 24);
AT(otpgw_descriptor, vendor, 32);
AT(otpgw_descriptor, channel_name, 40);
AT(otpgw_descriptor, address_name, 48);
AT(otpgw_descriptor, channel_description, 56);
AT(otpgw_descriptor, address_description, 64);
AT(otpgw_descriptor, config_schema, 72);
AT(otpgw_descriptor, address_bytes_max, 80);
AT(otpgw_descriptor, otp_length_max, 84);
AT(otpgw_descriptor, body_bytes_max, 88);
AT(otpgw_descriptor, flags, 92);
SIZE(otpgw_descriptor, flags, 4);
ENDS(otpgw_descriptor, 96);

AT(otpgw_job, struct_size, 0);
AT(otpgw_job, attempt, 4);
AT(otpgw_job, id, 8);
AT(otpgw_job, namespace_, 24);
AT(otpgw_job, otp_id, 40);
AT(otpgw_job, address, 56);
AT(otpgw_job, code, 72);
AT(otpgw_job, subject, 88);
AT(otpgw_job, body, 104);
AT(otpgw_job, text_body, 120);
AT(otpgw_job, locale, 136);
AT(otpgw_job, extra, 152);
AT(otpgw_job, otp_json, 168);
AT(otpgw_job, expiry_unix_ms, 184);
AT(otpgw_job, deadline_unix_ms, 192);
ENDS(otpgw_job, 200);

AT(otpgw_result, struct_size, 0);
AT(otpgw_result, code, 4);
AT(otpgw_result, retry_after_ms, 8);
AT(otpgw_result, upstream_status, 16);
AT(otpgw_result, upstream_id, 20);
AT(otpgw_result, detail, 148);
SIZE(otpgw_result, upstream_id, 128);
SIZE(otpgw_result, detail, 256);
ENDS(otpgw_result, 408);

AT(otpgw_address_result, struct_size, 0);
AT(otpgw_address_result, verdict, 4);
AT(otpgw_address_result, sentence, 8);
AT(otpgw_address_result, normalised, 264);
AT(otpgw_address_result, country, 520);
SIZE(otpgw_address_result, sentence, 256);
SIZE(otpgw_address_result, normalised, 256);
SIZE(otpgw_address_result, country, 4);
ENDS(otpgw_address_result, 524);

AT(otpgw_host, struct_size, 0);
AT(otpgw_host, abi_minor, 4);
AT(otpgw_host, context, 8);
AT(otpgw_host, log, 16);
AT(otpgw_host, get_extension, 24);
ENDS(otpgw_host, 32);
#endif

_Static_assert(OTPGW_SENT == 0 && OTPGW_RETRY == 1 && OTPGW_REJECTED == 2 && OTPGW_UNKNOWN == 3 &&
                   OTPGW_BROKEN == 4,
               "a code has another number");
_Static_assert(OTPGW_ADDRESS_VALID == 0 && OTPGW_ADDRESS_INVALID == 1 && OTPGW_ADDRESS_TOO_LONG == 2,
               "a verdict has another number");
_Static_assert(OTPGW_FLAG_THREAD_SAFE == 1 && OTPGW_FLAG_IDEMPOTENT == 2, "a flag has another number");
_Static_assert(OTPGW_CHANNEL_OTHER == 0 && OTPGW_CHANNEL_EMAIL == 1 && OTPGW_CHANNEL_SMS == 2 &&
                   OTPGW_CHANNEL_WHATSAPP == 3 && OTPGW_CHANNEL_VOICE == 4,
               "a kind of channel has another number");
_Static_assert(OTPGW_LOG_DEBUG == 0 && OTPGW_LOG_INFO == 1 && OTPGW_LOG_WARNING == 2 && OTPGW_LOG_ERROR == 3,
               "a level has another number");
