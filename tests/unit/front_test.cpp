// The front's cap of connections. Goal: who waits for an answer is never closed to make room, and gets it; a
// new client is turned away when all do, and served as soon as one does not. Method: a front for two
// connections whose handler keeps the replies in hand, and real sockets.

#include "core/http/front.h"

#include <Poco/Net/NetException.h>
#include <Poco/Net/SocketAddress.h>
#include <gtest/gtest.h>

#include <future>
#include <list>
#include <thread>

#include "core/http/answer.h"

namespace otpgw::http {
namespace {

constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const Poco::Timespan kPatience{20, 0};

class FrontCap : public testing::Test {
 protected:
  ~FrontCap() override {
    loop_.stop();
    thread_.join();
    replies_.clear();  // before the front that they answer through
  }

  // On the loop's thread, waited for.
  void on_loop(std::function<void()> task) {
    std::promise<void> done;
    loop_.post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }
  Poco::Net::StreamSocket client() {
    Poco::Net::StreamSocket socket(Poco::Net::SocketAddress("127.0.0.1", port_));
    socket.setReceiveTimeout(kPatience);
    return socket;
  }
  // A client whose request has been handed to the handler.
  Poco::Net::StreamSocket asking() {
    auto socket = client();
    socket.sendBytes(kRequest.data(), static_cast<int>(kRequest.size()));
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    for (++asked_; std::chrono::steady_clock::now() < end; std::this_thread::yield()) {
      std::size_t held = 0;
      on_loop([&] { held = replies_.size(); });
      if (held == asked_) return socket;
    }
    ADD_FAILURE() << "the request was not handed out";
    return socket;
  }
  void answer_the_first() {
    on_loop([this] {
      replies_.front().send({.status = 200, .content_type = {}, .headers = {}, .body = {}});
      replies_.pop_front();
    });
    --asked_;
  }
  // The first line of what comes; "" when the front has closed the connection.
  static std::string answer(Poco::Net::StreamSocket& socket) {
    char bytes[1024];
    try {
      const int count = socket.receiveBytes(bytes, sizeof bytes);
      const std::string_view got(bytes, static_cast<std::size_t>(count));
      return std::string(got.substr(0, got.find("\r\n")));
    } catch (const Poco::Net::ConnectionResetException&) {
      return "";
    }
  }

  Loop loop_;
  std::list<Reply> replies_;  // the loop's thread
  std::size_t asked_ = 0;
  Front front_{loop_, "127.0.0.1", 0, FrontLimits{.connections = 2},
               [this](const Request&, Reply reply) { replies_.push_back(std::move(reply)); }};
  const uint16_t port_ = front_.port();
  std::thread thread_{[this] { loop_.run(); }};
};

TEST_F(FrontCap, NobodyWhoWaitsIsClosedForSomebodyNew) {
  auto first = asking(), second = asking();
  auto third = client();
  EXPECT_EQ(answer(third), "");
  answer_the_first();
  EXPECT_EQ(answer(first), "HTTP/1.1 200 OK");
  auto fourth = asking();  // in the place of the first, which is idle now
  EXPECT_EQ(answer(first), "");
  answer_the_first();
  answer_the_first();
  EXPECT_EQ(answer(second), "HTTP/1.1 200 OK");
  EXPECT_EQ(answer(fourth), "HTTP/1.1 200 OK");
}

}  // namespace
}  // namespace otpgw::http
