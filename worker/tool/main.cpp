// otpgateway-provider: shows, checks and tries a provider's plug-in without a gateway.
#include <csignal>
#include <exception>
#include <iostream>

#include "core/wire/core_files.h"
#include "worker/log.h"
#include "worker/tool/commands.h"
#include "worker/tool/options.h"

int main(int argc, char** argv) {
  using namespace otpgw;
  const auto options = tool::parse_options({argv + 1, static_cast<std::size_t>(argc > 0 ? argc - 1 : 0)});
  if (!options) {
    std::cerr << "otpgateway-provider: " << options.error() << '\n' << tool::kUsage;
    return tool::kExitUsage;
  }
  wire::make_no_core_files();
  worker::configure_log("otpgateway-provider", false);
  std::signal(SIGPIPE, SIG_IGN);  // as in the worker
  try {
    using enum tool::Options::Command;
    switch (options->command) {
      case info:
        return tool::info(*options);
      case check:
        return tool::check(*options);
      case send:
        return tool::send(*options);
      case version:
        std::cout << "otpgateway-provider " OTPGW_VERSION "\n";
        return tool::kExitGood;
      case help:
        std::cout << tool::kUsage;
        return tool::kExitGood;
    }
  } catch (const std::exception& e) {
    std::cerr << "otpgateway-provider: " << e.what() << '\n';
  }
  return tool::kExitWrong;
}
