// Whoever reaches the workers' socket and is no worker. Goal: 10,000 hostile messages get no job and change
// no state. Method: broker, dispatcher and a real database; a worker that has a job in hand, another job that
// waits, and peers that send what workers don't: frames too many and too few, other versions, bytes for
// bodies, offers of other providers, results of the job that is not theirs. The control is one of them that
// says what a worker says.
#include <atomic>
#include <future>
#include <random>

#include "core/delivery/dispatcher.h"
#include "core/message/setup.h"
#include "core/ops/log.h"
#include "core/otp/code.h"
#include "fake_worker.h"
#include "store_fixture.h"

namespace otpgw::broker {
namespace {

using namespace std::chrono_literals;

constexpr int kMessages = 10'000;
constexpr std::size_t kPeers = 8;

std::shared_ptr<const message::Setup> setup() {
  config::Config config;
  config.app.root_url = "http://localhost";
  config.namespaces["app"].name = "app";
  auto& sms = config.providers["sms"];
  sms.id = "sms";
  sms.section = "providers.sms";
  sms.plugin_config = "{}";
  return message::Setup::make(std::move(config)).value();
}

class Hostile {
 public:
  Hostile(wire::Ready ready, wire::Result result) : ready_(std::move(ready)), result_(std::move(result)) {}

  std::vector<std::string> next() {
    const auto version = std::string(1, wire::kVersion);
    switch (pick(8)) {
      case 0: {  // any frames
        std::vector<std::string> frames(1 + pick(6));
        for (auto& frame : frames) frame = bytes(pick(64));
        return frames;
      }
      case 1:  // another version
        return message(bytes(pick(3)) + static_cast<char>(wire::kVersion + 1 + pick(200)), ready_);
      case 2: {  // a worker's words, cut short
        auto frames = message(version, ready_);
        frames.back().resize(pick(frames.back().size()));
        return frames;
      }
      case 3:  // bytes for a body
        return {version, std::string(wire::encode(any_message()).command), bytes(pick(300))};
      case 4: {  // a command that there is not
        auto frames = message(version, any_message());
        frames[1] = pick(2) ? bytes(pick(12)) : frames[1] + frames[1];
        return frames;
      }
      case 5: {  // another provider, and room for everything
        auto ready = ready_;
        ready.provider = pick(2) ? bytes(pick(40)) : "sms" + bytes(1);
        ready.instance = bytes(8);
        ready.capacity = ~uint32_t{0};
        return message(version, ready);
      }
      case 6: {  // a job that it has not got
        auto result = result_;
        result.code = static_cast<wire::ResultCode>(pick(5));
        result.begun = pick(2) != 0;
        if (pick(4) == 0) result.job_id = bytes(16);
        return message(version, result);
      }
      default:  // what else there is to say
        return message(version, any_message());
    }
  }

 private:
  std::size_t pick(std::size_t below) {
    return std::uniform_int_distribution<std::size_t>{0, below - 1}(random_);
  }
  std::string bytes(std::size_t count) {
    std::string text(count, '\0');
    for (auto& byte : text) byte = static_cast<char>(pick(256));
    return text;
  }
  wire::Message any_message() {
    switch (pick(6)) {
      case 0:
        return wire::Ping{};
      case 1:
        return wire::Validate{pick(100), "someone"};
      case 2:
        return wire::Address{pick(100), wire::AddressVerdict::valid, "", "somebody else", "DE"};
      case 3: {
        wire::Job job;
        job.id = result_.job_id;
        return job;
      }
      case 4:
        return wire::Drain{};
      default:
        return wire::Bye{};
    }
  }
  static std::vector<std::string> message(const std::string& version, const wire::Message& message) {
    const auto frames = wire::encode(message);
    return {version, std::string(frames.command), frames.body};
  }

  const wire::Ready ready_;
  const wire::Result result_;
  std::minstd_rand random_{20260721};
};

class HostileFramesTest : public store::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    endpoint_ = "ipc://" + (folder_ / "socket").string();
    dispatcher_ = std::make_unique<delivery::Dispatcher>(
        delivery::Dispatcher::Parts{*store_, vault_, clock_, metrics_, [](auto&&...) {}, [](auto&&...) {},
                                    [](auto&&...) {}},
        setup());
    broker_ = std::make_unique<Broker>(
        endpoint_, *dispatcher_,
        ProcessEvents{.ready = [](const std::string&) {}, .hangs = [](const std::string&) {}});
    dispatcher_->attach(*broker_);
    broker_->start();
  }
  void TearDown() override {
    broker_->stop();
    store_.reset();  // its last callbacks post to the broker
    StoreTest::TearDown();
  }

  void queue(const std::string& id) {
    auto wanted = otp(id, "+4915112345678");
    wanted.provider = "sms";
    wanted.code_sealed = vault_.seal("app", id, "123456");
    ASSERT_EQ(put(std::move(wanted)).verdict, otp::Verdict::done);
    broker_->post([this] { dispatcher_->jobs_queued("sms"); });
  }

  // Every row of the database, and how the provider stands.
  std::string state() {
    std::string all;
    sqlite3* raw = nullptr;
    sqlite3_open_v2(file().c_str(), &raw, SQLITE_OPEN_READONLY, nullptr);
    for (const char* table : {"otp", "job", "answer", "descriptor", "counter"}) {
      sqlite3_exec(
          raw, (std::string("SELECT * FROM ") + table).c_str(),
          [](void* text, int count, char** values, char**) {
            for (int i = 0; i < count; ++i)
              *static_cast<std::string*>(text) += std::string(values[i] ? values[i] : "NULL") + "|";
            *static_cast<std::string*>(text) += "\n";
            return 0;
          },
          &all, nullptr);
    }
    sqlite3_close(raw);
    on_broker([&] {
      for (const auto& now : dispatcher_->providers()) {
        all += now.id + " " + std::to_string(now.workers) + " " + std::to_string(now.jobs_in_flight) + " " +
               std::to_string(static_cast<int>(now.breaker));
      }
    });
    return all;
  }
  void on_broker(std::function<void()> task) {
    std::promise<void> done;
    broker_->post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }
  // What the dispatcher has asked of the store has come back to it.
  void settle() {
    for (int i = 0; i < 3; ++i) {
      on_broker([] {});
      static_cast<void>(lease(1, "nobody"));
    }
    on_broker([] {});
  }

  std::string endpoint_;
  otp::CodeVault vault_{{otp::Key{}}};
  std::unique_ptr<delivery::Dispatcher> dispatcher_;
  std::unique_ptr<Broker> broker_;
  zmq::context_t context_;
};

TEST_F(HostileFramesTest, GetNoJobAndChangeNothing) {
  FakeWorker worker(context_, endpoint_, "worker", "1");
  worker.say_ready(1);
  queue("in-hand");
  const auto job = worker.receive_other();
  ASSERT_TRUE(std::holds_alternative<wire::Job>(job));
  const auto& in_hand = std::get<wire::Job>(job);
  queue("waiting");
  settle();
  const auto before = state();

  wire::Result end;
  end.job_id = in_hand.id;
  end.attempt = in_hand.attempt;
  Hostile hostile(worker.ready(), end);
  std::vector<std::unique_ptr<FakeWorker>> peers;
  for (std::size_t i = 0; i < kPeers; ++i)
    peers.push_back(std::make_unique<FakeWorker>(context_, endpoint_, "", "1"));
  for (int i = 0; i < kMessages; ++i) {
    peers[static_cast<std::size_t>(i) % kPeers]->send_frames(hostile.next());
    if (i % 100 == 0) worker.send(wire::Ping{});  // silence would be its end
  }
  // When this of each has been read, so has all before it.
  auto last = worker.ready();
  last.provider = "another";
  for (std::size_t i = 0; i < kPeers; ++i) {
    last.instance = "peer " + std::to_string(i);
    peers[i]->send(last);
  }
  for (int read = 0; read < static_cast<int>(kPeers); std::this_thread::sleep_for(1ms)) {
    on_broker([&] { read = broker_->workers("another"); });
    worker.send(wire::Ping{});
  }
  settle();
  EXPECT_EQ(state(), before);
  for (auto& peer : peers) EXPECT_FALSE(peer->has_other());

  // The control: one of them says what a worker says.
  last.provider = "sms";
  last.instance = "valid";
  peers[0]->send(last);
  const auto second = peers[0]->receive_other();
  ASSERT_TRUE(std::holds_alternative<wire::Job>(second));
  EXPECT_EQ(std::get<wire::Job>(second).otp_id, "waiting");
  end.code = wire::ResultCode::sent;
  worker.send(end);
  for (const auto until = std::chrono::steady_clock::now() + 10s;
       find("in-hand")->delivery.state != otp::DeliveryState::sent &&
       std::chrono::steady_clock::now() < until;
       std::this_thread::sleep_for(20ms)) {
  }
  EXPECT_EQ(find("in-hand")->delivery.state, otp::DeliveryState::sent);
}

// However often it is offered, and by whom.
TEST_F(HostileFramesTest, TheLogTellsOnceOfAProviderThatIsNotEnabled) {
  std::atomic<int> lines = 0;
  ops::filter_lines([&](std::string line) {
    if (line.contains("not enabled here")) ++lines;
    return line;
  });
  FakeWorker worker(context_, endpoint_, "worker", "1");
  const auto offer = [&](const std::string& provider) {
    auto ready = worker.ready();
    ready.provider = provider;
    worker.send(ready);
    EXPECT_TRUE(std::holds_alternative<wire::Ping>(worker.receive()));
  };
  for (int i = 0; i < 3; ++i) offer("another");
  on_broker([] {});
  EXPECT_EQ(lines, 1);
  on_broker([&] { dispatcher_->reconfigure(setup()); });
  offer("another");
  on_broker([] {});
  EXPECT_EQ(lines, 2) << "as it stands now";
  for (int i = 0; i < 1000; ++i) offer("provider " + std::to_string(i));
  on_broker([] {});
  EXPECT_LE(lines, 200);
  ops::filter_lines([](std::string line) { return line; });
}

}  // namespace
}  // namespace otpgw::broker
