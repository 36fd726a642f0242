// Goal: every rule of an OTP's life, as API.md words it, with the clock in hand.
// Method: the pure decisions on hand-made records; each test names the rule.

#include "core/otp/rules.h"

#include <gtest/gtest.h>

namespace otpgw::otp {
namespace {

constexpr UnixMs kNow = 1'000'000'000'000;

Otp open_otp() {
  Otp otp;
  otp.name_space = "app";
  otp.id = "user-1";
  otp.to = otp.to_normalised = "john@doe.example";
  otp.provider = "smtp";
  otp.max_attempts = 5;
  otp.max_generate = 3;
  otp.code_hash = "right";
  otp.code_sealed = "sealed";
  otp.code_length = 6;
  otp.expires_at = otp.keep_until = kNow + 300'000;
  otp.delivery.state = DeliveryState::sent;
  return otp;
}

Guess guess(const std::string& hash) {
  return {.hashes = {hash}, .digits_hashes = {hash}, .skip_delete = {}};
}

TEST(Put, StartsAtTheFirstAttemptAndGeneration) {
  const auto decision = decide_put(nullptr, open_otp(), kNow);
  EXPECT_EQ(decision.verdict, Verdict::done);
  EXPECT_TRUE(decision.write && decision.new_job);
  EXPECT_EQ(decision.otp.attempts, 1);
  EXPECT_EQ(decision.otp.generate, 1);
}

TEST(Put, WithoutAnAddressQueuesNothing) {
  auto wanted = open_otp();
  wanted.to.clear();
  EXPECT_FALSE(decide_put(nullptr, wanted, kNow).new_job);
}

TEST(Put, OnALiveIdKeepsAttemptsAndCountsTheGeneration) {
  auto current = open_otp();
  current.attempts = 3;
  auto wanted = open_otp();
  wanted.code_hash = "new";
  wanted.max_attempts = 9;
  const auto decision = decide_put(&current, wanted, kNow);
  EXPECT_EQ(decision.verdict, Verdict::done);
  EXPECT_EQ(decision.otp.attempts, 3);
  EXPECT_EQ(decision.otp.generate, 2);
  EXPECT_EQ(decision.otp.max_attempts, 9);
  EXPECT_EQ(decision.otp.code_hash, "new");
}

TEST(Put, RefusesWhenLockedAndChangesNothing) {
  auto current = open_otp();
  current.attempts = 6;
  const auto decision = decide_put(&current, open_otp(), kNow);
  EXPECT_EQ(decision.verdict, Verdict::locked);
  EXPECT_FALSE(decision.write || decision.remove || decision.new_job);
}

TEST(Put, CountsGenerationsAgainstTheStoredMaximum) {
  auto current = open_otp();
  current.generate = 3;
  auto wanted = open_otp();
  wanted.max_generate = 20;  // asking for more does not help
  EXPECT_EQ(decide_put(&current, wanted, kNow).verdict, Verdict::locked);
}

TEST(Put, RefusesAMaximumThatWouldLockTheNewCodeAtOnce) {
  auto current = open_otp();
  current.attempts = 4;
  auto wanted = open_otp();
  wanted.max_attempts = 3;
  EXPECT_EQ(decide_put(&current, wanted, kNow).verdict, Verdict::locked);
}

TEST(Put, OnAClosedOrExpiredIdStartsAfresh) {
  auto closed = open_otp();
  closed.closed = true;
  closed.attempts = 4;
  closed.generate = 3;
  auto expired = open_otp();
  expired.attempts = 9;
  expired.expires_at = kNow;
  for (const auto& current : {closed, expired}) {
    const auto decision = decide_put(&current, open_otp(), kNow);
    EXPECT_EQ(decision.verdict, Verdict::done);
    EXPECT_EQ(decision.otp.attempts, 1);
    EXPECT_EQ(decision.otp.generate, 1);
    EXPECT_FALSE(decision.otp.closed);
  }
}

TEST(Check, EvaluatesExactlyMaxAttemptsGuesses) {
  auto otp = open_otp();
  int evaluated = 0;
  for (int i = 0; i < 20; ++i) {
    const auto decision = decide_check(&otp, guess("wrong"), kNow);
    if (decision.verdict == Verdict::wrong_code) ++evaluated;
    if (decision.write) otp = decision.otp;
  }
  EXPECT_EQ(evaluated, 5);
  EXPECT_EQ(otp.attempts, 6);
  EXPECT_EQ(decide_check(&otp, guess("right"), kNow).verdict, Verdict::locked);
}

TEST(Check, TheLastAttemptMayBeRight) {
  auto otp = open_otp();
  otp.attempts = 5;
  const auto decision = decide_check(&otp, guess("right"), kNow);
  EXPECT_EQ(decision.verdict, Verdict::done);
  EXPECT_EQ(decision.otp.attempts, 5);  // a right guess does not count
  EXPECT_TRUE(decision.otp.closed);
}

TEST(Check, ARightCodeDeletesUnlessToldOtherwise) {
  auto otp = open_otp();
  EXPECT_TRUE(decide_check(&otp, guess("right"), kNow).remove);
  auto keeping = guess("right");
  keeping.skip_delete = true;
  EXPECT_FALSE(decide_check(&otp, keeping, kNow).remove);
  otp.skip_delete = true;
  EXPECT_FALSE(decide_check(&otp, guess("right"), kNow).remove);
  auto deleting = guess("right");
  deleting.skip_delete = false;  // the value given with the check wins
  EXPECT_TRUE(decide_check(&otp, deleting, kNow).remove);
}

TEST(Check, APageClosesAndNeverDeletes) {
  const auto otp = open_otp();
  auto from_page = guess("right");
  from_page.from_page = true;
  from_page.skip_delete = false;
  const auto decision = decide_check(&otp, from_page, kNow);
  EXPECT_TRUE(decision.write);
  EXPECT_FALSE(decision.remove);
  EXPECT_TRUE(decision.otp.closed);
}

TEST(Check, OnAClosedOtpAPageEvaluatesNothingAndTheApiGoesOn) {
  auto otp = open_otp();
  otp.closed = true;
  for (const auto* hash : {"right", "wrong"}) {
    auto from_page = guess(hash);
    from_page.from_page = true;
    const auto decision = decide_check(&otp, from_page, kNow);
    EXPECT_EQ(decision.verdict, Verdict::already_closed);
    EXPECT_FALSE(decision.write);
  }
  EXPECT_EQ(decide_check(&otp, guess("right"), kNow).verdict, Verdict::done);
  EXPECT_EQ(decide_check(&otp, guess("wrong"), kNow).otp.attempts, 2);
}

TEST(Check, ClosingKeepsTheRecordForTheStatusCallOnly) {
  auto otp = open_otp();
  otp.expires_at = otp.keep_until = kNow + 1000;
  otp.skip_delete = true;
  const auto closed = decide_check(&otp, guess("right"), kNow).otp;
  EXPECT_EQ(closed.expires_at, kNow + 1000);
  EXPECT_EQ(closed.keep_until, kNow + kClosedKeptMs);
  EXPECT_EQ(decide_status(&closed, false, kNow + 30'000).verdict, Verdict::done);
  EXPECT_EQ(decide_check(&closed, guess("right"), kNow + 30'000).verdict, Verdict::not_found);
  EXPECT_EQ(decide_status(&closed, false, kNow + kClosedKeptMs).verdict, Verdict::not_found);
}

TEST(Check, NothingLivesAtItsExpiry) {
  auto otp = open_otp();
  EXPECT_EQ(decide_check(&otp, guess("right"), otp.expires_at - 1).verdict, Verdict::done);
  EXPECT_EQ(decide_check(&otp, guess("right"), otp.expires_at).verdict, Verdict::not_found);
  EXPECT_EQ(decide_check(nullptr, guess("right"), kNow).verdict, Verdict::not_found);
}

TEST(Check, DigitsAreReadKindlyOnlyForAnAllDigitCode) {
  auto otp = open_otp();
  const Guess typed{.hashes = {"raw"}, .digits_hashes = {"right"}, .skip_delete = {}};
  EXPECT_EQ(decide_check(&otp, typed, kNow).verdict, Verdict::done);
  otp.code_is_digits = false;
  EXPECT_EQ(decide_check(&otp, typed, kNow).verdict, Verdict::wrong_code);
}

TEST(Resend, SendsTheSameCodeOnceMoreAndCounts) {
  const auto otp = open_otp();
  const auto decision = decide_resend(&otp, kNow);
  EXPECT_TRUE(decision.new_job);
  EXPECT_EQ(decision.otp.generate, 2);
  EXPECT_EQ(decision.otp.code_hash, otp.code_hash);
  EXPECT_EQ(decision.otp.expires_at, otp.expires_at);
}

TEST(Resend, IsQuietWhileASendIsUnderWay) {
  auto otp = open_otp();
  otp.generate = 3;  // even when no generation is left
  for (const auto state : {DeliveryState::queued, DeliveryState::sending}) {
    otp.delivery.state = state;
    const auto decision = decide_resend(&otp, kNow);
    EXPECT_EQ(decision.verdict, Verdict::still_sending);
    EXPECT_FALSE(decision.write || decision.new_job);
  }
}

TEST(Resend, IsRefusedWhereItCanNotHelp) {
  auto closed = open_otp();
  closed.closed = true;
  EXPECT_EQ(decide_resend(&closed, kNow).verdict, Verdict::already_closed);
  auto bare = open_otp();
  bare.to.clear();
  EXPECT_EQ(decide_resend(&bare, kNow).verdict, Verdict::no_address);
  auto spent = open_otp();
  spent.generate = 3;
  EXPECT_EQ(decide_resend(&spent, kNow).verdict, Verdict::locked);
  auto locked = open_otp();
  locked.attempts = 6;
  EXPECT_EQ(decide_resend(&locked, kNow).verdict, Verdict::locked);
  EXPECT_EQ(decide_resend(nullptr, kNow).verdict, Verdict::not_found);
}

TEST(Status, ConsumesOnlyWhatIsVerified) {
  auto otp = open_otp();
  EXPECT_EQ(decide_status(&otp, true, kNow).verdict, Verdict::not_verified);
  EXPECT_FALSE(decide_status(&otp, true, kNow).remove);
  otp.closed = true;
  EXPECT_TRUE(decide_status(&otp, true, kNow).remove);
  EXPECT_FALSE(decide_status(&otp, false, kNow).remove);
}

Otp with_address(const std::string& to) {
  auto wanted = open_otp();
  wanted.to = wanted.to_normalised = to;
  wanted.code_hash = "new";
  wanted.code_sealed = "new sealed";
  return wanted;
}

TEST(SetAddress, TheFirstGetsTheCodeThatPutMade) {
  auto otp = open_otp();
  otp.to.clear();
  const auto decision = decide_set_address(&otp, with_address("a@b.example"), "", kNow);
  EXPECT_TRUE(decision.new_job);
  EXPECT_EQ(decision.otp.to, "a@b.example");
  EXPECT_TRUE(decision.otp.to_from_page);
  EXPECT_EQ(decision.otp.code_hash, "right");
  EXPECT_EQ(decision.otp.generate, 1);
}

TEST(SetAddress, ANewOneGetsANewCodeAndKeepsTheAttempts) {
  auto otp = open_otp();
  otp.to_from_page = true;
  otp.attempts = 3;
  const auto decision = decide_set_address(&otp, with_address("a@b.example"), address_token(otp), kNow);
  EXPECT_EQ(decision.otp.code_hash, "new");
  EXPECT_EQ(decision.otp.generate, 2);
  EXPECT_EQ(decision.otp.attempts, 3);
  EXPECT_EQ(decision.otp.expires_at, otp.expires_at);
}

TEST(SetAddress, TheApplicationsAddressStays) {
  const auto otp = open_otp();
  EXPECT_EQ(decide_set_address(&otp, with_address("a@b.example"), address_token(otp), kNow).verdict,
            Verdict::fixed_address);
}

TEST(SetAddress, IsConditionalOnWhatThePageShowed) {
  auto otp = open_otp();
  otp.to_from_page = true;
  auto older = otp;
  older.to = "older@b.example";
  for (const auto& to : {std::string("a@b.example"), otp.to}) {  // who guesses the address learns nothing
    EXPECT_EQ(decide_set_address(&otp, with_address(to), address_token(older), kNow).verdict,
              Verdict::changed);
  }
}

TEST(SetAddress, ATokenNamesOneAddressOfOneCodeAndDoesNotTellIt) {
  auto otp = open_otp();
  const auto token = address_token(otp);
  EXPECT_EQ(token.size(), 32U);
  EXPECT_EQ(address_token(otp), token);
  auto other = otp;
  other.code_hash = "other";  // which nobody outside knows: who guesses the address can't try it out
  EXPECT_NE(address_token(other), token);
  other = otp;
  other.to += "m";
  EXPECT_NE(address_token(other), token);
  other.to.clear();
  EXPECT_EQ(address_token(other), "");
}

TEST(SetAddress, IsRefusedWhenClosedLockedOrSpent) {
  auto otp = open_otp();
  otp.to_from_page = true;
  auto closed = otp;
  closed.closed = true;
  EXPECT_EQ(decide_set_address(&closed, with_address("a@b.example"), address_token(otp), kNow).verdict,
            Verdict::already_closed);
  auto locked = otp;
  locked.attempts = 6;
  EXPECT_EQ(decide_set_address(&locked, with_address("a@b.example"), address_token(otp), kNow).verdict,
            Verdict::locked);
  auto spent = otp;
  spent.generate = 3;
  EXPECT_EQ(decide_set_address(&spent, with_address("a@b.example"), address_token(otp), kNow).verdict,
            Verdict::locked);
}

// --- several providers

Otp listed_otp() {
  auto otp = open_otp();
  otp.fallback.steps = {{"whatsapp", "+1", 0, {}}, {"sms", "+2", 0, {}}, {"voice", "+3", 0, {}}};
  otp.fallback.timeout_ms = 20'000;
  otp.provider = "whatsapp";
  return otp;
}

// After the first step began.
Otp sending_otp() {
  auto otp = decide_put(nullptr, listed_otp(), kNow).otp;
  otp.delivery = otp.fallback.steps[0].delivery = {DeliveryState::queued, 0, "", ""};
  otp.fallback.steps[0].job = 1;
  return otp;
}

Otp with_state(Otp otp, DeliveryState state) {
  otp.delivery.state = otp.fallback.steps[otp.fallback.current].delivery.state = state;
  return otp;
}

TEST(Fallback, BeginsWithTheFirst) {
  const auto otp = sending_otp();
  EXPECT_EQ(otp.provider, "whatsapp");
  EXPECT_EQ(otp.to_normalised, "+1");
  EXPECT_EQ(otp.fallback.ends_at, kNow + 20'000);
}

TEST(Fallback, WithoutAnAddressNothingBegins) {
  auto wanted = listed_otp();
  wanted.to.clear();
  const auto otp = decide_put(nullptr, wanted, kNow).otp;
  EXPECT_EQ(otp.provider, "whatsapp");
  EXPECT_EQ(otp.fallback.ends_at, 0);
}

TEST(Fallback, GoesOnWhenAStepFailsForGood) {
  for (const auto state : {DeliveryState::failed, DeliveryState::expired}) {
    const auto decision = decide_step(with_state(sending_otp(), state), kNow + 5);
    EXPECT_TRUE(decision.write && decision.new_job && !decision.replaces);
    EXPECT_EQ(decision.otp.provider, "sms");
    EXPECT_EQ(decision.otp.to_normalised, "+2");
    EXPECT_EQ(decision.otp.fallback.ends_at, kNow + 5 + 20'000);
    EXPECT_EQ(decision.otp.generate, 1);  // the same code, of the same PUT
    EXPECT_EQ(decision.otp.expires_at, listed_otp().expires_at);
  }
}

TEST(Fallback, GoesOnWhenAStepHasHadItsTimeWithoutBeingSent) {
  for (const auto state : {DeliveryState::queued, DeliveryState::sending, DeliveryState::unknown}) {
    EXPECT_FALSE(decide_step(with_state(sending_otp(), state), kNow + 19'999).write);
    const auto decision = decide_step(with_state(sending_otp(), state), kNow + 20'000);
    EXPECT_TRUE(decision.write && decision.new_job);
    EXPECT_EQ(decision.otp.provider, "sms");
  }
}

TEST(Fallback, StopsAtWhatWasSent) {
  const auto decision = decide_step(with_state(sending_otp(), DeliveryState::sent), kNow + 20'000);
  EXPECT_TRUE(decision.write);
  EXPECT_FALSE(decision.new_job);
  EXPECT_EQ(decision.otp.provider, "whatsapp");
  EXPECT_TRUE(decision.otp.delivery_ended());
}

TEST(Fallback, StopsWithTheOtp) {
  auto closed = sending_otp(), locked = sending_otp(), over = sending_otp();
  closed.closed = true;
  locked.attempts = 6;
  over.expires_at = kNow + 1;
  for (const auto& otp : {closed, locked, over}) {
    const auto decision = decide_step(with_state(otp, DeliveryState::failed), kNow + 1);
    EXPECT_FALSE(decision.new_job);
    EXPECT_TRUE(decision.otp.delivery_ended());
  }
}

TEST(Fallback, TheLastOnesEndIsTheEnd) {
  auto otp = sending_otp();
  for (const char* next : {"sms", "voice"}) {
    otp = with_state(decide_step(with_state(otp, DeliveryState::failed), kNow).otp, DeliveryState::queued);
    EXPECT_EQ(otp.provider, next);
  }
  EXPECT_EQ(otp.fallback.ends_at, 0);
  EXPECT_FALSE(decide_step(otp, kNow + 200'000).write);
  otp = with_state(otp, DeliveryState::failed);
  EXPECT_FALSE(decide_step(otp, kNow).write);
  EXPECT_TRUE(otp.delivery_ended());
}

TEST(Fallback, HasNoTimeOutThatTheCodeWouldNotOutlive) {
  auto wanted = listed_otp();
  wanted.expires_at = kNow + 20'000;
  const auto otp = decide_put(nullptr, wanted, kNow).otp;
  EXPECT_EQ(otp.fallback.ends_at, 0);
  // There is time for another one all the same when it fails at once.
  EXPECT_TRUE(decide_step(with_state(otp, DeliveryState::failed), kNow + 1).new_job);
}

TEST(Fallback, WhatWasSentAfterAllIsTheDelivery) {
  auto otp = decide_step(with_state(sending_otp(), DeliveryState::sending), kNow + 20'000).otp;
  otp.fallback.steps[0].delivery.state = DeliveryState::sent;
  for (const auto state : {DeliveryState::queued, DeliveryState::failed, DeliveryState::unknown}) {
    const auto decision = decide_step(with_state(otp, state), kNow + 20'001);
    EXPECT_TRUE(decision.write);
    EXPECT_FALSE(decision.new_job);
    EXPECT_EQ(decision.otp.provider, "whatsapp");
    EXPECT_EQ(decision.otp.fallback.ends_at, 0);
  }
  // A call that is running has its say first; no third one is begun.
  const auto running = decide_step(with_state(otp, DeliveryState::sending), kNow + 100'000);
  EXPECT_EQ(running.otp.provider, "sms");
  EXPECT_FALSE(running.new_job);
}

TEST(Fallback, AResendTakesTheNextAndWrapsAround) {
  auto otp = with_state(sending_otp(), DeliveryState::sent);
  otp.max_generate = 9;
  for (const char* next : {"sms", "voice", "whatsapp", "sms"}) {
    EXPECT_EQ(resend_provider(otp), next);
    const auto decision = decide_resend(&otp, kNow);
    EXPECT_TRUE(decision.new_job);
    EXPECT_EQ(decision.otp.provider, next);
    EXPECT_EQ(decision.otp.generate, otp.generate + 1);
    otp = with_state(decision.otp, DeliveryState::sent);
  }
}

TEST(Fallback, AfterAResendOnlyWhatItSendsCounts) {
  auto otp = with_state(sending_otp(), DeliveryState::sent);  // and did not arrive
  otp = with_state(decide_resend(&otp, kNow).otp, DeliveryState::failed);
  EXPECT_EQ(otp.fallback.steps[0].delivery.state, DeliveryState::sent);  // still shown
  const auto decision = decide_step(otp, kNow);
  EXPECT_TRUE(decision.new_job);
  EXPECT_EQ(decision.otp.provider, "voice");
}

TEST(Fallback, AnAddressFromThePageBeginsWithTheFirst) {
  auto otp = listed_otp();
  otp.to.clear();
  otp.to_from_page = true;
  otp.delivery = {};
  auto wanted = otp;
  wanted.to = "1";
  wanted.fallback.steps[0].to_normalised = "+01";
  wanted.fallback.steps[1].to_normalised = "+02";
  const auto decision = decide_set_address(&otp, wanted, "", kNow);
  EXPECT_TRUE(decision.new_job);
  EXPECT_EQ(decision.otp.to_normalised, "+01");
  EXPECT_EQ(decision.otp.fallback.steps[1].to_normalised, "+02");
  EXPECT_EQ(decision.otp.fallback.ends_at, kNow + 20'000);
  // The application has named others meanwhile, which have not seen the address.
  wanted.fallback.steps.pop_back();
  EXPECT_EQ(decide_set_address(&otp, wanted, "", kNow).verdict, Verdict::changed);
}

}  // namespace
}  // namespace otpgw::otp
