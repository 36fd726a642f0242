#include "worker/options.h"

namespace otpgw::worker {

std::expected<Options, std::string> parse_options(std::span<const char* const> arguments) {
  constexpr std::string_view kConfig = "--config=";
  Options options;
  bool spawned = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (argument == "--help" || argument == "--version") {
      options.mode = argument == "--help" ? Options::Mode::help : Options::Mode::version;
      return options;
    }
    if (argument == "--spawned") {
      spawned = true;
    } else if (argument == "--check") {
      options.check = true;
    } else if (argument == "--debug") {
      options.debug = true;
    } else if (argument.starts_with(kConfig)) {
      options.config_files.emplace_back(argument.substr(kConfig.size()));
    } else if (argument == "--config" && i + 1 < arguments.size()) {
      options.config_files.emplace_back(arguments[++i]);
    } else if (argument.starts_with("-")) {
      return std::unexpected("unknown option " + std::string(argument));
    } else if (!options.provider.empty()) {
      return std::unexpected("one worker serves one provider; " + std::string(argument) + " is one too many");
    } else {
      options.provider = argument;
    }
  }
  if (spawned) {
    if (!options.config_files.empty() || !options.provider.empty())
      return std::unexpected("--spawned takes everything from standard input");
    options.mode = Options::Mode::spawned;
    return options;
  }
  if (options.check) return std::unexpected("--check goes with --spawned");
  if (options.provider.empty()) return std::unexpected("the provider's name is missing");
  if (options.config_files.empty()) return std::unexpected("--config=FILE is missing");
  return options;
}

}  // namespace otpgw::worker
