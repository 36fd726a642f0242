#include "worker/descriptor_check.h"

#include <algorithm>
#include <cstring>

#include "worker/plugin_text.h"

namespace otpgw::worker {
namespace {

constexpr uint32_t kDescriptorsMax = 64;
constexpr std::size_t kTextBytesMax = 1024;
constexpr std::size_t kSchemaBytesMax = 64 * 1024;
constexpr uint32_t kAddressBytesMax = 254, kOtpLengthMax = 64, kBodyBytesMax = 1048576;

std::unexpected<std::string> refuse(const std::string& which, const std::string& field,
                                    const std::string& expected) {
  return std::unexpected("the descriptor of " + which + " has an impossible " + field + ": expected " +
                         expected);
}

std::string out_of(uint32_t value, uint32_t max) {
  return "1 to " + std::to_string(max) + ", got " + std::to_string(value);
}

// It names a section of the configuration and stands in URLs and metrics.
bool is_id(const std::string& id) {
  return !id.empty() && id.size() <= 64 && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

}  // namespace

std::expected<wire::Descriptor, std::string> read_descriptor(const otpgw_descriptor& d,
                                                             const std::string& which) {
  if (d.struct_size < sizeof(otpgw_descriptor))
    return refuse(
        which, "struct_size",
        "at least " + std::to_string(sizeof(otpgw_descriptor)) + ", got " + std::to_string(d.struct_size));
  wire::Descriptor value;
  value.id = plugin_text(d.id, kTextBytesMax);
  if (!is_id(value.id)) return refuse(which, "id", "1 to 64 of a-z, 0-9, _ and -");
  if (d.channel_kind > OTPGW_CHANNEL_VOICE)
    return refuse(which, "channel_kind", "0 to 4, got " + std::to_string(d.channel_kind));
  if (d.address_bytes_max == 0 || d.address_bytes_max > kAddressBytesMax)
    return refuse(which, "address_bytes_max", out_of(d.address_bytes_max, kAddressBytesMax));
  if (d.otp_length_max == 0 || d.otp_length_max > kOtpLengthMax)
    return refuse(which, "otp_length_max", out_of(d.otp_length_max, kOtpLengthMax));
  if (d.body_bytes_max == 0 || d.body_bytes_max > kBodyBytesMax)
    return refuse(which, "body_bytes_max", out_of(d.body_bytes_max, kBodyBytesMax));
  value.name = plugin_text(d.name, kTextBytesMax);
  if (value.name.empty()) return refuse(which, "name", "a text");
  value.version = plugin_text(d.version, kTextBytesMax);
  value.vendor = plugin_text(d.vendor, kTextBytesMax);
  value.channel_kind = static_cast<wire::ChannelKind>(d.channel_kind);
  value.channel_name = plugin_text(d.channel_name, kTextBytesMax);
  value.address_name = plugin_text(d.address_name, kTextBytesMax);
  value.channel_description = plugin_text(d.channel_description, kTextBytesMax);
  value.address_description = plugin_text(d.address_description, kTextBytesMax);
  value.config_schema = plugin_text(d.config_schema, kSchemaBytesMax);
  value.address_bytes_max = d.address_bytes_max;
  value.otp_length_max = d.otp_length_max;
  value.body_bytes_max = d.body_bytes_max;
  value.flags = d.flags;
  return value;
}

std::expected<std::vector<wire::Descriptor>, std::string> read_descriptors(const otpgw_entry& entry) {
  if (entry.descriptors == nullptr || entry.descriptor_count == 0)
    return std::unexpected("it offers no provider");
  if (entry.descriptor_count > kDescriptorsMax)
    return std::unexpected("it offers " + std::to_string(entry.descriptor_count) + " providers; at most " +
                           std::to_string(kDescriptorsMax) + " are taken");
  std::vector<wire::Descriptor> values;
  for (uint32_t i = 0; i < entry.descriptor_count; ++i) {
    const auto which = "provider " + std::to_string(i + 1);
    if (entry.descriptors[i] == nullptr) return refuse(which, "address", "one that is not null");
    auto value = read_descriptor(*entry.descriptors[i], which);
    if (!value) return std::unexpected(value.error());
    if (std::ranges::any_of(values, [&](const auto& other) { return other.id == value->id; }))
      return refuse(which, "id", "one that no other provider of the library has");
    values.push_back(std::move(*value));
  }
  return values;
}

}  // namespace otpgw::worker
