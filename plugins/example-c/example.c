/* A provider to copy, in C. It drops each message as a text file into a folder, the way SMS daemons and mail
 * robots take their work: a name nobody has seen before, complete from the moment it appears, and never twice
 * for one job. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "otpgw/provider.h"

#define ADDRESS_BYTES_MAX 100
#define PATH_BYTES_MAX 4096
#define NAME_BYTES_MAX 160 /* of a file in it */

/* What the instance of a section holds. Nothing in it changes, so all threads may share one. */
typedef struct file_drop {
  char* directory;
} file_drop;

static const otpgw_descriptor descriptor = {
    .struct_size = sizeof(otpgw_descriptor),
    .channel_kind = OTPGW_CHANNEL_OTHER, /* EMAIL, SMS, WHATSAPP and VOICE have texts of their own */
    .id = "example",
    .name = "File drop",
    .version = EXAMPLE_VERSION,
    .vendor = "You",
    .channel_name = "Message",
    .address_name = "Recipient",
    .channel_description = "A verification code is sent to you.",
    .address_description = "Who gets the code.",
    .config_schema =
        "{\"type\":\"object\",\"required\":[\"directory\"],"
        "\"properties\":{\"directory\":{\"type\":\"string\"}}}",
    .address_bytes_max = ADDRESS_BYTES_MAX,
    .otp_length_max = 8,
    .body_bytes_max = 1000,
    /* The job's id is the file's name, so a second send of a job changes nothing. */
    .flags = OTPGW_FLAG_THREAD_SAFE | OTPGW_FLAG_IDEMPOTENT,
};

/* Cuts what is too long; there is a NUL at the end in any case. */
static void say(char* to, size_t size, const char* text) { snprintf(to, size, "%s", text); }

/* --- create and destroy: the configuration is JSON with all keys of [providers.NAME] --- */

static char* read_directory(otpgw_string config_json, otpgw_result* result) {
  json_t* config = json_loadb(config_json.data, config_json.size, 0, NULL);
  const json_t* key = json_object_get(config, "directory"); /* null when it is no object */
  char* directory = NULL;
  struct stat info;
  if (config == NULL || !json_is_object(config)) {
    say(result->detail, sizeof result->detail, "the configuration is not a JSON object");
  } else if (!json_is_string(key)) {
    say(result->detail, sizeof result->detail,
        key == NULL ? "directory: missing" : "directory: expected text");
  } else if (stat(json_string_value(key), &info) != 0 || !S_ISDIR(info.st_mode)) {
    say(result->detail, sizeof result->detail, "directory: there is no such folder");
  } else if (json_string_length(key) > PATH_BYTES_MAX - NAME_BYTES_MAX) {
    say(result->detail, sizeof result->detail, "directory: its path is too long");
  } else {
    directory = strdup(json_string_value(key));
  }
  json_decref(config);
  return directory;
}

static int32_t create(const otpgw_host* host, const char* provider_id, otpgw_string config_json,
                      void** instance, otpgw_result* result) {
  (void)host;        /* its log function would be kept, if there were something to say later */
  (void)provider_id; /* there is only one */
  file_drop* made = malloc(sizeof *made);
  if (made == NULL) return 1;
  made->directory = read_directory(config_json, result);
  if (made->directory == NULL) {
    free(made);
    return 1;
  }
  *instance = made;
  return 0;
}

static void destroy(void* instance) {
  file_drop* drop = instance;
  free(drop->directory);
  free(drop);
}

/* --- validate --- */

/* Printable ASCII: a line of text that can break no file format. Real providers know their addresses better.
 */
static bool is_line(otpgw_string text) {
  for (size_t i = 0; i < text.size; ++i)
    if (text.data[i] < 0x20 || text.data[i] > 0x7E) return false;
  return text.size > 0;
}

static void validate(void* instance, otpgw_string address, otpgw_address_result* result) {
  (void)instance;
  if (address.size > ADDRESS_BYTES_MAX) {
    result->verdict = OTPGW_ADDRESS_TOO_LONG;
    say(result->sentence, sizeof result->sentence, "The recipient is longer than 100 bytes.");
  } else if (!is_line(address)) {
    result->verdict = OTPGW_ADDRESS_INVALID;
    say(result->sentence, sizeof result->sentence, "The recipient must be one line of plain letters.");
  } else {
    result->verdict = OTPGW_ADDRESS_VALID;
  }
}

/* --- send --- */

/* Ids come through the network: never let one choose a path. */
static bool is_name(otpgw_string text) {
  for (size_t i = 0; i < text.size; ++i)
    if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", text.data[i]) == NULL ||
        text.data[i] == '\0')
      return false;
  return text.size > 0 && text.size <= NAME_BYTES_MAX - 10;
}

static bool write_message(const char* path, const otpgw_job* job) {
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600); /* it holds a code */
  if (file < 0) return false;
  bool good = dprintf(file, "To: %.*s\n\n%.*s\n", (int)job->address.size, job->address.data,
                      (int)job->body.size, job->body.data) > 0;
  return close(file) == 0 && good;
}

static int32_t drop(const file_drop* to, const otpgw_job* job, otpgw_result* result) {
  char unfinished[PATH_BYTES_MAX], finished[PATH_BYTES_MAX];
  if (job->address.size > ADDRESS_BYTES_MAX || !is_line(job->address)) {
    /* Checked again: while no worker is there, the gateway takes addresses by their length alone. */
    say(result->detail, sizeof result->detail, "the recipient is not one line of plain letters");
    return OTPGW_REJECTED;
  }
  if (!is_name(job->id)) {
    say(result->detail, sizeof result->detail, "the job's id is no file name");
    return OTPGW_REJECTED;
  }
  const int id_size = (int)job->id.size;
  snprintf(unfinished, sizeof unfinished, "%s/.%.*s", to->directory, id_size, job->id.data);
  snprintf(finished, sizeof finished, "%s/%.*s.txt", to->directory, id_size, job->id.data);
  /* Certainly not sent, so RETRY: a full disk gets empty again. */
  if (!write_message(unfinished, job) || rename(unfinished, finished) != 0) {
    say(result->detail, sizeof result->detail, "the file cannot be written");
    return OTPGW_RETRY;
  }
  snprintf(result->upstream_id, sizeof result->upstream_id, "%.*s", id_size, job->id.data);
  return OTPGW_SENT;
}

static void send_message(void* instance, const otpgw_job* job, otpgw_result* result) {
  result->code = drop(instance, job, result);
}

/* --- the one symbol --- */

static const otpgw_descriptor* const descriptors[] = {&descriptor};

const otpgw_entry otpgw_provider_entry = {
    .abi_major = OTPGW_ABI_MAJOR,
    .abi_minor = OTPGW_ABI_MINOR,
    .struct_size = sizeof(otpgw_entry),
    .descriptor_count = 1,
    .descriptors = descriptors,
    .create = create,
    .validate = validate,
    .send = send_message,
    .destroy = destroy,
};
