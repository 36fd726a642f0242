// A front with its loop on a thread of its own, and clients of it. A test's class derives, and makes its
// Front.
#pragma once

#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>
#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <thread>

#include "core/http/front.h"

namespace otpgw::http {

class FrontTest : public testing::Test {
 protected:
  static constexpr std::chrono::seconds kPatience{20};

  // Called last in the derived class's constructor, and first in its destructor.
  void start(Front& front) {
    port_ = front.port();
    thread_ = std::thread([this] { loop_.run(); });
  }
  void stop() {
    loop_.stop();
    thread_.join();
  }

  // Runs it on the loop's thread, and waits: what the loop had begun is done too.
  void on_loop(std::function<void()> task) {
    std::promise<void> done;
    loop_.post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }

  // `receive_bytes`: its buffer in the kernel, where that matters.
  Poco::Net::StreamSocket connected(std::optional<int> receive_bytes = std::nullopt) {
    Poco::Net::StreamSocket socket(Poco::Net::SocketAddress::IPv4);
    if (receive_bytes) socket.setReceiveBufferSize(*receive_bytes);
    socket.connect(Poco::Net::SocketAddress("127.0.0.1", port_));
    socket.setReceiveTimeout({kPatience.count(), 0});
    return socket;
  }
  static void ask(Poco::Net::StreamSocket& socket, const std::string& path) {
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n";
    socket.sendBytes(request.data(), static_cast<int>(request.size()));
  }

  Loop loop_;

 private:
  uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace otpgw::http
