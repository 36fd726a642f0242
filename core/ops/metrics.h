// What the gateway counts while it runs, and its text in Prometheus' exposition format. The stages call the
// method that names what happened; the library that keeps the numbers stays behind this header.
//
// Any thread. A call is a few atomic additions and at most two short locks. Label sets are bounded: route
// patterns, status codes, ids of configured providers, calling codes of countries, and fixed words; never a
// path, a namespace, an address or an id.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/ops/snapshot.h"

namespace otpgw::ops {

enum class CheckOutcome : uint8_t { right, wrong, locked, not_found, count };
// What came back from a send. lost: its worker went away first.
enum class SendResult : uint8_t { sent, retry, rejected, unknown, broken, lost, count };
enum class DeliveryEnd : uint8_t { sent, failed, expired, unknown, count };

class Metrics {
 public:
  using Duration = std::chrono::steady_clock::duration;

  explicit Metrics(std::string_view version);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Requests. A route is known by the number that add_route() gave it; kNoRoute is all that no route took.
  static constexpr std::size_t kNoRoute = 0;
  [[nodiscard]] std::size_t add_route(std::string_view method, std::string_view pattern);
  void request(std::size_t route, int status, Duration took);
  // One that was refused before it was whole.
  void request_refused(int status);

  // Shows the provider's numbers from now on, as zeros at first; the methods below do so by themselves.
  void add_provider(std::string_view provider);

  void otp_created(std::string_view provider);
  void otp_verified(std::string_view provider);  // closed by a right guess
  void otp_resent(std::string_view provider);
  void checked(CheckOutcome outcome);
  // `calling_code` is "+49", or empty for what is no phone number. Of many, the later ones count as "other".
  void code_sent(std::string_view provider, std::string_view calling_code);
  void code_verified(std::string_view provider, std::string_view calling_code);
  void limit_reached(std::string_view limit, bool refused);

  void send_started(std::string_view provider);
  void send_ended(std::string_view provider, SendResult result);
  void sent_after(std::string_view provider, Duration since_queued);
  void delivery_ended(std::string_view provider, DeliveryEnd end);

  void worker_restarted(std::string_view provider);
  void worker_exited(std::string_view provider, bool by_signal);

  // The store. A commit that changed something, and one that failed or was refused.
  void committed(std::size_t writes, Duration took);
  void store_failed(bool broken);

  // The whole exposition: what was counted, the moment's numbers, the process's.
  [[nodiscard]] std::string text(const Snapshot& now) const;

 private:
  struct Series;
  std::unique_ptr<Series> series_;
};

}  // namespace otpgw::ops
