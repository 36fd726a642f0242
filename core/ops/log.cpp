#include "core/ops/log.h"

#include <Poco/AutoPtr.h>
#include <Poco/ConsoleChannel.h>
#include <Poco/FormattingChannel.h>
#include <Poco/Logger.h>
#include <Poco/PatternFormatter.h>

#include <atomic>
#include <iostream>

namespace otpgw::ops {
namespace {

std::atomic<bool> debugging = false;  // Poco's own level may not change under the threads that log

Poco::Logger& logger() { return Poco::Logger::get("otpgateway"); }

}  // namespace

void start_log(bool debug) {
  const Poco::AutoPtr<Poco::PatternFormatter> formatter(
      new Poco::PatternFormatter("%Y-%m-%dT%H:%M:%S.%iZ %q %t"));
  const Poco::AutoPtr<Poco::Channel> console(new Poco::ConsoleChannel(std::cerr));
  const Poco::AutoPtr<Poco::Channel> channel(new Poco::FormattingChannel(formatter, console));
  logger().setChannel(channel);
  logger().setLevel(Poco::Message::PRIO_DEBUG);
  set_debug(debug);
}

void set_debug(bool debug) { debugging = debug; }

void log_debug(const std::string& line) {
  if (debugging) logger().debug(line);
}
void log_info(const std::string& line) { logger().information(line); }
void log_warning(const std::string& line) { logger().warning(line); }
void log_error(const std::string& line) { logger().error(line); }

}  // namespace otpgw::ops
