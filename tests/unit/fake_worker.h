// A worker played by a test: a DEALER socket that says what it is told to. Its provider is "sms".
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>
#include <zmq.hpp>

#include "core/wire/messages.h"

namespace otpgw::broker {

class FakeWorker {
 public:
  FakeWorker(zmq::context_t& context, const std::string& endpoint, std::string instance, std::string version)
      : socket_(context, zmq::socket_type::dealer) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::rcvtimeo, kPatienceMs);
    socket_.connect(endpoint);
    ready_.provider = "sms";
    ready_.instance = std::move(instance);
    ready_.descriptor.version = std::move(version);
  }
  [[nodiscard]] const wire::Ready& ready() const { return ready_; }
  void say_ready(uint32_t capacity) {
    ready_.capacity = capacity;
    send(ready_);
    EXPECT_TRUE(std::holds_alternative<wire::Ping>(receive()));  // the broker has taken it in
  }
  void send(const wire::Message& message) {
    const auto frames = wire::encode(message);
    send_frames({std::string(1, wire::kVersion), std::string(frames.command), frames.body});
  }
  void send_frames(const std::vector<std::string>& frames) {
    for (const auto& frame : frames) {
      const bool last = &frame == &frames.back();
      socket_.send(zmq::buffer(frame), last ? zmq::send_flags::none : zmq::send_flags::sndmore);
    }
  }
  // The next that is no PING.
  wire::Message receive_other() {
    for (;;) {
      if (auto message = receive(); !std::holds_alternative<wire::Ping>(message)) return message;
    }
  }
  // Whether anything but PINGs has come and was not received.
  bool has_other() {
    socket_.set(zmq::sockopt::rcvtimeo, 0);
    const bool other = !std::holds_alternative<wire::Bye>(receive_other());
    socket_.set(zmq::sockopt::rcvtimeo, kPatienceMs);
    return other;
  }
  // A BYE, which the core never says, when nothing comes.
  wire::Message receive() {
    zmq::message_t frames[3];
    for (auto& frame : frames) {
      if (!socket_.recv(frame)) return wire::Bye{};
    }
    return *wire::decode(frames[1].to_string_view(), frames[2].to_string_view());
  }

 private:
  static constexpr int kPatienceMs = 5000;
  zmq::socket_t socket_;
  wire::Ready ready_;
};

}  // namespace otpgw::broker
