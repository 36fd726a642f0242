// The OTP service: the rules of API.md between the doors (JSON API, pages) and the store. It speaks no HTTP
// and no SQL.
//
// All calls are made on the loop's thread, and every Done is called on it, exactly once, perhaps before the
// call returns. Nothing here blocks.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/config.h"
#include "core/limits/limit.h"
#include "core/otp/otp.h"
#include "core/wire/messages.h"

namespace otpgw::otp {

// What is wrong with an address, for doors that say it in words of their own.
enum class AddressFault : uint8_t {
  unusable,  // the provider's verdict: `message` has its words
  too_long,  //
  changed,   // it is another one by now than the page showed
  fixed      // the application gave it: a page can't change it
};

// How a message about an address begins; then the sentence for people.
inline constexpr std::string_view kBadAddress = "Invalid `to` address: ";

// Why a request was refused. One error has one sentence; doors turn the kind into a status.
struct Refusal {
  enum class Kind : uint8_t {
    invalid,          // 400: a parameter is wrong
    not_found,        // 400 in the API, 404 on a page: no live OTP
    wrong_code,       // 400, with the OTP
    not_verified,     // 400, with the OTP
    locked,           // 429: too many wrong guesses, or no generation left
    limited,          // 429: `limit` has been reached
    too_early,        // 429: resent from a page within its cooldown
    conflict,         // 409: Idempotency-Key used with other parameters
    unavailable,      // 503: store, provider or queue not ready; nothing was changed
    delivery_failed,  // 500, with the OTP: `wait` ended with a failed delivery
    internal          // 500
  };
  Kind kind = Kind::internal;
  std::string message;
  std::optional<Otp> otp;               // for the kinds that carry it, and for locked
  int64_t ttl_seconds = 0;              // of otp
  std::chrono::seconds retry_after{0};  // for locked, limited, too_early and unavailable
  std::optional<limits::Limit>
      limit{};  // for limited, and for invalid: an address of a country that is not allowed
  std::optional<AddressFault> address{};  // for invalid, when that is about the address
  std::string locale = {},
              return_url = {};  // for not_found on a page, while the expired record is still there
};

// An OTP for an answer. The code is there only where API.md lets it out.
struct Answer {
  Otp otp;
  std::string code;  // empty: not shown
  int64_t ttl_seconds = 0;
  std::string view_key = {};  // for the links to its pages; empty: they need none
};
using Outcome = std::expected<Answer, Refusal>;
using Done = std::move_only_function<void(Outcome)>;

// Which door a guess came through: a page accepts a code once and never deletes it.
enum class Door : uint8_t { api, page };

// An Idempotency-Key, reduced: `scope` hashes namespace, path and key; `parameters` hashes the method and all
// parameters.
struct Idempotency {
  std::string scope, parameters;
  std::vector<Idempotency> former = {};  // the same as former keys of the vault made it
};

struct PutRequest {
  std::string name_space;
  std::string id;                      // empty: a random one is made
  std::vector<std::string> providers;  // one, or several to be tried one after the other
  std::string to;
  std::string code;  // empty: random digits
  std::optional<int64_t> ttl_seconds, max_attempts, max_generate;
  std::string channel_description, address_description;
  std::string locale, return_url;
  std::string extra = "{}";
  bool skip_delete = false;
  std::string client;  // limits::client_network() of the end user's address; may be empty
  std::chrono::milliseconds wait{0};
  std::optional<Idempotency> idempotency;
};

struct CheckRequest {
  std::string name_space, id, code;
  Door door = Door::api;
  std::optional<bool> skip_delete;
  std::optional<Idempotency> idempotency;
};

class Service {
 public:
  virtual ~Service() = default;

  virtual void put(PutRequest request, Done done) = 0;
  // Counts, compares and consumes in one transaction. Success through the API carries the code.
  virtual void check(CheckRequest request, Done done) = 0;
  // Sends the same code again, of several providers through the next one, unless a send is still under way.
  // From a page it must not be asked for too soon.
  virtual void resend(std::string name_space, std::string id, Door door, std::chrono::milliseconds wait,
                      Done done) = 0;
  // Verified? With `consume` the record is deleted when it is.
  virtual void status(std::string name_space, std::string id, bool consume, Done done) = 0;
  // Whether its pages may be shown to somebody whose link has this key. When not, whether there is such an
  // OTP has not been looked at.
  [[nodiscard]] virtual bool may_view(std::string_view name_space, std::string_view id,
                                      std::string_view key) const = 0;
  // The live OTP (closed ones too, as long as the record is kept), without its code. For pages and polling.
  virtual Outcome find(std::string_view name_space, std::string_view id) = 0;
  // The page collected an address: validates it, stores it, makes a first (or, when it replaces one, a new)
  // code and sends it. `expected` is the address_token() (rules.h) of the OTP that the page showed: another
  // address in the store refuses.
  virtual void set_address(std::string name_space, std::string id, std::string to, std::string expected,
                           Done done) = 0;

  // Forgets what was counted for an address in the namespace, in each form that the enabled providers (or
  // `provider`, unless it is empty) have of it. How many counters there were.
  using Cleared = std::move_only_function<void(std::expected<int64_t, Refusal>)>;
  virtual void clear_limits(std::string name_space, std::string to, std::string provider, Cleared done) = 0;

  // What the pages say about a provider; null when it is not enabled or has not been ready since the
  // beginning.
  [[nodiscard]] virtual std::shared_ptr<const wire::Descriptor> descriptor(
      std::string_view provider) const = 0;
};

}  // namespace otpgw::otp
