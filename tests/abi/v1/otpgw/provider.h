/* otpgw/provider.h: the C ABI between the OTP gateway's worker ("host") and a provider plug-in.
 *
 * Changelog
 *   1.0  first release
 *
 * A plug-in is one shared library that exports one symbol, `otpgw_provider_entry`, a const struct of type
 * `otpgw_entry`. It starts with a frozen prefix (abi_major, abi_minor, struct_size); the host reads nothing else until
 * the prefix is accepted. Another abi_major is refused; a newer or older abi_minor is not. Released structs only ever
 * gain fields at their end, so both sides may be older or newer than each other: whoever reads a struct looks at its
 * struct_size first, an absent tail field has its default (null, 0), and what stands beyond the fields one knows is
 * passed over. New abilities come as extensions queried by name ("otpgw.NAME/1", drafts "otpgw.draft/NAME/1").
 *
 * Life of a worker process: load the library, init, create (once or several times), then validate and send as often as
 * there is work, destroy for each instance, deinit, end. The library stays loaded until the process ends. From loading
 * to the end of the last create there are 10 s, or the process ends itself. A process that is killed calls nothing.
 *
 * Threads. Every function is tagged with the thread that calls it:
 *   [load]      the worker's main thread; one at a time
 *   [validate]  the worker's validation thread; never behind a send, may run beside [send] on the same instance
 *               only when that instance is flagged OTPGW_FLAG_THREAD_SAFE (else validation has an instance of its own)
 *   [send]      one of max_conns sending threads. Without OTPGW_FLAG_THREAD_SAFE each thread has its own instance;
 *               with it all threads share one
 *   [any]       any thread at any time between init and deinit
 * Functions of different instances run at the same time: what a library shares between them needs a lock.
 *
 * Memory. Strings are UTF-8, pointer + length, not NUL-terminated, borrowed until the call returns; the ones in a
 * descriptor are NUL-terminated. Results live in memory that the host allocated and that a plug-in fills in; writing
 * beyond it ends the process. Nobody frees across the boundary. No exception may cross it.
 *
 * Units. Sizes are bytes. Times are milliseconds; *_unix_ms are since 1970-01-01 UTC. Numbers are in the machine's
 * byte order.
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
  size_t size;      /* bytes; no NUL behind them is counted or promised */
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

/* Flags of a descriptor. Bits that are not named here are 0. */
enum {
  OTPGW_FLAG_THREAD_SAFE = 1u << 0, /* one instance may be used by several threads at once */
  OTPGW_FLAG_IDEMPOTENT = 1u << 1   /* the upstream honours job.id as an idempotency key: a second send is harmless */
};

/* Codes of otpgw_result after send. Any other value is taken for UNKNOWN. */
enum {
  OTPGW_SENT = 0,     /* the upstream accepted it */
  OTPGW_RETRY = 1,    /* certainly not sent: tried again after 1, 3, 8, then every 20 s (or retry_after_ms) until the
                         code expires */
  OTPGW_REJECTED = 2, /* never will be sent: unknown recipient, refused content. The delivery has failed */
  OTPGW_UNKNOWN = 3,  /* perhaps sent: time-out after the request had left. Tried again only with
                         OTPGW_FLAG_IDEMPOTENT */
  OTPGW_BROKEN = 4    /* this instance is unusable: bad credentials. The job waits, no try is counted */
};

/* Verdicts of otpgw_address_result after validate. Any other value is taken for INVALID. */
enum { OTPGW_ADDRESS_VALID = 0, OTPGW_ADDRESS_INVALID = 1, OTPGW_ADDRESS_TOO_LONG = 2 };

/* Levels of host.log. Any other value is taken for INFO; DEBUG is written only by otpgateway-worker --debug. */
enum { OTPGW_LOG_DEBUG = 0, OTPGW_LOG_INFO = 1, OTPGW_LOG_WARNING = 2, OTPGW_LOG_ERROR = 3 };

/* What a provider is. Filled in by the plug-in: static data, valid and unchanged while the library is loaded. Strings
 * are NUL-terminated UTF-8; one that is null counts as "". Texts are read up to 1024 bytes. */
typedef struct otpgw_descriptor {
  uint32_t struct_size;            /* sizeof(otpgw_descriptor) */
  uint32_t channel_kind;           /* OTPGW_CHANNEL_* */
  const char* id;                  /* its section: [providers.ID]; 1 to 64 of a-z, 0-9, '_' and '-'; no other provider
                                      of the library has it */
  const char* name;                /* for people: "SMTP e-mail"; not empty */
  const char* version;             /* of the plug-in, in its own counting */
  const char* vendor;              /* who made the plug-in */
  const char* channel_name;        /* "E-mail": what messages travel through, on pages and in templates */
  const char* address_name;        /* "E-mail ID": what the person is asked for */
  const char* channel_description; /* one sentence; pages show it for OTPGW_CHANNEL_OTHER */
  const char* address_description; /* likewise */
  const char* config_schema;       /* JSON Schema of the configuration that create takes, at most 64 KiB, or null */
  uint32_t address_bytes_max;      /* of an address as it is given; 1 to 254 */
  uint32_t otp_length_max;         /* code points of the longest code; random codes have this many digits; 1 to 64 */
  uint32_t body_bytes_max;         /* of the rendered body; 1 to 1048576 */
  uint32_t flags;                  /* OTPGW_FLAG_* */
} otpgw_descriptor;

/* One message to send. Filled in by the host; everything in it is borrowed until send returns. */
typedef struct otpgw_job {
  uint32_t struct_size;     /* of the host's otpgw_job: a field that ends beyond it is absent */
  uint32_t attempt;         /* 1 for the first call for this job, then counts up; with gaps after a crash */
  otpgw_string id;          /* unique for ever; the same on every attempt: the idempotency key. ASCII letters, digits,
                               '-' and '_' in this release: check it before it becomes part of a path */
  otpgw_string namespace_;  /* the application that asked; not empty */
  otpgw_string otp_id;      /* what the application calls the OTP; may hold anything but control characters and '/' */
  otpgw_string address;     /* as validate normalised it; as given when no worker was there to validate: check it
                               again */
  otpgw_string code;        /* as the person must type it; not necessarily digits */
  otpgw_string subject;     /* one line (no CR, LF or NUL), or empty */
  otpgw_string body;        /* HTML for OTPGW_CHANNEL_EMAIL, else plain text; at most body_bytes_max */
  otpgw_string text_body;   /* plain-text alternative of an HTML body, else empty */
  otpgw_string locale;      /* BCP 47 ("en", "pt-BR"), or empty */
  otpgw_string extra;       /* JSON that the application gave; "{}" when it gave none */
  otpgw_string otp_json;    /* the OTP object of the HTTP API, JSON; holds the code */
  int64_t expiry_unix_ms;   /* the code is worth nothing after this */
  int64_t deadline_unix_ms; /* return by then: min(now + the section's timeout, expiry). 2 s later the worker process
                               ends itself */
} otpgw_job;

/* The outcome of create (only detail matters) and send. The host zeroes it, sets struct_size and code = UNKNOWN, and
 * reads it after the call; the plug-in writes what it has to say. */
typedef struct otpgw_result {
  uint32_t struct_size;    /* of the host's otpgw_result: write no field that ends beyond it */
  int32_t code;            /* OTPGW_SENT ... */
  int64_t retry_after_ms;  /* with RETRY: wait at least so long; 0 = the host's own pause; negative counts as 0, more
                              than 24 h as 24 h */
  int32_t upstream_status; /* HTTP or SMTP status for operators, or 0 */
  char upstream_id[128];   /* NUL-terminated; the upstream's own id of the message, or empty */
  char detail[256];        /* NUL-terminated sentence for operators, or empty; never holds code, body or address (the
                              host withholds one that quotes the code or the address) */
} otpgw_result;

/* The outcome of validate. The host zeroes it, sets struct_size and verdict = INVALID, and reads it after the call. */
typedef struct otpgw_address_result {
  uint32_t struct_size; /* of the host's otpgw_address_result: write no field that ends beyond it */
  int32_t verdict;      /* OTPGW_ADDRESS_* */
  char sentence[256];   /* NUL-terminated; when not valid: what is wrong, for the person; without the address */
  char normalised[256]; /* NUL-terminated; when valid: E.164, lower-case domain ...; at most 254 bytes, clean UTF-8, and
                           valid itself; empty = the address as given */
  char country[4];      /* ISO 3166-1 alpha-2 in capitals and NUL, or empty */
} otpgw_address_result;

/* What the host offers. Filled in by the host; valid from init to the end of deinit. */
typedef struct otpgw_host {
  uint32_t struct_size; /* of the host's otpgw_host: a field that ends beyond it is absent */
  uint32_t abi_minor;   /* of the ABI that the host has; abi_major is the plug-in's own, or it would not be loaded */
  void* context;        /* to be handed back as the first argument of the functions below */
  /* [any] Writes one line to the worker's log, cut at 900 bytes. Never put a code, a secret or an address into it. */
  void (*log)(void* context, int32_t level, otpgw_string message);
  /* [any] A host extension by name (NUL-terminated), valid as long as the host is, or null: this release has none. */
  const void* (*get_extension)(void* context, const char* id);
} otpgw_host;

/* The plug-in itself. Filled in by the plug-in: static data. */
typedef struct otpgw_entry {
  /* frozen prefix */
  uint32_t abi_major;   /* OTPGW_ABI_MAJOR */
  uint32_t abi_minor;   /* OTPGW_ABI_MINOR of the header that the plug-in was built with */
  uint32_t struct_size; /* sizeof(otpgw_entry) */
  /* 1.0 */
  uint32_t descriptor_count; /* 1 to 64: one library may offer several providers */
  const otpgw_descriptor* const* descriptors; /* that many, none of them null */
  /* [load] Paired, fast, no network. Non-zero from init refuses the library (and no deinit follows). Both may be
   * null. */
  int32_t (*init)(const otpgw_host* host);
  void (*deinit)(void);
  /* [load] Makes an instance of the provider that has that id, from its configuration: a JSON object of all keys of its
   * section, those of the gateway (enabled, max_conns ...) among them. Fast, no network. Returns 0 and sets *instance
   * to anything but null, which is the plug-in's own; or returns non-zero with result->detail saying which key is wrong
   * and why. provider_id is NUL-terminated; it and config_json are borrowed until the call returns. */
  int32_t (*create)(const otpgw_host* host, const char* provider_id, otpgw_string config_json, void** instance,
                    otpgw_result* result);
  /* [validate] Pure, fast (answers that take over 500 ms come too late), no network. The address is what somebody
   * typed: it may be empty, too long or hold control characters. */
  void (*validate)(void* instance, otpgw_string address, otpgw_address_result* result);
  /* [send] May block; returns by job->deadline_unix_ms. */
  void (*send)(void* instance, const otpgw_job* job, otpgw_result* result);
  /* [load] The last call on an instance; frees it. */
  void (*destroy)(void* instance);
  /* [any] A plug-in extension by name (NUL-terminated), static data, or null. May itself be null. */
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
