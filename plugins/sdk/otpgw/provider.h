/* otpgw/provider.h: the C ABI between the OTP gateway's worker ("host") and a provider plug-in.
 *
 * Changelog
 *   1.0  first release
 *
 * A plug-in is one shared library that exports one symbol, `otpgw_provider_entry`, a const struct of type
 * `otpgw_entry`. It starts with a frozen prefix (abi_major, abi_minor, struct_size); the host reads nothing else until
 * the prefix is accepted. Another abi_major is refused. Released structs only ever gain fields at their end: whoever
 * reads a struct looks at its struct_size first, and an absent tail field has its default (null, 0). New abilities
 * come as extensions queried by name ("otpgw.NAME/1", drafts "otpgw.draft/NAME/1").
 *
 * Threads. Every function is tagged with the thread that calls it:
 *   [load]      the worker's main thread; one at a time
 *   [validate]  the worker's validation thread; never behind a send, may run beside [send] on the same instance
 *               only when that instance is flagged OTPGW_FLAG_THREAD_SAFE (else validation has an instance of its own)
 *   [send]      one of max_conns sending threads. Without OTPGW_FLAG_THREAD_SAFE each thread has its own instance;
 *               with it all threads share one
 *   [any]       any thread at any time between init and deinit
 *
 * Memory. Strings are UTF-8, pointer + length, not NUL-terminated, borrowed until the call returns. Results live in
 * memory that the host allocated. Nobody frees across the boundary. No exception may cross it.
 * Times are milliseconds; *_unix_ms are since 1970-01-01 UTC.
 */
#ifndef OTPGW_PROVIDER_H
#define OTPGW_PROVIDER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OTPGW_ABI_MAJOR 1u
#define OTPGW_ABI_MINOR 0u

typedef struct otpgw_string {
  const char* data; /* may be null when size is 0 */
  size_t size;      /* bytes */
} otpgw_string;

/* What kind of channel reaches the address. Pages take their own localised texts from it; for OTHER they show the
 * descriptor's. */
enum {
  OTPGW_CHANNEL_OTHER = 0,
  OTPGW_CHANNEL_EMAIL = 1,
  OTPGW_CHANNEL_SMS = 2,
  OTPGW_CHANNEL_WHATSAPP = 3,
  OTPGW_CHANNEL_VOICE = 4
};

/* Flags of a descriptor. */
enum {
  OTPGW_FLAG_THREAD_SAFE = 1u << 0, /* one instance may be used by several threads at once */
  OTPGW_FLAG_IDEMPOTENT = 1u << 1   /* the upstream honours job.id as an idempotency key: a second send is harmless */
};

/* Codes of otpgw_result after send. Any other value is taken for UNKNOWN. */
enum {
  OTPGW_SENT = 0,     /* the upstream accepted it */
  OTPGW_RETRY = 1,    /* certainly not sent; try again (after retry_after_ms when that is > 0) */
  OTPGW_REJECTED = 2, /* never will be sent: unknown recipient, refused content */
  OTPGW_UNKNOWN = 3,  /* perhaps sent: time-out after the request had left */
  OTPGW_BROKEN = 4    /* this instance is unusable: bad credentials; the job waits */
};

/* Verdicts of otpgw_address_result after validate. */
enum { OTPGW_ADDRESS_VALID = 0, OTPGW_ADDRESS_INVALID = 1, OTPGW_ADDRESS_TOO_LONG = 2 };

/* Levels of host.log. */
enum { OTPGW_LOG_DEBUG = 0, OTPGW_LOG_INFO = 1, OTPGW_LOG_WARNING = 2, OTPGW_LOG_ERROR = 3 };

/* What a provider is: static data, valid while the library is loaded. Strings are NUL-terminated UTF-8. */
typedef struct otpgw_descriptor {
  uint32_t struct_size;
  uint32_t channel_kind; /* OTPGW_CHANNEL_* */
  const char* id;        /* the default configuration name: [providers.ID] */
  const char* name;      /* for people: "SMTP e-mail" */
  const char* version;
  const char* vendor;
  const char* channel_name;        /* "E-mail" */
  const char* address_name;        /* "E-mail ID" */
  const char* channel_description; /* pages show it for OTPGW_CHANNEL_OTHER */
  const char* address_description; /* likewise */
  const char* config_schema;       /* JSON Schema of the configuration, or null */
  uint32_t address_bytes_max;      /* 1 to 254 */
  uint32_t otp_length_max;         /* code points of the longest code; random codes have this many digits; 1 to 64 */
  uint32_t body_bytes_max;         /* of the rendered body; 1 to 1048576 */
  uint32_t flags;                  /* OTPGW_FLAG_* */
} otpgw_descriptor;

/* One message to send. */
typedef struct otpgw_job {
  uint32_t struct_size;
  uint32_t attempt;     /* 1 for the first call for this job */
  otpgw_string id;      /* unique for ever; the same on every attempt: the idempotency key */
  otpgw_string namespace_;
  otpgw_string otp_id;
  otpgw_string address; /* as validate normalised it; as given when no worker was there to validate: check it again */
  otpgw_string code;
  otpgw_string subject;   /* no CR, LF or NUL */
  otpgw_string body;      /* HTML for OTPGW_CHANNEL_EMAIL, else plain text */
  otpgw_string text_body; /* plain-text alternative of an HTML body, else empty */
  otpgw_string locale;    /* BCP 47, or empty */
  otpgw_string extra;     /* JSON */
  otpgw_string otp_json;  /* the OTP object, JSON */
  int64_t expiry_unix_ms;   /* the code is worth nothing after this */
  int64_t deadline_unix_ms; /* return by then: min(now + timeout, expiry). 2 s later the worker process ends itself */
} otpgw_job;

/* The outcome of create (only detail matters) and send. The host zeroes it, sets struct_size, and reads what fits. */
typedef struct otpgw_result {
  uint32_t struct_size;
  int32_t code; /* OTPGW_SENT ... */
  int64_t retry_after_ms;
  int32_t upstream_status; /* HTTP or SMTP status, or 0 */
  char upstream_id[128];   /* NUL-terminated; the upstream's own id of the message */
  char detail[256];        /* NUL-terminated sentence for operators; never holds code, body or address */
} otpgw_result;

typedef struct otpgw_address_result {
  uint32_t struct_size;
  int32_t verdict;      /* OTPGW_ADDRESS_* */
  char sentence[256];   /* when not valid: what is wrong, for the person; without the address */
  char normalised[256]; /* when valid: E.164, lower-case domain ...; empty = the address as given */
  char country[4];      /* ISO 3166-1 alpha-2 and NUL, or empty */
} otpgw_address_result;

/* What the host offers. Valid from init to the end of deinit. */
typedef struct otpgw_host {
  uint32_t struct_size;
  uint32_t abi_minor;
  void* context;
  /* [any] Writes one line to the worker's log. Never put a code, a secret or an address into it. */
  void (*log)(void* context, int32_t level, otpgw_string message);
  /* [any] A host extension by name, or null. */
  const void* (*get_extension)(void* context, const char* id);
} otpgw_host;

typedef struct otpgw_entry {
  /* frozen prefix */
  uint32_t abi_major; /* OTPGW_ABI_MAJOR */
  uint32_t abi_minor;
  uint32_t struct_size; /* sizeof(otpgw_entry) */
  /* 1.0 */
  uint32_t descriptor_count; /* one library may offer several providers */
  const otpgw_descriptor* const* descriptors;
  /* [load] Paired, fast, no network. Non-zero from init refuses the library. Both may be null. */
  int32_t (*init)(const otpgw_host* host);
  void (*deinit)(void);
  /* [load] Makes an instance from its configuration (a JSON object: the keys of its section). Returns 0 and sets
   * *instance, or non-zero with result->detail saying which key is wrong and why. */
  int32_t (*create)(const otpgw_host* host, const char* provider_id, otpgw_string config_json, void** instance,
                    otpgw_result* result);
  /* [validate] Pure, fast, no network. */
  void (*validate)(void* instance, otpgw_string address, otpgw_address_result* result);
  /* [send] May block; returns by job->deadline_unix_ms. */
  void (*send)(void* instance, const otpgw_job* job, otpgw_result* result);
  /* [load] The last call on an instance. */
  void (*destroy)(void* instance);
  /* [any] A plug-in extension by name, or null. May itself be null. */
  const void* (*get_extension)(const char* id);
} otpgw_entry;

#if defined(__GNUC__)
#define OTPGW_EXPORT __attribute__((visibility("default")))
#else
#define OTPGW_EXPORT
#endif

/* Define this one in your library. In C++ it needs extern "C" (this declaration gives it). */
extern OTPGW_EXPORT const otpgw_entry otpgw_provider_entry;

#ifdef __cplusplus
}
#endif
#endif
