// A provider to copy. It drops each message as a text file into a folder, the way SMS daemons and mail robots
// take their work: a name nobody has seen before, complete from the moment it appears, and never twice for
// one job.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "otpgw/json_config.hpp"
#include "otpgw/provider.hpp"

namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// False with errno set. The file holds a code: nobody else may read it.
bool write_file(const std::filesystem::path& path, std::string_view text) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) return false;
  bool good = true;
  while (good && !text.empty()) {
    const auto written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    good = written > 0;
    if (good) text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::close(descriptor) == 0 && good;
}

class FileDrop : public otpgw::Provider {
 public:
  static constexpr otpgw_descriptor kDescriptor{
      .struct_size = sizeof(otpgw_descriptor),
      .channel_kind = OTPGW_CHANNEL_OTHER,  // EMAIL, SMS, WHATSAPP and VOICE have texts of their own
      .id = "example",
      .name = "File drop",
      .version = EXAMPLE_VERSION,
      .vendor = "You",
      .channel_name = "Message",
      .address_name = "Recipient",
      .channel_description = "A verification code is sent to you.",
      .address_description = "Who gets the code.",
      .config_schema = R"({"type":"object","required":["directory"],)"
                       R"("properties":{"directory":{"type":"string"}}})",
      .address_bytes_max = 100,
      .otp_length_max = 8,
      .body_bytes_max = 1000,
      // Nothing in an instance changes, so all threads share one; the job's id is the file's name, so a
      // second send of a job changes nothing.
      .flags = OTPGW_FLAG_THREAD_SAFE | OTPGW_FLAG_IDEMPOTENT};

  FileDrop(const otpgw::Host&, std::string_view config_json)
      : directory_(otpgw::JsonConfig(config_json).required_text("directory")) {
    if (!std::filesystem::is_directory(directory_))
      throw std::invalid_argument("directory: " + directory_.string() + " is no directory");
  }

  otpgw::AddressResult validate(std::string_view address) override {
    if (address.size() > kDescriptor.address_bytes_max)
      return otpgw::AddressResult::too_long("The recipient is longer than 100 bytes.");
    // Printable ASCII: a line of text that can break no file format. Real providers know their addresses
    // better.
    if (address.empty() || std::ranges::any_of(address, [](char c) { return c < 0x20 || c > 0x7E; }))
      return otpgw::AddressResult::invalid("The recipient must be one line of plain letters.");
    return otpgw::AddressResult::valid();
  }

  otpgw::Result send(const otpgw::Job& job) override {
    // Checked again: while no worker is there, the gateway takes addresses by their length alone.
    if (validate(job.address).verdict != OTPGW_ADDRESS_VALID)
      return otpgw::Result::rejected("the recipient is not one line of plain letters");
    // Ids come through the network: never let one choose a path.
    if (job.id.empty() || !std::ranges::all_of(job.id, is_name_character))
      return otpgw::Result::rejected("the job's id is no file name");
    const auto unfinished = directory_ / ("." + std::string(job.id));
    const auto finished = directory_ / (std::string(job.id) + ".txt");
    const auto text = "To: " + std::string(job.address) + "\n\n" + std::string(job.body) + "\n";
    // Certainly not sent, so RETRY: a full disk gets empty again.
    if (!write_file(unfinished, text)) return otpgw::Result::retry("the file cannot be written");
    std::error_code error;
    std::filesystem::rename(unfinished, finished, error);
    if (error) return otpgw::Result::retry("the file cannot be renamed");
    return otpgw::Result::sent(std::string(job.id));
  }

 private:
  const std::filesystem::path directory_;
};

}  // namespace

OTPGW_PROVIDER(FileDrop)
