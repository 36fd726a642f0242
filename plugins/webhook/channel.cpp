#include "channel.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>

namespace otpgw::webhook {
namespace {

struct Kind {
  std::string_view name;
  uint32_t value;
  std::string_view channel_name, address_name;
};
constexpr std::array<Kind, 5> kKinds = {{{"other", OTPGW_CHANNEL_OTHER, "Message", "Address"},
                                         {"email", OTPGW_CHANNEL_EMAIL, "E-mail", "E-mail address"},
                                         {"sms", OTPGW_CHANNEL_SMS, "SMS", "Phone number"},
                                         {"whatsapp", OTPGW_CHANNEL_WHATSAPP, "WhatsApp", "Phone number"},
                                         {"voice", OTPGW_CHANNEL_VOICE, "Phone call", "Phone number"}}};

const Kind& read_kind(const JsonConfig& config) {
  const auto name = config.choice("channel_kind", {"email", "sms", "whatsapp", "voice", "other"}, "other");
  return *std::ranges::find(kKinds, name, &Kind::name);
}

std::string read_name(const JsonConfig& config, const std::string& key, std::string_view otherwise) {
  constexpr std::size_t kNameBytesMax = 100;
  auto name = config.text(key);
  if (name.empty()) return std::string(otherwise);
  const bool control = std::ranges::any_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
  if (control || name.size() > kNameBytesMax)
    throw std::invalid_argument(key + ": expected a name of at most " + std::to_string(kNameBytesMax) +
                                " bytes, on one line");
  return name;
}

}  // namespace

Channel::Channel(const JsonConfig& config) {
  const auto& kind = read_kind(config);
  kind_ = kind.value;
  channel_name_ = read_name(config, "channel_name", kind.channel_name);
  address_name_ = read_name(config, "address_name", kind.address_name);
  address_bytes_max_ = static_cast<uint32_t>(config.integer("max_address_len", 1, 254, 254));
  otp_length_max_ = static_cast<uint32_t>(config.integer("max_otp_len", 1, 64, 6));
  channel_description_ = "Your code comes by: " + channel_name_ + ".";
  address_description_ = "Enter your " + address_name_ + ". A code will come by: " + channel_name_ + ".";
}

void Channel::describe(otpgw_descriptor& descriptor) const {
  descriptor.channel_kind = kind_;
  descriptor.channel_name = channel_name_.c_str();
  descriptor.address_name = address_name_.c_str();
  descriptor.channel_description = channel_description_.c_str();
  descriptor.address_description = address_description_.c_str();
  descriptor.address_bytes_max = address_bytes_max_;
  descriptor.otp_length_max = otp_length_max_;
}

bool Channel::reaches_phones() const {
  return kind_ == OTPGW_CHANNEL_SMS || kind_ == OTPGW_CHANNEL_WHATSAPP || kind_ == OTPGW_CHANNEL_VOICE;
}

}  // namespace otpgw::webhook
