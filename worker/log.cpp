#include "worker/log.h"

#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "core/wire/journal.h"

namespace otpgw::worker {
namespace {

constexpr std::size_t kLineBytesMax = 1000;

struct Settings {
  std::string name = "otpgateway-worker";
  bool debug = false;
  wire::Redaction redaction;
} settings;

}  // namespace

void configure_log(std::string name, bool debug, wire::Redaction redaction) {
  settings.name = std::move(name);
  settings.debug = debug;
  settings.redaction = std::move(redaction);
}

void log(LogLevel level, std::string_view message) {
  if (level == LogLevel::debug && !settings.debug) return;
  constexpr std::array<std::string_view, 4> kNames{"debug", "info", "warning", "error"};
  constexpr std::array kPriorities{LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR};
  std::string line = wire::journal_prefix(kPriorities[static_cast<std::size_t>(level)]) + settings.name;
  line.append(" ").append(kNames[static_cast<std::size_t>(level)]).append(": ");
  line.append(settings.redaction.line(std::string(message)));
  if (line.size() > kLineBytesMax) line.resize(kLineBytesMax);
  std::ranges::replace_if(
      line, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
  line += '\n';
  // Nowhere to report a failure of the log itself.
  [[maybe_unused]] const auto ignored = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace otpgw::worker
