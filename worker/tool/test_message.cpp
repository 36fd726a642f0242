#include "worker/tool/test_message.h"

#include <array>
#include <random>

namespace otpgw::tool {
namespace {

constexpr std::chrono::minutes kCodeLives{5};

std::string random_id() {
  std::random_device random;
  std::string id = "test-";
  while (id.size() < 32) id += "0123456789abcdef"[random() % 16];
  return id;
}

}  // namespace

int64_t unix_ms_after(std::chrono::milliseconds time) {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch() + time).count();
}

wire::Job test_message(const wire::Descriptor& descriptor, const std::string& address) {
  const std::string text =
      std::string("This is a test of ") + descriptor.name + ". The code is " + kTestCode + ".";
  const bool html = descriptor.channel_kind == wire::ChannelKind::email;
  return {.id = random_id(),
          .attempt = 1,
          .name_space = "test",
          .otp_id = "otpgateway-provider",
          .address = address,
          .code = kTestCode,
          .subject = "Test",
          .body = html ? "<p>" + text + "</p>" : text,
          .text_body = html ? text : "",
          .locale = "en",
          .extra = "{}",
          .otp_json =
              std::string(R"({"namespace":"test","id":"otpgateway-provider","otp":")") + kTestCode + "\"}",
          .expiry_unix_ms = unix_ms_after(kCodeLives)};
}

std::string words(const wire::Result& result) {
  constexpr std::array kNames{"SENT", "RETRY", "REJECTED", "UNKNOWN", "BROKEN"};
  const std::string name = kNames[static_cast<std::size_t>(result.code)];
  return result.detail.empty() ? name : name + " (" + result.detail + ")";
}

}  // namespace otpgw::tool
