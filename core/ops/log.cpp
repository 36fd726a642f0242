#include "core/ops/log.h"

#include <Poco/AutoPtr.h>
#include <Poco/ConsoleChannel.h>
#include <Poco/FormattingChannel.h>
#include <Poco/Logger.h>
#include <Poco/PatternFormatter.h>
#include <syslog.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <memory>
#include <mutex>

namespace otpgw::ops {
namespace {

std::atomic<bool> debugging = false;  // Poco's own level may not change under the threads that log

using Filter = std::function<std::string(std::string)>;
std::mutex filter_mutex;
std::shared_ptr<const Filter> line_filter;  // filter_mutex; null: lines stay as they are

std::string filtered(const std::string& line) {
  std::shared_ptr<const Filter> filter;
  {
    const std::lock_guard lock(filter_mutex);
    filter = line_filter;
  }
  auto clean = filter ? (*filter)(line) : line;
  std::ranges::replace_if(
      clean, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
  return clean;
}

Poco::Logger& logger() { return Poco::Logger::get("otpgateway"); }

}  // namespace

void start_log(bool debug, bool to_journal) {
  // The journal has time and level of its own; Poco's priorities are syslog's, one by one.
  static_assert(Poco::Message::PRIO_ERROR == LOG_ERR && Poco::Message::PRIO_DEBUG == LOG_DEBUG);
  const Poco::AutoPtr<Poco::PatternFormatter> formatter(
      new Poco::PatternFormatter(to_journal ? "<%l>%t" : "%Y-%m-%dT%H:%M:%S.%iZ %q %t"));
  const Poco::AutoPtr<Poco::Channel> console(new Poco::ConsoleChannel(std::cerr));
  const Poco::AutoPtr<Poco::Channel> channel(new Poco::FormattingChannel(formatter, console));
  logger().setChannel(channel);
  logger().setLevel(Poco::Message::PRIO_DEBUG);
  set_debug(debug);
}

void set_debug(bool debug) { debugging = debug; }

void filter_lines(std::function<std::string(std::string)> filter) {
  const std::lock_guard lock(filter_mutex);
  line_filter = std::make_shared<const Filter>(std::move(filter));
}

void log_debug(const std::string& line) {
  if (debugging) logger().debug(filtered(line));
}
void log_info(const std::string& line) { logger().information(filtered(line)); }
void log_warning(const std::string& line) { logger().warning(filtered(line)); }
void log_error(const std::string& line) { logger().error(filtered(line)); }

}  // namespace otpgw::ops
