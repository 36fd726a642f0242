// Replacing the key of codes while codes live. The key file says which keys there are, not which of them are
// at work: a new key is used from the SIGHUP on that follows, perhaps days later. So the gateway notes down
// what it does, and all who take keys away go by that.
#pragma once

#include <expected>
#include <filesystem>
#include <optional>
#include <string>

#include "core/config/config.h"
#include "core/otp/key_file.h"
#include "core/otp/otp.h"
#include "core/otp/rules.h"

namespace otpgw::otp {

// The note's name in app.data_dir.
inline constexpr const char* kKeyInUseFile = "key-in-use";

// How long after a key was replaced there may be codes that it sealed, and records of such that were used.
// The configuration may allow less, but not what it allows now counts: what it did when they were made.
inline constexpr int64_t kKeyNeededMs = std::chrono::milliseconds(config::kOtpTtlMax).count() + kClosedKeptMs;

// What the gateway has noted down.
struct KeyInUse {
  std::string fingerprint;  // of the key that new codes are sealed with (code.h)
  UnixMs since = 0;         // what other keys sealed is older

  [[nodiscard]] UnixMs others_needed_until() const { return since + kKeyNeededMs; }
};

// Nothing when there is none that can be read: the gateway has not run since it keeps one, or somebody
// removed it. Then it is not known which keys are needed, and none is taken away.
[[nodiscard]] std::optional<KeyInUse> read_key_in_use(const std::filesystem::path& note);

// Whether `keys` hold the one that the gateway has last sealed with, as far as it has noted that down.
[[nodiscard]] bool hold_key_in_use(const std::filesystem::path& note, const KeyRing& keys);

// The gateway is about to seal with the first of `fresh`: notes that down, durably. `present` are the keys
// that it works with now, none at a start. Refused, with one line and before anything is written, when
// `fresh` lacks one of them that codes may need.
[[nodiscard]] std::expected<void, std::string> take_into_use(const std::filesystem::path& note,
                                                             const KeyRing& present, const KeyRing& fresh,
                                                             UnixMs now);

// The two commands. `now` is by the gateway's clock (BootClock::read). All errors are one line with the
// file's name.

// Puts a new key before the others, durably and all at once, for the gateway to read at its next SIGHUP, and
// leaves out the keys that no code can need any more. Refused while the gateway does not yet use the newest
// one (without a note: while there is more than one), and while the file is full of keys that codes may need.
[[nodiscard]] std::expected<void, std::string> rotate_key_file(const std::filesystem::path& file,
                                                               const std::optional<KeyInUse>& in_use,
                                                               UnixMs now);

// Leaves the newest key alone. Refused when it is not yet in use, or codes that another one sealed may still
// live.
[[nodiscard]] std::expected<void, std::string> drop_old_keys(const std::filesystem::path& file,
                                                             const std::optional<KeyInUse>& in_use,
                                                             UnixMs now);

}  // namespace otpgw::otp
