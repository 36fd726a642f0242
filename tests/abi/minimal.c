/* The smallest provider, in C11: proves that provider.h is C, and is loaded by the tests. One library serves
 * for many faults.
 *
 * create, by its configuration: {"create":"crash"}, {"create":"hang"}, {"create":"never unload"} (the
 * process's end hangs), or the text bad.
 *
 * validate, by the address: crash, hang, nonsense, dirty, silent, scribble, unending.
 *
 * send, by the subject: crash, exit (with status 2), hang, nonsense (code 4711), silent, leak (quotes the
 * address), quote (as an upstream has it: in upper case, without +), dirty (ill-formed text, without an end),
 * slow (200 ms), late (3.5 s), retry (with a pause of -5 ms), scribble (beyond the result), hoard (keeps 200
 * MiB); anything else is sent.
 *
 * Built with FAULT_... it has one thing wrong with its entry, or with its being loaded. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>

#include "otpgw/provider.h"

#define MAYBE_UNUSED __attribute__((unused)) /* some faults leave it out */

MAYBE_UNUSED static const otpgw_descriptor descriptor = {
    .struct_size = sizeof(otpgw_descriptor),
    .channel_kind = OTPGW_CHANNEL_OTHER,
#ifdef FAULT_BAD_ID
    .id = "Minimal Provider",
#else
    .id = "minimal",
#endif
    .name = "Minimal",
    .version = "1",
    .vendor = "tests",
    .channel_name = "Nothing",
    .address_name = "Anything",
    .channel_description = "",
    .address_description = "",
    .config_schema = NULL,
#ifdef FAULT_LONG_ADDRESS
    .address_bytes_max = 255,
#else
    .address_bytes_max = 254,
#endif
    .otp_length_max = 6,
    .body_bytes_max = 1000,
    .flags = 0,
};

static void sleep_ms(long ms) {
  const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
  thrd_sleep(&time, NULL);
}

#ifdef FAULT_LOAD_CRASHES
__attribute__((constructor)) static void loaded(void) { abort(); }
#endif
#ifdef FAULT_LOAD_HANGS
__attribute__((constructor)) static void loaded(void) { sleep_ms(3600000); }
#endif

static int never_unload;
__attribute__((destructor)) static void unload(void) {
  if (never_unload) sleep_ms(3600000);
}

#ifdef FAULT_INIT_FAILS
static int32_t init(const otpgw_host* host) {
  (void)host;
  return 7;
}
#endif

static void say(char* to, size_t size, const char* text) { strncpy(to, text, size - 1); }

static int is(otpgw_string text, const char* word) {
  return text.size == strlen(word) && memcmp(text.data, word, text.size) == 0;
}

static int holds(otpgw_string text, const char* word) {
  const size_t size = strlen(word);
  for (size_t at = 0; at + size <= text.size; ++at)
    if (memcmp(text.data + at, word, size) == 0) return 1;
  return 0;
}

static int32_t create(const otpgw_host* host, const char* provider_id, otpgw_string config_json,
                      void** instance, otpgw_result* result) {
  (void)host;
  (void)provider_id;
  if (holds(config_json, "\"create\":\"crash\"")) abort();
  if (holds(config_json, "\"create\":\"hang\"")) sleep_ms(3600000);
  if (holds(config_json, "\"create\":\"never unload\"")) never_unload = 1;
  if (is(config_json, "bad")) {
    say(result->detail, sizeof result->detail, "key: expected something else");
    return 1;
  }
#ifndef FAULT_CREATE_IS_NULL
  *instance = malloc(1);
#else
  *instance = NULL;
#endif
  return 0;
}

static void validate(void* instance, otpgw_string address, otpgw_address_result* result) {
  (void)instance;
  if (is(address, "crash")) abort();
  if (is(address, "hang")) sleep_ms(3600000);
  if (is(address, "scribble")) {
    memset(result, 'x', sizeof *result + 8);
  } else if (is(address, "nonsense")) {
    result->verdict = 42;
  } else if (is(address, "dirty")) {
    result->verdict = OTPGW_ADDRESS_VALID;
    memcpy(result->normalised, "a\xFF", 3);
  } else if (is(address, "silent")) {
    return;
  } else {
    result->verdict = OTPGW_ADDRESS_VALID;
    memcpy(result->country, "NL", 3);
    if (is(address, "unending")) memcpy(result->country, "NLxx", 4); /* no NUL: the host must not read on */
  }
}

MAYBE_UNUSED static void send_message(void* instance, const otpgw_job* job, otpgw_result* result) {
  (void)instance;
  if (is(job->subject, "crash")) abort();
  if (is(job->subject, "exit")) exit(2);
  if (is(job->subject, "hang")) sleep_ms(3600000);
  if (is(job->subject, "slow")) sleep_ms(200);
  if (is(job->subject, "late")) sleep_ms(3500);
  if (is(job->subject, "silent")) return;
  if (is(job->subject, "hoard")) {
    const size_t size = (size_t)200 << 20;
    static char* volatile forgotten; /* volatile: or the compiler would forget it too */
    forgotten = malloc(size);
    memset(forgotten, 1, size);
  }
  result->code = OTPGW_SENT;
  if (is(job->subject, "nonsense")) result->code = 4711;
  if (is(job->subject, "retry")) {
    result->code = OTPGW_RETRY;
    result->retry_after_ms = -5;
  }
  if (is(job->subject, "leak")) {
    result->code = OTPGW_REJECTED;
    say(result->detail, sizeof result->detail, "no mailbox ");
    memcpy(result->detail + 11, job->address.data, job->address.size);
  }
  if (is(job->subject, "quote")) {
    const size_t first = job->address.data[0] == '+';
    say(result->detail, sizeof result->detail, "no mailbox ");
    for (size_t i = first; i < job->address.size; ++i)
      result->detail[11 + i - first] = (char)toupper((unsigned char)job->address.data[i]);
  }
  if (is(job->subject, "scribble")) memset(result->detail, 'x', sizeof result->detail + 16);
  if (is(job->subject, "dirty")) {
    memset(result->upstream_id, '\xFF', sizeof result->upstream_id); /* neither UTF-8 nor an end */
    say(result->detail, sizeof result->detail, "two\nlines");
    if (job->attempt == 1) memset(result->detail, 'x', sizeof result->detail); /* no end either */
  }
}

static void destroy(void* instance) { free(instance); }

#ifdef FAULT_NO_PROVIDERS
static const otpgw_descriptor* const descriptors[] = {NULL};
#else
static const otpgw_descriptor* const descriptors[] = {&descriptor};
#endif

const otpgw_entry otpgw_provider_entry = {
#ifdef FAULT_OTHER_MAJOR
    .abi_major = 2,
#else
    .abi_major = OTPGW_ABI_MAJOR,
#endif
    .abi_minor = OTPGW_ABI_MINOR,
#ifdef FAULT_SHORT_STRUCT
    .struct_size = 40,
#else
    .struct_size = sizeof(otpgw_entry),
#endif
#ifdef FAULT_NO_PROVIDERS
    .descriptor_count = 0,
#else
    .descriptor_count = 1,
#endif
    .descriptors = descriptors,
#ifdef FAULT_INIT_FAILS
    .init = init,
#endif
    .create = create,
    .validate = validate,
#ifndef FAULT_NO_SEND
    .send = send_message,
#endif
    .destroy = destroy,
};
