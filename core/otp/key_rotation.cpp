#include "core/otp/key_rotation.h"

#include <Poco/DateTimeFormatter.h>
#include <Poco/Timestamp.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "core/otp/code.h"
#include "core/otp/private_file.h"

namespace otpgw::otp {
namespace {

namespace fs = std::filesystem;
using Result = std::expected<void, std::string>;

bool is_needed(const std::optional<KeyInUse>& in_use, UnixMs now) {
  return !in_use || now < in_use->others_needed_until();
}

// Whether the commands may change a file with these keys.
Result if_in_use(const fs::path& file, const KeyRing& ring, const std::optional<KeyInUse>& in_use) {
  if (!in_use) {
    if (ring.size() == 1) return {};
    return std::unexpected(file.string() +
                           ": the gateway has not noted down yet (key-in-use in app.data_dir) which of these "
                           "keys it uses; restart it first");
  }
  if (in_use->fingerprint == fingerprint(ring.front())) return {};
  return std::unexpected(file.string() +
                         ": the gateway does not use the newest key yet; send SIGHUP to it first, and look "
                         "in its log for what becomes of that");
}

std::unexpected<std::string> too_early(const fs::path& file, const KeyInUse& in_use, UnixMs now) {
  const auto left_ms = in_use.others_needed_until() - now;
  const Poco::Timestamp until(Poco::Timestamp().epochMicroseconds() + left_ms * 1000);
  return std::unexpected(file.string() +
                         ": codes that were sealed with a former key may still live; wait until " +
                         Poco::DateTimeFormatter::format(until, "%Y-%m-%d %H:%M:%S UTC"));
}

}  // namespace

std::optional<KeyInUse> read_key_in_use(const fs::path& note) {
  KeyInUse in_use;
  if (std::ifstream(note) >> in_use.fingerprint >> in_use.since) return in_use;
  return {};
}

bool hold_key_in_use(const fs::path& note, const KeyRing& keys) {
  const auto former = read_key_in_use(note);
  return !former || std::ranges::count(keys, former->fingerprint, fingerprint) > 0;
}

Result take_into_use(const fs::path& note, const KeyRing& present, const KeyRing& fresh, UnixMs now) {
  const auto former = read_key_in_use(note);
  const auto lost = [&fresh](const Key& key) { return std::ranges::count(fresh, key) == 0; };
  if (!present.empty() && lost(present.front())) {
    return std::unexpected(
        "the key file does not hold the key that new codes are sealed with at present; put it back");
  }
  if (is_needed(former, now) && std::ranges::any_of(present, lost))
    return std::unexpected("the key file lacks a former key that codes may still need; put it back");
  const auto newest = fingerprint(fresh.front());
  // A later time comes from a clock that was wrong before a reboot: nobody shall wait for it.
  if (former && former->fingerprint == newest && former->since <= now) return {};
  return replace_file(note, newest + ' ' + std::to_string(now) + '\n');
}

Result rotate_key_file(const fs::path& file, const std::optional<KeyInUse>& in_use, UnixMs now) {
  auto ring = read_key_file(file);
  if (!ring) return std::unexpected(std::move(ring.error()));
  if (auto allowed = if_in_use(file, *ring, in_use); !allowed) return allowed;
  if (!is_needed(in_use, now)) ring->resize(1);
  if (ring->size() == kKeysMax) return too_early(file, *in_use, now);
  ring->insert(ring->begin(), fresh_key());
  return replace_key_file(file, *ring);
}

Result drop_old_keys(const fs::path& file, const std::optional<KeyInUse>& in_use, UnixMs now) {
  auto ring = read_key_file(file);
  if (!ring) return std::unexpected(std::move(ring.error()));
  if (ring->size() == 1) return {};
  if (auto allowed = if_in_use(file, *ring, in_use); !allowed) return allowed;
  if (is_needed(in_use, now)) return too_early(file, *in_use, now);
  ring->resize(1);
  return replace_key_file(file, *ring);
}

}  // namespace otpgw::otp
