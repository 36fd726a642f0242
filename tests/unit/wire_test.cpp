// Goal: every message survives encoding and decoding unchanged, and no bytes whatever crash the decoder.
// Method: round trips, truncation at each byte, later fields appended, random and mutated bytes with a fixed
// seed.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "core/wire/messages.h"

namespace otpgw::wire {
namespace {

Descriptor descriptor() {
  return {.id = "smtp",
          .name = "SMTP e-mail",
          .version = "1.2",
          .vendor = "somebody",
          .channel_kind = ChannelKind::email,
          .channel_name = "E-mail",
          .address_name = "E-mail ID",
          .channel_description = "sent by mail",
          .address_description = "your address",
          .config_schema = "{}",
          .address_bytes_max = 100,
          .otp_length_max = 8,
          .body_bytes_max = 4096,
          .flags = 3};
}

std::vector<Message> all_messages() {
  return {Ready{.provider = "mail", .descriptor = descriptor(), .capacity = 20, .instance = "abc"},
          Ping{},
          Validate{.request = 77, .address = "john@doe.example"},
          Address{.request = 77,
                  .verdict = AddressVerdict::too_long,
                  .sentence = "too long",
                  .normalised = "n",
                  .country = "NL"},
          Job{.id = "job",
              .attempt = 2,
              .name_space = "ns",
              .otp_id = "otp",
              .address = "to",
              .code = "123456",
              .subject = "subject",
              .body = std::string(100, 'b'),
              .text_body = "text",
              .locale = "nl",
              .extra = "{}",
              .otp_json = "{\"a\":1}",
              .expiry_unix_ms = 1'700'000'000'000,
              .timeout_ms = 5000,
              .boot_id = "boot",
              .expiry_boot_ms = 300'000},
          Result{.job_id = "job",
                 .attempt = 2,
                 .code = ResultCode::rejected,
                 .retry_after_ms = 9,
                 .upstream_status = 550,
                 .upstream_id = "up",
                 .detail = "why",
                 .begun = false},
          Drain{},
          Bye{}};
}

// Equal when they encode alike: the messages have no operator== of their own.
void expect_same(const Message& a, const Message& b) {
  EXPECT_EQ(a.index(), b.index());
  EXPECT_EQ(encode(a).command, encode(b).command);
  EXPECT_EQ(encode(a).body, encode(b).body);
}

TEST(Wire, EveryMessageSurvivesTheRoundTrip) {
  for (const auto& message : all_messages()) {
    const auto frames = encode(message);
    const auto back = decode(frames.command, frames.body);
    ASSERT_TRUE(back) << frames.command;
    expect_same(message, *back);
  }
  const auto frames = encode(all_messages()[4]);
  const auto job = std::get<Job>(*decode(frames.command, frames.body));
  EXPECT_EQ(job.code, "123456");
  EXPECT_EQ(job.otp_json, "{\"a\":1}");
  EXPECT_EQ(job.timeout_ms, 5000u);
}

TEST(Wire, ADescriptorSurvivesTheRoundTrip) {
  EXPECT_EQ(decode_descriptor(encode_descriptor(descriptor())), descriptor());
  EXPECT_FALSE(decode_descriptor(""));
}

TEST(Wire, TextMayHoldAnyBytes) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  const auto frames = encode(Validate{.request = 1, .address = all});
  EXPECT_EQ(std::get<Validate>(*decode(frames.command, frames.body)).address, all);
}

TEST(Wire, LaterFieldsAtTheEndArePassedOver) {
  for (const auto& message : all_messages()) {
    const auto frames = encode(message);
    const auto back = decode(frames.command, frames.body + "a field of a later version");
    ASSERT_TRUE(back) << frames.command;
    expect_same(message, *back);
  }
}

TEST(Wire, ATruncatedBodyGivesDefaultsOrNothing) {
  for (const auto& message : all_messages()) {
    const auto frames = encode(message);
    for (std::size_t size = 0; size < frames.body.size(); ++size) {
      const auto back = decode(frames.command, std::string_view(frames.body).substr(0, size));
      if (back) {
        EXPECT_EQ(back->index(), message.index());
      }
    }
  }
  const auto whole = encode_descriptor(descriptor());
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(decode_descriptor(std::string_view(whole).substr(0, size))) << "it is nested as one string";
}

TEST(Wire, MessagesWithoutTheirNameAreRefused) {
  for (const auto* command : {"READY", "JOB", "RESULT"}) EXPECT_FALSE(decode(command, ""));
  for (const auto* command : {"", "job", "JOBS", "NOPE"}) EXPECT_FALSE(decode(command, "x"));
}

TEST(Wire, NumbersOutsideAnEnumDoNotGetIn) {
  auto frames = encode(Result{
      .job_id = "j", .attempt = 1, .code = static_cast<ResultCode>(99), .upstream_id = {}, .detail = {}});
  EXPECT_EQ(std::get<Result>(*decode(frames.command, frames.body)).code, ResultCode::unknown);
  frames = encode(Address{.request = 1,
                          .verdict = static_cast<AddressVerdict>(9),
                          .sentence = {},
                          .normalised = {},
                          .country = {}});
  EXPECT_FALSE(decode(frames.command, frames.body));
  auto odd = descriptor();
  odd.channel_kind = static_cast<ChannelKind>(200);
  EXPECT_EQ(decode_descriptor(encode_descriptor(odd))->channel_kind, ChannelKind::other);
}

TEST(Wire, NoBytesCrashTheDecoder) {
  std::mt19937 random(4711);
  const std::vector<std::string> commands{"READY",  "PING",  "VALIDATE", "ADDRESS", "JOB",
                                          "RESULT", "DRAIN", "BYE",      "?"};
  for (int i = 0; i < 20'000; ++i) {
    std::string body(random() % 200, '\0');
    for (char& c : body) c = static_cast<char>(random() % 4 == 0 ? random() : random() % 6);
    const auto& command = commands[random() % commands.size()];
    if (const auto message = decode(command, body)) {
      EXPECT_EQ(encode(*message).command, command);
    }
    static_cast<void>(decode_descriptor(body));
  }
  for (const auto& message : all_messages()) {
    const auto frames = encode(message);
    for (int i = 0; i < 2'000 && !frames.body.empty(); ++i) {
      auto body = frames.body;
      for (auto changes = 1 + random() % 4; changes > 0; --changes)
        body[random() % body.size()] = static_cast<char>(random());
      static_cast<void>(decode(frames.command, body));
    }
  }
}

}  // namespace
}  // namespace otpgw::wire
