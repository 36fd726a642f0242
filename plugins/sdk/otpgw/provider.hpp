// otpgw/provider.hpp: write a provider in C++ without touching the C ABI of provider.h.
//
//   class Pigeon : public otpgw::Provider {
//    public:
//     static constexpr otpgw_descriptor kDescriptor{ ... };           // what it is
//     Pigeon(const otpgw::Host& host, std::string_view config_json);  // throws "KEY: what is wrong"
//     otpgw::AddressResult validate(std::string_view address) override;
//     otpgw::Result send(const otpgw::Job& job) override;
//   };
//   OTPGW_PROVIDER(Pigeon)   // several classes, several providers: OTPGW_PROVIDER(Pigeon, Raven)
//
// No exception and no type of the standard library crosses the boundary: what send() throws becomes UNKNOWN
// with the kind of the exception (its text may hold an address), what the constructor throws refuses the
// configuration with its text (a std::exception). Which thread calls what stands in provider.h, and so does
// all that is said here in passing.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <exception>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>

#include "otpgw/ext/describe.h"
#include "otpgw/provider.h"

namespace otpgw {

inline std::string_view view(otpgw_string text) {
  return text.size == 0 ? std::string_view() : std::string_view(text.data, text.size);
}

// What the host offers to the plug-in. A value; copies refer to the same host, which outlives every instance.
class Host {
 public:
  explicit Host(const otpgw_host* host) : host_(host) {}

  // Any thread. Never put a code, a secret or an address into it.
  void log(int32_t level, std::string_view message) const {
    if (host_ != nullptr && host_->log != nullptr)
      host_->log(host_->context, level, otpgw_string{message.data(), message.size()});
  }
  void warn(std::string_view message) const { log(OTPGW_LOG_WARNING, message); }
  // A host extension by name, or null.
  const void* extension(const char* id) const {
    return host_ != nullptr && host_->get_extension != nullptr ? host_->get_extension(host_->context, id)
                                                               : nullptr;
  }

 private:
  const otpgw_host* host_;
};

// One message to send. Everything is borrowed until send() returns.
struct Job {
  std::string_view id;  // the same on every attempt: the idempotency key
  uint32_t attempt = 1;
  std::string_view name_space, otp_id;
  std::string_view address;  // as validate() normalised it
  std::string_view code;
  std::string_view subject;    // no CR, LF or NUL
  std::string_view body;       // HTML for e-mail, else plain text
  std::string_view text_body;  // plain-text alternative of an HTML body, else empty
  std::string_view locale, extra, otp_json;
  int64_t expiry_unix_ms = 0;
  int64_t deadline_unix_ms = 0;  // return by then

  // What is left until the deadline; never negative.
  std::chrono::milliseconds time_left() const {
    using namespace std::chrono;
    const auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch());
    return std::max(milliseconds(deadline_unix_ms) - now, milliseconds::zero());
  }
};

// What became of a message. The sentence is for operators: no code, no body, no address.
struct Result {
  int32_t code = OTPGW_UNKNOWN;
  std::string detail;
  std::chrono::milliseconds retry_after{0};
  int32_t upstream_status = 0;
  std::string upstream_id;

  static Result sent(std::string upstream_id = {}) {
    return {.code = OTPGW_SENT, .detail = {}, .upstream_id = std::move(upstream_id)};
  }
  static Result retry(std::string detail, std::chrono::milliseconds after = {}) {
    return {.code = OTPGW_RETRY, .detail = std::move(detail), .retry_after = after, .upstream_id = {}};
  }
  static Result rejected(std::string detail) {
    return {.code = OTPGW_REJECTED, .detail = std::move(detail), .upstream_id = {}};
  }
  static Result unknown(std::string detail) {
    return {.code = OTPGW_UNKNOWN, .detail = std::move(detail), .upstream_id = {}};
  }
  static Result broken(std::string detail) {
    return {.code = OTPGW_BROKEN, .detail = std::move(detail), .upstream_id = {}};
  }
};

// Whether an address can be sent to. The sentence is for the person who typed it.
struct AddressResult {
  int32_t verdict = OTPGW_ADDRESS_INVALID;
  std::string sentence;
  std::string normalised;  // empty: the address as given
  std::string country;     // ISO 3166-1 alpha-2, or empty

  static AddressResult valid(std::string normalised = {}, std::string country = {}) {
    return {OTPGW_ADDRESS_VALID, {}, std::move(normalised), std::move(country)};
  }
  static AddressResult invalid(std::string sentence) {
    return {OTPGW_ADDRESS_INVALID, std::move(sentence), {}, {}};
  }
  static AddressResult too_long(std::string sentence) {
    return {OTPGW_ADDRESS_TOO_LONG, std::move(sentence), {}, {}};
  }
};

class Provider {
 public:
  virtual ~Provider() = default;
  // Pure, fast, no network.
  virtual AddressResult validate(std::string_view address) = 0;
  // May block; returns by job.deadline_unix_ms.
  virtual Result send(const Job& job) = 0;
  // For a channel that depends on the configuration: changes what differs from kDescriptor (ext/describe.h).
  virtual void describe_instance(otpgw_descriptor&) const {}
};

// The C side. Nothing here is for plug-in authors but OTPGW_PROVIDER.
namespace abi {

// Cuts between code points, so that what arrives is still UTF-8.
template <std::size_t Size>
void put(char (&to)[Size], std::string_view text) {
  std::size_t size = std::min(text.size(), Size - 1);
  if (size < text.size())
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  std::memcpy(to, text.data(), size);
  to[size] = '\0';
}

inline Job job_from(const otpgw_job& job) {
  return {.id = view(job.id),
          .attempt = job.attempt,
          .name_space = view(job.namespace_),
          .otp_id = view(job.otp_id),
          .address = view(job.address),
          .code = view(job.code),
          .subject = view(job.subject),
          .body = view(job.body),
          .text_body = view(job.text_body),
          .locale = view(job.locale),
          .extra = view(job.extra),
          .otp_json = view(job.otp_json),
          .expiry_unix_ms = job.expiry_unix_ms,
          .deadline_unix_ms = job.deadline_unix_ms};
}

inline void put(otpgw_result& to, const Result& result) {
  to.code = result.code;
  to.retry_after_ms = result.retry_after.count();
  to.upstream_status = result.upstream_status;
  put(to.upstream_id, result.upstream_id);
  put(to.detail, result.detail);
}

template <class... Providers>
struct Entry {
  static constexpr const otpgw_descriptor* kDescriptors[] = {&Providers::kDescriptor...};

  static int32_t create(const otpgw_host* host, const char* provider_id, otpgw_string config_json,
                        void** instance, otpgw_result* result) noexcept {
    try {
      std::unique_ptr<Provider> made;
      const auto make = [&]<class P>() {
        if (std::string_view(provider_id) != P::kDescriptor.id) return false;
        made = std::make_unique<P>(Host(host), view(config_json));
        return true;
      };
      if ((make.template operator()<Providers>() || ...)) {
        *instance = made.release();
        return 0;
      }
      put(result->detail, "this library does not offer that provider");
    } catch (const std::exception& e) {
      put(result->detail, e.what());
    } catch (...) {
      put(result->detail, "the constructor threw something that is not a std::exception");
    }
    return 1;
  }

  static void validate(void* instance, otpgw_string address, otpgw_address_result* result) noexcept {
    try {
      const AddressResult answer = static_cast<Provider*>(instance)->validate(view(address));
      result->verdict = answer.verdict;
      put(result->sentence, answer.sentence);
      put(result->normalised, answer.normalised);
      put(result->country, answer.country);
    } catch (...) {
      result->verdict = OTPGW_ADDRESS_INVALID;
      put(result->sentence, "the address could not be checked");
    }
  }

  static void send(void* instance, const otpgw_job* job, otpgw_result* result) noexcept {
    try {
      put(*result, static_cast<Provider*>(instance)->send(job_from(*job)));
    } catch (const std::exception& e) {
      // The kind alone: the text may quote the address or the code.
      put(*result, Result::unknown(std::string("the plug-in threw ") + typeid(e).name()));
    } catch (...) {
      result->code = OTPGW_UNKNOWN;
      put(result->detail, "the plug-in threw something that is not a std::exception");
    }
  }

  static void destroy(void* instance) noexcept { delete static_cast<Provider*>(instance); }

  static void describe(void* instance, otpgw_descriptor* descriptor) noexcept {
    static_cast<const Provider*>(instance)->describe_instance(*descriptor);
  }
  static constexpr otpgw_ext_describe kDescribe{sizeof(otpgw_ext_describe), describe};

  static const void* get_extension(const char* id) noexcept {
    return std::string_view(id) == OTPGW_EXT_DESCRIBE ? &kDescribe : nullptr;
  }
};

}  // namespace abi
}  // namespace otpgw

// INIT and DEINIT: functions for what the whole library needs once, or nullptr (see otpgw_entry).
#define OTPGW_PROVIDER_WITH_INIT(INIT, DEINIT, ...)                  \
  extern "C" OTPGW_EXPORT const otpgw_entry otpgw_provider_entry = { \
      OTPGW_ABI_MAJOR,                                               \
      OTPGW_ABI_MINOR,                                               \
      sizeof(otpgw_entry),                                           \
      std::size(otpgw::abi::Entry<__VA_ARGS__>::kDescriptors),       \
      otpgw::abi::Entry<__VA_ARGS__>::kDescriptors,                  \
      INIT,                                                          \
      DEINIT,                                                        \
      otpgw::abi::Entry<__VA_ARGS__>::create,                        \
      otpgw::abi::Entry<__VA_ARGS__>::validate,                      \
      otpgw::abi::Entry<__VA_ARGS__>::send,                          \
      otpgw::abi::Entry<__VA_ARGS__>::destroy,                       \
      otpgw::abi::Entry<__VA_ARGS__>::get_extension};
#define OTPGW_PROVIDER(...) OTPGW_PROVIDER_WITH_INIT(nullptr, nullptr, __VA_ARGS__)
