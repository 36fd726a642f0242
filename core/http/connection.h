// One client of the front: reads, has one request handled at a time, writes the answers in order.
#pragma once

#include <Poco/Net/StreamSocket.h>

#include <string>

#include "core/http/front.h"
#include "core/http/request_reader.h"

namespace otpgw::http {

class Front::Connection final : private Loop::Watcher {
 public:
  Connection(Front& front, uint64_t id, Poco::Net::StreamSocket socket, const ip::Address& peer);

  [[nodiscard]] uint64_t id() const { return id_; }
  [[nodiscard]] const ip::Address& peer() const { return peer_; }
  [[nodiscard]] Loop::Clock::time_point deadline() const { return deadline_; }
  // Since when it has been in its present wait.
  [[nodiscard]] Loop::Clock::time_point since() const { return deadline_ - front_.duration(wait_); }
  // Idle, or not all that it wants to ask has come.
  [[nodiscard]] bool is_evictable() const { return wait_ != Wait::reply && wait_ != Wait::write; }
  [[nodiscard]] bool is_slow_reader() const { return wait_ == Wait::write; }

  // Leaves its queue: closed, or writing why.
  void timed_out();
  void answer(Response&& response);
  // Reads what has arrived; closes when that is no whole head, and once the answers under way are out.
  void drain();
  // Says goodbye; nothing is waited for any more. Only Front::close() calls it.
  void leave();

 private:
  void on_events(uint32_t events) override;
  bool shake_hands();
  bool await(int bytes);
  void receive();
  void process();
  bool step();
  void refuse(int status, std::string_view message);
  void append(const Response& response);
  bool flush();
  void finish();
  void set_events(uint32_t events);
  void wait_for(Wait wait);
  [[nodiscard]] int fd() const;
  [[nodiscard]] Queue& queue(Wait wait) const { return front_.queues_[static_cast<std::size_t>(wait)]; }

  Front& front_;
  uint64_t id_;
  Poco::Net::StreamSocket socket_;  // a SecureStreamSocket once the client's greeting begins
  Poco::Net::Context::Ptr tls_;     // null: none
  ip::Address peer_;
  Queue& party_;
  RequestReader reader_;
  std::string out_;
  uint32_t events_;
  int wakes_at_ = 1;  // bytes to be read
  Wait wait_;
  Queue::iterator place_, place_in_party_;
  Loop::Clock::time_point deadline_;
  int reads_without_data_ = 0;  // since the last one with
  bool secure_ = false;         // TLS has begun
  bool processing_ = false;
  bool pending_ = false;      // a request has been handed out
  bool answered_ = false;     // and answered; its views are let go when its handler has returned
  bool last_ = false;         // close after the current answer
  bool refused_ = false;      // the current answer refuses what may still be arriving
  bool client_done_ = false;  // it has shut its side down: close once what it asked is answered
  bool head_only_ = false;    // the current answer goes without its body
};

}  // namespace otpgw::http
