// The front's cap of connections. Goal: who waits for an answer is never closed to make room, and gets it; a
// new client is turned away when all do, and served as soon as one does not. Method: a front for two
// connections whose handler keeps the replies in hand, and real sockets.

#include <Poco/Net/NetException.h>

#include <list>

#include "core/http/answer.h"
#include "tests/unit/front_fixture.h"

namespace otpgw::http {
namespace {

class FrontCap : public FrontTest {
 protected:
  FrontCap() { start(front_); }
  ~FrontCap() override {
    stop();
    replies_.clear();  // before the front that they answer through
  }

  // A client whose request has been handed to the handler.
  Poco::Net::StreamSocket asking() {
    auto socket = connected();
    ask(socket, "/");
    const auto end = std::chrono::steady_clock::now() + kPatience;
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

  std::list<Reply> replies_;  // the loop's thread
  std::size_t asked_ = 0;
  Front front_{loop_, "127.0.0.1", 0, FrontLimits{.connections = 2},
               [this](const Request&, Reply reply) { replies_.push_back(std::move(reply)); }};
};

TEST_F(FrontCap, NobodyWhoWaitsIsClosedForSomebodyNew) {
  auto first = asking(), second = asking();
  auto third = connected();
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
