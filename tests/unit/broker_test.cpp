// The broker. Goal: what a worker says of an address arrives whole; workers are told apart by their instance;
// one that drains is announced no more; one whose connection ends has died only if it does not connect again.
// Method: a real ROUTER socket and workers played by DEALER sockets.
#include "core/broker/broker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <future>

#include "fake_worker.h"

namespace otpgw::broker {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

// Writes down what it is told; the broker's thread.
struct Told final : BrokerEvents {
  void worker_ready(const std::string& provider, const wire::Descriptor& descriptor) override {
    lines.push_back("ready " + provider + " " + descriptor.version);
  }
  void result(const std::string&, const wire::Result&) override {}
  void worker_gone(const std::string& provider, const std::string&, Gone how) override {
    lines.push_back("gone " + provider + (how == Gone::left ? " left" : " died"));
  }
  void turn_ended() override {}
  std::vector<std::string> lines;
};

class BrokerTest : public testing::Test {
 protected:
  BrokerTest() { broker_.start(); }
  ~BrokerTest() override { broker_.stop(); }

  // Runs on the broker's thread and waits for it.
  void on_broker(std::function<void()> task) {
    std::promise<void> done;
    broker_.post([&] {
      task();
      done.set_value();
    });
    ASSERT_EQ(done.get_future().wait_for(5s), std::future_status::ready);
  }
  std::vector<std::string> told() {
    std::vector<std::string> lines;
    on_broker([&] { lines = std::exchange(told_.lines, {}); });
    return lines;
  }

  // Waits until no worker would take a job of "sms".
  void wait_for_no_worker() {
    int workers = 1;
    for (const auto end = std::chrono::steady_clock::now() + 10s;
         workers > 0 && std::chrono::steady_clock::now() < end; std::this_thread::sleep_for(20ms)) {
      on_broker([&] { workers = broker_.workers("sms"); });
    }
    ASSERT_EQ(workers, 0);
  }

  const std::string endpoint_ = "ipc://" + (std::filesystem::path(testing::TempDir()) /
                                            ("otpgw-broker-" + std::to_string(::getpid()) + ".sock"))
                                               .string();
  Told told_;
  std::vector<std::string> ready_;  // instances; the broker's thread
  Broker broker_{endpoint_,
                 told_,
                 {.ready = [this](const std::string& instance) { ready_.push_back(instance); },
                  .hangs = [](const std::string&) {}}};
  zmq::context_t context_;
};

TEST_F(BrokerTest, CarriesAllThatAWorkerSaysOfAnAddress) {
  FakeWorker worker(context_, endpoint_, "one", "1");
  worker.say_ready(2);
  std::promise<otp::AddressCheck> checked;
  broker_.post([&] {
    broker_.validate("sms", "0151 12345678",
                     [&](otp::AddressCheck check) { checked.set_value(std::move(check)); });
  });
  const auto asked = std::get<wire::Validate>(worker.receive());
  EXPECT_EQ(asked.address, "0151 12345678");
  worker.send(wire::Address{asked.request, wire::AddressVerdict::valid, "", "+4915112345678", "DE"});
  auto check = checked.get_future();
  ASSERT_EQ(check.wait_for(5s), std::future_status::ready);
  const auto got = check.get();
  EXPECT_EQ(got.verdict, otp::AddressCheck::Verdict::valid);
  EXPECT_EQ(got.normalised, "+4915112345678");
  EXPECT_EQ(got.country, "DE");
}

// It could have the code sent to an address of its own.
TEST_F(BrokerTest, LeavesAnAnswerOfAWorkerThatWasNotAsked) {
  FakeWorker asked(context_, endpoint_, "asked", "1"), other(context_, endpoint_, "other", "1");
  asked.say_ready(2);
  other.say_ready(1);
  std::promise<otp::AddressCheck> checked;
  broker_.post([&] {
    broker_.validate("sms", "someone", [&](otp::AddressCheck check) { checked.set_value(std::move(check)); });
  });
  const auto request = std::get<wire::Validate>(asked.receive()).request;
  other.send(wire::Address{request, wire::AddressVerdict::valid, "", "somebody else", ""});
  other.say_ready(1);  // the broker has read it
  asked.send(wire::Address{request, wire::AddressVerdict::valid, "", "someone", ""});
  auto check = checked.get_future();
  ASSERT_EQ(check.wait_for(5s), std::future_status::ready);
  EXPECT_EQ(check.get().normalised, "someone");
}

TEST_F(BrokerTest, AsksAnotherWorkerWhenTheOneAskedLeaves) {
  FakeWorker former(context_, endpoint_, "former", "1"), next(context_, endpoint_, "next", "2");
  former.say_ready(4);
  next.say_ready(2);
  std::promise<otp::AddressCheck> checked;
  broker_.post([&] {
    broker_.validate("sms", "someone", [&](otp::AddressCheck check) { checked.set_value(std::move(check)); });
  });
  ASSERT_TRUE(std::holds_alternative<wire::Validate>(former.receive()));
  former.send(wire::Bye{});
  const auto asked = std::get<wire::Validate>(next.receive());
  EXPECT_EQ(asked.address, "someone");
  next.send(wire::Address{asked.request, wire::AddressVerdict::invalid, "No.", "", ""});
  auto check = checked.get_future();
  ASSERT_EQ(check.wait_for(5s), std::future_status::ready);
  EXPECT_EQ(check.get().verdict, otp::AddressCheck::Verdict::invalid);
}

TEST_F(BrokerTest, TellsWorkersOfOneProviderApart) {
  FakeWorker former(context_, endpoint_, "former", "1"), next(context_, endpoint_, "next", "2");
  former.say_ready(2);
  next.say_ready(4);
  EXPECT_THAT(told(), ElementsAre("ready sms 1", "ready sms 2"));
  on_broker([&] {
    EXPECT_THAT(ready_, ElementsAre("former", "next"));
    broker_.worker_died("former");
    EXPECT_EQ(broker_.credit("sms"), 4);
    broker_.worker_died("former");  // gone already
    broker_.worker_died("nobody");
  });
  EXPECT_THAT(told(), ElementsAre("gone sms died"));
}

TEST_F(BrokerTest, AWorkerThatDrainsIsReadyNoMore) {
  FakeWorker former(context_, endpoint_, "former", "1"), next(context_, endpoint_, "next", "2");
  former.say_ready(2);
  next.say_ready(4);
  static_cast<void>(told());
  former.say_ready(0);  // else its descriptor would replace its successor's
  EXPECT_THAT(told(), IsEmpty());
  on_broker([&] {
    EXPECT_EQ(broker_.credit("sms"), 4);
    broker_.tell_ready_workers("sms");
    broker_.tell_ready_workers("mail");
  });
  EXPECT_THAT(told(), ElementsAre("ready sms 2"));
}

TEST_F(BrokerTest, AWorkerThatConnectsAgainHasNotDied) {
  {
    FakeWorker before(context_, endpoint_, "one", "1");
    before.say_ready(2);
  }
  wait_for_no_worker();  // the end of its connection has been noticed
  FakeWorker after(context_, endpoint_, "one", "1");
  after.say_ready(2);
  EXPECT_THAT(told(), ElementsAre("ready sms 1", "gone sms left", "ready sms 1"));
}

TEST_F(BrokerTest, AWorkerThatDoesNotConnectAgainHasDied) {
  {
    FakeWorker worker(context_, endpoint_, "one", "1");
    worker.say_ready(2);
  }
  wait_for_no_worker();
  std::vector<std::string> lines = told();
  EXPECT_THAT(lines, ElementsAre("ready sms 1"));
  for (const auto end = std::chrono::steady_clock::now() + 10s;
       lines.back() != "gone sms died" && std::chrono::steady_clock::now() < end;
       std::this_thread::sleep_for(20ms)) {
    if (auto more = told(); !more.empty()) lines = std::move(more);
  }
  EXPECT_THAT(lines, ElementsAre("gone sms died"));
}

}  // namespace
}  // namespace otpgw::broker
