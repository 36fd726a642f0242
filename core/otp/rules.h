// The rules of an OTP's life as pure functions: what a request does to the record that stands. An engine of
// the store reads the record, asks here, and writes the answer, all in one transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/otp/otp.h"

namespace otpgw::otp {

// A closed record is kept at least this long after closing, so that the application's status call finds it.
inline constexpr int64_t kClosedKeptMs = 60'000;

// What became of a request; the store's answers carry it too. The numbers are stored (idempotent answers):
// never renumber.
enum class Verdict : uint8_t {
  done = 0,
  not_found = 1,       // no live OTP
  locked = 2,          // too many wrong guesses, or no generation left
  wrong_code = 3,      // counted
  not_verified = 4,    // status of an open OTP
  already_closed = 5,  // a page evaluates nothing on a closed OTP; a resend of one is refused
  no_address = 6,      // resend without an address
  still_sending = 7,   // resend while a send is under way: nothing new
  changed = 8,         // the address on the page is not the one in the store any more
  fixed_address = 9,   // the application gave the address; a page can't change it
  key_conflict = 10,   // Idempotency-Key used before with other parameters
  limited = 11,        // over a limit (store::Written::over): nothing was counted, and no guess evaluated
  too_early = 12       // a resend within the cooldown of a page
};

// A decision: the record to write, when something changes.
struct Decision {
  Verdict verdict = Verdict::done;
  bool write = false;     // `otp` replaces the record
  bool replaces = false;  // … and is another OTP: what is still queued for the old one is not to be sent
  bool remove = false;    // the record goes
  bool new_job = false;   // a send of the current code is to be queued
  Otp otp{};              // as it stands after the decision (for not_found: empty)
};

// PUT. `current` may be null. `wanted` is a fresh record: its maxima, texts, code and expiry.
[[nodiscard]] Decision decide_put(const Otp* current, const Otp& wanted, UnixMs now);

// A guess, as CodeVault::hashes of what was typed, and of its digits for an all-digit code.
struct Guess {
  std::vector<std::string> hashes, digits_hashes;
  bool from_page = false;
  std::optional<bool> skip_delete;  // wins over the record's
};
[[nodiscard]] Decision decide_check(const Otp* current, const Guess& guess, UnixMs now);

// Of a list: the next provider, after the last one the first.
[[nodiscard]] Decision decide_resend(const Otp* current, UnixMs now,
                                     std::chrono::milliseconds cooldown = std::chrono::milliseconds{0});
[[nodiscard]] const std::string& resend_provider(const Otp& otp);
[[nodiscard]] Decision decide_status(const Otp* current, bool consume, UnixMs now);

// Names the address of an OTP to one who has been shown it, and tells it to nobody else: hexadecimal, "" for
// no address. Another address or code makes another one.
[[nodiscard]] std::string address_token(const Otp& otp);

// The page collected an address: a new code goes to it. Refused unless `expected` is the current OTP's
// address_token(). `wanted` carries to, to_normalised (also of the
// steps), the code's fields, and the providers that have accepted the address.
[[nodiscard]] Decision decide_set_address(const Otp* current, const Otp& wanted, const std::string& expected,
                                          UnixMs now);

// Something has happened to a send of an OTP with a list of providers, or the current step's time is up: does
// it go on with the next one? Every step's delivery is filled in. DESIGN.md of core/delivery has the reasons.
[[nodiscard]] Decision decide_step(const Otp& current, UnixMs now);

}  // namespace otpgw::otp
