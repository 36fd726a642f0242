// Goal: the breaker opens for a provider that can't work, lets it be tried more and more seldom, and closes
// at its first success. Method: the state machine with a clock in hand.

#include "core/delivery/breaker.h"

#include <gtest/gtest.h>

namespace otpgw::delivery {
namespace {

using namespace std::chrono_literals;
using enum Breaker::Sign;
using State = Breaker::State;
using Change = Breaker::Change;

class BreakerTest : public testing::Test {
 protected:
  Change note(Breaker::Sign sign) { return breaker_.note(sign, now_, now_); }
  [[nodiscard]] State state() const { return breaker_.state(now_); }
  void fail_until_open() {
    for (int i = 1; i < Breaker::kFailuresMax; ++i) {
      EXPECT_EQ(note(failure), Change::none);
      EXPECT_EQ(state(), State::closed);
    }
    EXPECT_EQ(note(failure), Change::opened);
  }

  Breaker breaker_;
  Breaker::Clock::time_point now_ = Breaker::Clock::time_point{} + 1h;
};

TEST_F(BreakerTest, OpensAfterFailuresInARow) {
  fail_until_open();
  EXPECT_EQ(state(), State::open);
}

TEST_F(BreakerTest, ASuccessInBetweenStartsTheCountAgain) {
  for (int i = 1; i < Breaker::kFailuresMax; ++i) note(failure);
  EXPECT_EQ(note(success), Change::none);
  fail_until_open();
}

TEST_F(BreakerTest, OpensAtOnceWhenBroken) {
  EXPECT_EQ(note(broken), Change::opened);
  EXPECT_EQ(state(), State::open);
}

TEST_F(BreakerTest, IsHalfOpenAfterThePauseAndClosesAtASuccess) {
  note(broken);
  now_ += Breaker::kPauseMin - 1ms;
  EXPECT_EQ(state(), State::open);
  now_ += 1ms;
  EXPECT_EQ(state(), State::half_open);
  EXPECT_EQ(note(success), Change::closed);
  EXPECT_EQ(state(), State::closed);
  fail_until_open();  // from the beginning
}

TEST_F(BreakerTest, PausesGrowToTheirMaximumAndStartAnewAfterASuccess) {
  note(broken);
  for (const auto pause : {5s, 10s, 20s, 40s, 60s, 60s}) {
    EXPECT_EQ(breaker_.pause(), pause);
    now_ += pause - 1ms;
    EXPECT_EQ(state(), State::open);
    now_ += 1ms;
    EXPECT_EQ(state(), State::half_open);
    EXPECT_EQ(note(failure), Change::reopened);  // a single one
  }
  now_ += Breaker::kPauseMax;
  EXPECT_EQ(note(success), Change::closed);
  note(broken);
  EXPECT_EQ(breaker_.pause(), Breaker::kPauseMin);
}

TEST_F(BreakerTest, WhileOpenNothingCounts) {
  note(broken);
  now_ += 1s;
  EXPECT_EQ(note(success), Change::none);
  EXPECT_EQ(note(failure), Change::none);
  EXPECT_EQ(note(broken), Change::none);
  EXPECT_EQ(breaker_.pause(), Breaker::kPauseMin);
  now_ += Breaker::kPauseMin - 1s;
  EXPECT_EQ(state(), State::half_open);
}

// A call that was under way when the breaker opened, and came back after the pause.
TEST_F(BreakerTest, ACallFromBeforeCanCloseButNotReopen) {
  const auto begun = now_;
  now_ += 1s;
  note(broken);
  now_ += Breaker::kPauseMin;
  EXPECT_EQ(breaker_.note(failure, begun, now_), Change::none);
  EXPECT_EQ(state(), State::half_open);
  EXPECT_EQ(breaker_.note(success, begun, now_), Change::closed);
}

}  // namespace
}  // namespace otpgw::delivery
