// The front: accepts connections, reads whole requests under deadlines, hands them to a handler, writes the
// answers in order. DESIGN.md beside this file says why it is not Poco's HTTPServer and what each bound
// guards.
#pragma once

#include <Poco/Net/Context.h>
#include <Poco/Net/ServerSocket.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/http/client_address.h"
#include "core/http/loop.h"
#include "core/http/message.h"

namespace otpgw::http {

struct FrontLimits {
  std::chrono::milliseconds handshake{5000};  // TLS's
  std::chrono::milliseconds head{5000};  // from a request's first byte (or the accept) to its last header
  std::chrono::milliseconds body{5000};  // from there to its last byte
  std::chrono::milliseconds keep_alive{15000};  // between requests
  std::chrono::milliseconds write{10000};       // for the client to take an answer
  std::chrono::milliseconds linger{
      2000};                        // after a refused request: for the client to stop sending and read why
  std::size_t connections = 16384;  // beyond: the longest idle or slowest-reading one goes
  std::size_t connections_per_party = 256;  // beyond: likewise, of that party's
};

// What a reload of the configuration may change.
struct FrontRules {
  ip::Ranges trusted_proxies;   // whose X-Forwarded-For counts, and who have no limit of connections
  Poco::Net::Context::Ptr tls;  // of new connections (make_tls()); null: plain HTTP
  std::string tls_headers;      // whole lines that each answer over TLS has besides
};

// All calls on the loop's thread.
class Front final : private Loop::Watcher {
 public:
  using Dispatch = std::function<void(const Request&, Reply)>;

  // `metrics` (which must outlive it) counts requests that are refused before they are whole; the others are
  // for the router to count. Binds and listens; throws Poco::Net::NetException when the address is taken or
  // not ours.
  Front(Loop& loop, const std::string& host, uint16_t port, const FrontLimits& limits, Dispatch dispatch,
        ops::Metrics* metrics = nullptr);
  ~Front();
  Front(const Front&) = delete;
  Front& operator=(const Front&) = delete;

  // Of connections that come from now on, and of requests. Before the first: no proxies, no TLS.
  void reconfigure(FrontRules rules);
  // The port bound, for port 0.
  [[nodiscard]] uint16_t port() const;
  // Open ones.
  [[nodiscard]] std::size_t connections() const { return connections_.size(); }
  // Takes what has arrived, stops accepting, closes idle connections, lets the others finish their request;
  // calls `done` once all are gone.
  void drain(std::function<void()> done);

 private:
  class Connection;
  friend class Connection;
  // Deadlines of one kind all last equally long, so each kind is a queue in order of time.
  enum class Wait : uint8_t { handshake, head, body, keep_alive, write, linger, reply, count };
  using Queue = std::list<Connection*>;

  void on_events(uint32_t events) override;
  void accept(int most);
  // False when no client waits, or none can be taken now.
  bool accept_one();
  // False when there is none to evict: all wait for an answer.
  bool evict_one();
  // Likewise, of these.
  bool evict_one_of(Queue& party);
  void close(Connection& connection);
  void sweep();
  [[nodiscard]] std::chrono::milliseconds duration(Wait wait) const;
  const std::string& date_line();

  Loop& loop_;
  FrontLimits limits_;
  FrontRules rules_;
  Dispatch dispatch_;
  ops::Metrics* metrics_;
  Poco::Net::ServerSocket listener_;
  bool draining_ = false;
  int spare_fd_;  // given up for a moment to accept and close a connection when descriptors run out
  std::unordered_map<uint64_t, std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Connection>> closed_;  // freed at the end of the turn
  ClientAddresses clients_;
  std::map<ip::Address, Queue> parties_;  // each one's connections, the longest in their present wait first
  std::array<Queue, static_cast<std::size_t>(Wait::count)> queues_;
  uint64_t last_id_ = 0;
  std::string date_;
  Loop::Clock::time_point date_at_{};
  std::function<void()> drained_;
};

}  // namespace otpgw::http
