// Goal: whatever a plug-in writes into its results and descriptors, what the worker makes of it is sound: no
// read beyond a buffer, clean UTF-8 of one line, numbers in their ranges, no code or address, and frames that
// the core can read.
// Method: a plug-in whose validate and send copy the input over the whole result.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "core/wire/messages.h"
#include "tests/fuzz/demand.h"
#include "worker/descriptor_check.h"
#include "worker/plugin_instance.h"

namespace {

using namespace otpgw;

std::string_view input;

void overwrite(void* result, std::size_t bytes) {
  input.substr(0, bytes).copy(static_cast<char*>(result), bytes);
}

const otpgw_entry kEntry{
    .abi_major = OTPGW_ABI_MAJOR,
    .abi_minor = OTPGW_ABI_MINOR,
    .struct_size = sizeof(otpgw_entry),
    .descriptor_count = 0,
    .descriptors = nullptr,
    .init = nullptr,
    .deinit = nullptr,
    .create = nullptr,
    .validate = [](void*, otpgw_string, otpgw_address_result* result) { overwrite(result, sizeof *result); },
    .send = [](void*, const otpgw_job*, otpgw_result* result) { overwrite(result, sizeof *result); },
    .destroy = [](void*) {},
    .get_extension = nullptr};

bool is_one_line(const std::string& text) {
  return std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

void check_frames(const wire::Message& message) {
  const auto frames = wire::encode(message);
  demand(frames.body.size() <= wire::kFrameBytesMax);
  demand(wire::decode(frames.command, frames.body).has_value());
}

void check_results() {
  int instance = 0;
  worker::PluginInstance plugin(&kEntry, &instance);
  plugin.report_faults_to([](const std::string&) {});

  const auto address = plugin.validate({.request = 7, .address = "jane@example.com"});
  demand(address.request == 7 && address.normalised.size() <= 254);
  demand(is_one_line(address.sentence) && is_one_line(address.normalised));
  demand(address.country.empty() || address.country.size() == 2);
  check_frames(address);

  wire::Job job;
  job.id = "job";
  job.attempt = 3;
  job.code = "135790";
  job.address = "jane@example.com";
  const auto result = plugin.send(job, 0);
  demand(result.job_id == "job" && result.attempt == 3 && result.retry_after_ms >= 0);
  for (const auto* text : {&result.detail, &result.upstream_id}) {
    demand(is_one_line(*text) && text->find(job.code) == std::string::npos &&
           text->find(job.address) == std::string::npos);
  }
  check_frames(result);
}

// Numbers and texts of the descriptor from the input; no pointer of it is wild, which no check could find.
void check_descriptor() {
  otpgw_descriptor descriptor{};
  descriptor.struct_size = sizeof descriptor;
  std::string texts[8];
  auto rest = input;
  const auto take = [&rest](auto& number) {
    rest.substr(0, sizeof number).copy(reinterpret_cast<char*>(&number), sizeof number);
    rest.remove_prefix(std::min(rest.size(), sizeof number));
  };
  take(descriptor.channel_kind);
  take(descriptor.address_bytes_max);
  take(descriptor.otp_length_max);
  take(descriptor.body_bytes_max);
  take(descriptor.flags);
  for (auto& text : texts) {
    text = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(rest.size(), text.size() + 1));
  }
  descriptor.id = texts[0].c_str();
  descriptor.name = texts[1].c_str();
  descriptor.version = texts[2].c_str();
  descriptor.vendor = texts[3].c_str();
  descriptor.channel_name = texts[4].c_str();
  descriptor.address_name = texts[5].c_str();
  descriptor.channel_description = texts[6].c_str();
  descriptor.config_schema = texts[7].c_str();
  const auto value = worker::read_descriptor(descriptor, "provider 1");
  if (!value) return;
  demand(value->otp_length_max >= 1 && value->otp_length_max <= 64);
  const auto again = wire::decode_descriptor(wire::encode_descriptor(*value));
  demand(again && *again == *value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  input = {reinterpret_cast<const char*>(data), size};
  check_results();
  check_descriptor();
  return 0;
}
