// The table of every key that the configuration may have. Checking, defaults' ranges, warnings about unknown
// keys and the wording of errors all follow from it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace otpgw::config {

enum class Type : uint8_t {
  section,  // anything may stand in it: its user checks it
  text,     // low = 1: not empty
  path,     // relative ones start at the folder of their file
  integer,  // low to high
  boolean,
  seconds,   // whole seconds, low to high
  duration,  // milliseconds, low to high
  size,      // bytes, low to high
  choice,    // one of `choices`
  texts,
  anything
};

enum class Standing : uint8_t {
  known,
  ignored  // taken without effect, so that a file of the Go program loads
};

struct Key {
  std::string_view path;  // "auth.*.secret": * is any name
  Type type = Type::text;
  int64_t low = 0, high = 0;
  std::string_view choices = {};  // "none|STARTTLS|TLS"
  Standing standing = Standing::known;
  bool secret = false;  // never shown in an error
};

[[nodiscard]] std::span<const Key> keys();

// The key that `path` ("auth.MyApp.secret", in parts) is; a name beats a star. Null when there is none.
[[nodiscard]] const Key* find_key(std::span<const std::string> path);
// Whether keys stand below `path`.
[[nodiscard]] bool is_section(std::span<const std::string> path);
// Whether keys that we don't know may stand in the section: that of somebody else's plug-in. The table has a
// closed list for each of ours, and for webhooks.
[[nodiscard]] bool is_open_section(std::span<const std::string> path);
// Whether the key holds a secret: the table says so, it is a header of a webhook, or it stands in the section
// of somebody else's plug-in and its last word is password, passphrase, secret, key or token.
[[nodiscard]] bool is_secret(std::span<const std::string> path);
// The known name nearest to the last part of `path`, for "did you mean"; empty when none is near.
[[nodiscard]] std::string nearest_name(std::span<const std::string> path);

// What the key expects, for "expected ...".
[[nodiscard]] std::string expectation(const Key& key);

}  // namespace otpgw::config
