// The core's end of the wire: the ROUTER socket, the workers that are there, their credit and heartbeats. It
// moves messages; what is sent when is the dispatcher's business.
//
// The broker has a thread and a loop of its own. Everything but construction, start(), stop() and post()
// happens on that thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "core/http/loop.h"
#include "core/otp/provider_gate.h"
#include "core/wire/messages.h"

namespace otpgw::broker {

enum class Gone : uint8_t {
  left,   // it had said BYE, or came back on another connection
  died,   // its process has ended
  silent  // no sign of life for three heartbeats: it hangs, or the way to it does, or it ended on another
          // machine
};

// Told on the broker's thread.
class BrokerEvents {
 public:
  virtual ~BrokerEvents() = default;
  virtual void worker_ready(const std::string& provider, const wire::Descriptor& descriptor) = 0;
  virtual void result(const std::string& provider, const wire::Result& result) = 0;
  // The worker will not answer any more. Its in-flight jobs are no longer with anybody.
  virtual void worker_gone(const std::string& provider, const std::string& worker, Gone how) = 0;
  // After each turn in which anything came in: time to write what was gathered.
  virtual void turn_ended() = 0;
};

// What concerns a worker's process, which its instance (wire::Ready) names. Told on the broker's thread.
struct ProcessEvents {
  std::function<void(const std::string& instance)> ready;
  std::function<void(const std::string& instance)> hangs;  // no sign of life for three heartbeats
};

class Broker {
 public:
  // Binds `endpoint`. Throws zmq::error_t when the endpoint can't be bound.
  Broker(const std::string& endpoint, BrokerEvents& events, ProcessEvents processes);
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  // Starts the thread: messages are taken and events told from now on.
  void start();
  void post(http::Loop::Task task) { loop_.post(std::move(task)); }  // any thread
  // Any thread; returns when the thread has ended.
  void stop();

  [[nodiscard]] http::Loop& loop() { return loop_; }

  // Jobs that the provider's workers would take now.
  [[nodiscard]] int credit(std::string_view provider) const;
  // Workers that would take jobs, now or once one of theirs has ended.
  [[nodiscard]] int workers(std::string_view provider) const;
  // Hands the job to the worker with the most room. The worker's name, or nothing when none took it.
  [[nodiscard]] std::optional<std::string> assign(const std::string& provider, const wire::Job& job);

  // Asks a worker, and another one when that leaves; `unchecked` when it doesn't answer within 500 ms.
  void validate(const std::string& provider, std::string address,
                std::move_only_function<void(otp::AddressCheck)> done);

  // The worker's process has ended before its time: no need to wait for heartbeats.
  void worker_died(const std::string& instance);
  // Tells worker_ready() again of this provider's workers that take jobs.
  void tell_ready_workers(const std::string& provider);
  // Tells all workers to finish and leave.
  void drain_workers();

 private:
  struct Worker {
    std::string provider;
    std::string instance;
    wire::Descriptor descriptor;
    uint32_t capacity = 0;
    uint32_t in_flight = 0;
    bool reachable = true;  // false: its connection has ended; its process may be about to connect again
    // Now, or once one of its jobs has ended.
    [[nodiscard]] bool takes_jobs() const { return capacity > 0 && reachable; }
    [[nodiscard]] int room() const { return static_cast<int>(capacity) - static_cast<int>(in_flight); }
    http::Loop::Clock::time_point seen;
  };
  struct Socket;

  void receive_all();
  void handle(const std::string& worker, wire::Message message);
  bool send(const std::string& worker, const wire::Message& message);
  // Its connection has ended: it gets nothing more, and whether it has died shows by its next READY or
  // silence.
  void lose_sight_of(const std::string& worker);
  // Validations that the worker was asked for go to others.
  void ask_others(const std::string& worker, const std::string& provider);
  void forget(const std::string& worker, Gone how);
  void beat();
  [[nodiscard]] std::string roomiest(std::string_view provider) const;  // "" without one

  http::Loop loop_;
  BrokerEvents& events_;
  const ProcessEvents processes_;
  std::unique_ptr<Socket> socket_;
  std::map<std::string, Worker> workers_;  // by ROUTER identity
  struct Pending {
    http::Loop::TimerId timer;
    std::string worker, address;
    std::move_only_function<void(otp::AddressCheck)> done;
  };
  std::map<uint64_t, Pending> pending_;  // validations, by request
  uint64_t last_request_ = 0;
  http::Loop::Clock::time_point last_beat_ = http::Loop::Clock::now();
  std::thread thread_;
};

}  // namespace otpgw::broker
