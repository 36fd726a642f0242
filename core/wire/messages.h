// What the core and its workers say to each other, as values. PROVIDERS.md of the project's contracts names
// the frames: [version][command][body]; a ROUTER socket puts the peer's identity before them.
//
// Both sides accept versions kVersion and kVersion - 1. Bodies only gain fields at their end (see bytes.h).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace otpgw::wire {

inline constexpr uint8_t kVersion = 1;
inline constexpr std::chrono::milliseconds kHeartbeatInterval{1000};
inline constexpr int kHeartbeatsMissedMax = 3;  // then the peer is gone
// The largest frame either side takes: a body of 1 MiB twice (HTML and text), and room for the rest.
inline constexpr std::size_t kFrameBytesMax = std::size_t{4} << 20;

enum class ChannelKind : uint8_t { other = 0, email = 1, sms = 2, whatsapp = 3, voice = 4 };

// A provider's otpgw_descriptor as a value: what the core knows of a plug-in that it never loads.
struct Descriptor {
  std::string id, name, version, vendor;
  ChannelKind channel_kind = ChannelKind::other;
  std::string channel_name, address_name, channel_description, address_description;
  std::string config_schema;
  uint32_t address_bytes_max = 254;
  uint32_t otp_length_max = 6;
  uint32_t body_bytes_max = 1 << 20;
  uint32_t flags = 0;  // OTPGW_FLAG_*
  bool operator==(const Descriptor&) const = default;
};

// Worker -> core: "I can work". Repeated when the core answers a PING with silence (it restarted).
struct Ready {
  std::string provider;  // configuration name: the NAME of [providers.NAME]
  Descriptor descriptor;
  uint32_t capacity = 1;  // jobs that it takes at once
  std::string instance;   // random, new for each worker process
};

struct Ping {};  // both ways, every kHeartbeatInterval

// Core -> worker, and its answer.
struct Validate {
  uint64_t request = 0;
  std::string address;
};
enum class AddressVerdict : uint8_t { valid = 0, invalid = 1, too_long = 2 };
struct Address {
  uint64_t request = 0;
  AddressVerdict verdict = AddressVerdict::invalid;
  std::string sentence;
  std::string normalised;
  std::string country;
};

// Core -> worker: send this. The call ends after timeout_ms, or at the code's expiry if that comes first. A
// worker of the same boot goes by expiry_boot_ms, because wall time can be set while a job waits; one on
// another machine by expiry_unix_ms.
struct Job {
  std::string id;
  uint32_t attempt = 1;
  std::string name_space, otp_id, address, code, subject, body, text_body, locale, extra, otp_json;
  int64_t expiry_unix_ms = 0;
  uint32_t timeout_ms = 5000;
  std::string boot_id{};  // the core's (boot_time.h)
  int64_t expiry_boot_ms = 0;
};

// Before a job is leased again that a worker gave back without a call, though it goes on working.
inline constexpr int64_t kNotBegunPauseMs = 1000;

enum class ResultCode : int32_t { sent = 0, retry = 1, rejected = 2, unknown = 3, broken = 4 };
struct Result {
  std::string job_id;
  uint32_t attempt = 0;
  ResultCode code = ResultCode::unknown;  // decode() turns any other number into unknown
  int64_t retry_after_ms = 0;
  int32_t upstream_status = 0;
  std::string upstream_id;
  std::string detail;
  bool begun = true;  // false: the plug-in was not called, so this is no try and says nothing of the provider
};

struct Drain {};  // core -> worker: finish what runs, take nothing new, say BYE
struct Bye {};    // worker -> core: nothing is running here; forget me

using Message = std::variant<Ready, Ping, Validate, Address, Job, Result, Drain, Bye>;

// The two frames after the version frame.
struct Frames {
  std::string_view command;
  std::string body;
};
[[nodiscard]] Frames encode(const Message& message);
// Nothing when the command is unknown or the body is malformed; never throws on any bytes.
[[nodiscard]] std::optional<Message> decode(std::string_view command, std::string_view body);

// A descriptor alone, as the store keeps it.
[[nodiscard]] std::string encode_descriptor(const Descriptor& descriptor);
[[nodiscard]] std::optional<Descriptor> decode_descriptor(std::string_view bytes);

}  // namespace otpgw::wire
