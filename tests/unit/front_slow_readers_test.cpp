// Clients that don't take their answers. Goal: they hold up neither a stop nor others who come from the same
// address. Method: a front whose handler answers more than all buffers hold, and real sockets.

#include <Poco/Exception.h>

#include "core/http/answer.h"
#include "tests/unit/front_fixture.h"

namespace otpgw::http {
namespace {

constexpr std::size_t kMuch = 32 * 1024 * 1024;  // more than the kernel's buffers may grow to
constexpr std::chrono::hours kNoDeadline{1};

class FrontSlowReaders : public FrontTest {
 protected:
  FrontSlowReaders() { start(front_); }
  ~FrontSlowReaders() override { stop(); }

  // Its answer has begun, and the rest of it waits to be taken.
  Poco::Net::StreamSocket slow_reader() {
    auto socket = connected();
    ask(socket, "/much");
    char first = 0;
    EXPECT_EQ(socket.receiveBytes(&first, 1), 1);
    on_loop([] {});
    return socket;
  }
  // All that comes until the front closes the connection.
  static std::string rest(Poco::Net::StreamSocket& socket) {
    std::string all;
    std::vector<char> bytes(1024 * 1024);
    try {
      while (const int count = socket.receiveBytes(bytes.data(), static_cast<int>(bytes.size()))) {
        all.append(bytes.data(), static_cast<std::size_t>(count));
      }
    } catch (const Poco::TimeoutException&) {
      ADD_FAILURE() << "not closed";
    } catch (const Poco::IOException&) {  // reset
    }
    return all;
  }

  Front front_{
      loop_, "127.0.0.1", 0,
      FrontLimits{.keep_alive = kNoDeadline, .write = kNoDeadline, .connections_per_party = 2},
      [](const Request& request, Reply reply) {
        const std::size_t size = request.path == "/much" ? kMuch : 6;
        reply.send({.status = 200, .content_type = {}, .headers = {}, .body = std::string(size, 'x')});
      }};
};

TEST_F(FrontSlowReaders, AStopWaitsOnlyUntilTheyHaveTheirAnswers) {
  auto reader = slow_reader();
  auto with_more = slow_reader();
  ask(with_more, "/little");
  std::promise<void> drained;
  loop_.post([&] { front_.drain([&] { drained.set_value(); }); });
  const auto much = rest(reader);
  EXPECT_GT(much.size(), kMuch);
  EXPECT_EQ(much.find("HTTP/1.1", 1), std::string::npos);
  const auto both = rest(with_more);
  EXPECT_GT(both.size(), kMuch);
  EXPECT_TRUE(both.ends_with("Content-Length: 6\r\nConnection: close\r\n\r\nxxxxxx"));
  EXPECT_EQ(drained.get_future().wait_for(kPatience), std::future_status::ready);
}

TEST_F(FrontSlowReaders, TheSlowestMakesRoomForANeighbour) {
  auto slowest = slow_reader();
  auto other = slow_reader();
  auto neighbour = slow_reader();
  EXPECT_LT(rest(slowest).size(), kMuch);
  on_loop([this] { EXPECT_EQ(front_.connections(), 2); });
}

}  // namespace
}  // namespace otpgw::http
