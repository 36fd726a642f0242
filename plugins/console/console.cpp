// The console provider: prints who gets which code to the worker's stderr, for trying out. It can also append
// each message to a file, one JSON object a line, which tests and scripts read.
#include <Poco/JSON/Object.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <sstream>
#include <string>
#include <system_error>

#include "otpgw/json_config.hpp"
#include "otpgw/provider.hpp"

namespace {

constexpr uint32_t kAddressBytesMax = 254;

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

// Ids come from applications: nothing in them may steer a terminal.
std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (is_control(c)) c = '?';
  return out;
}

// An append-only file of lines. Any thread.
class LineFile {
 public:
  explicit LineFile(const std::string& path)
      : descriptor_(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)) {
    if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "file: cannot open " + path);
    if (::fchmod(descriptor_, 0600) != 0) {  // it may be older and readable by all: it holds codes
      const int error = errno;
      ::close(descriptor_);
      throw std::system_error(error, std::generic_category(), "file: cannot restrict " + path);
    }
  }
  ~LineFile() { ::close(descriptor_); }
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  // False when the disk takes no more.
  bool append(std::string_view line) {
    const std::lock_guard lock(mutex_);
    while (!line.empty()) {
      const auto written = ::write(descriptor_, line.data(), line.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      line.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }

 private:
  std::mutex mutex_;  // keeps a line that takes two writes in one piece
  const int descriptor_;
};

class Console : public otpgw::Provider {
 public:
  static constexpr otpgw_descriptor kDescriptor{
      .struct_size = sizeof(otpgw_descriptor),
      .channel_kind = OTPGW_CHANNEL_EMAIL,  // its address page is the one that most people try first
      .id = "console",
      .name = "Console",
      .version = OTPGW_VERSION,
      .vendor = "OTP Gateway",
      .channel_name = "E-mail",
      .address_name = "E-mail ID",
      .channel_description = "Codes are shown on the gateway's console.",
      .address_description = "Any address will do.",
      .config_schema = R"({"type":"object","properties":{"file":{"type":"string",)"
                       R"("description":"append each message to this file as a line of JSON"}}})",
      .address_bytes_max = kAddressBytesMax,
      .otp_length_max = 6,
      .body_bytes_max = 1 << 20,
      .flags = OTPGW_FLAG_THREAD_SAFE | OTPGW_FLAG_IDEMPOTENT};

  Console(const otpgw::Host&, std::string_view config_json) {
    const auto path = otpgw::JsonConfig(config_json).text("file");
    if (!path.empty()) file_ = std::make_unique<LineFile>(path);
  }

  otpgw::AddressResult validate(std::string_view address) override {
    if (address.size() > kAddressBytesMax)
      return otpgw::AddressResult::too_long("The address is longer than 254 bytes.");
    if (address.empty()) return otpgw::AddressResult::invalid("The address is empty.");
    for (const char c : address)
      if (is_control(c)) return otpgw::AddressResult::invalid("The address holds a control character.");
    return otpgw::AddressResult::valid();
  }

  otpgw::Result send(const otpgw::Job& job) override {
    // Checked again: while no worker is there, the gateway takes addresses by their length alone.
    if (validate(job.address).verdict != OTPGW_ADDRESS_VALID)
      return otpgw::Result::rejected("the address cannot be shown");
    if (file_ && !file_->append(line_of(job))) return otpgw::Result::retry("the file cannot be written");
    std::ostringstream line;
    line << "console: " << printable(job.code) << " is the code for " << printable(job.address) << " ("
         << printable(job.name_space) << "/" << printable(job.otp_id) << ")\n";
    // One write, so that lines of several threads do not mix. A closed terminal is no failure to deliver.
    const auto text = line.str();
    [[maybe_unused]] const auto ignored = ::write(STDERR_FILENO, text.data(), text.size());
    return otpgw::Result::sent();
  }

 private:
  static std::string line_of(const otpgw::Job& job) {
    Poco::JSON::Object object(Poco::JSON_PRESERVE_KEY_ORDER);
    object.set("to", std::string(job.address));
    object.set("namespace", std::string(job.name_space));
    object.set("otp_id", std::string(job.otp_id));
    object.set("code", std::string(job.code));
    object.set("subject", std::string(job.subject));
    object.set("body", std::string(job.body));
    object.set("id", std::string(job.id));
    std::ostringstream out;
    object.stringify(out);
    out << '\n';
    return out.str();
  }

  std::unique_ptr<LineFile> file_;
};

}  // namespace

OTPGW_PROVIDER(Console)
