#include "worker/tool/options.h"

#include <optional>

namespace otpgw::tool {
namespace {

using Error = std::unexpected<std::string>;

std::optional<Options::Command> command_of(std::string_view word) {
  if (word == "info") return Options::Command::info;
  if (word == "check") return Options::Command::check;
  if (word == "send") return Options::Command::send;
  return {};
}

std::expected<Options, std::string> checked(Options options) {
  using enum Options::Command;
  if (options.plugin.empty()) return Error("the plug-in's FILE.so is missing");
  const bool takes_options = options.command != info;
  if (!takes_options &&
      (!options.config_files.empty() || !options.provider.empty() || !options.address.empty()))
    return Error("info takes nothing but the plug-in's FILE.so");
  if (options.send && options.command != check) return Error("--send belongs to check");
  if (options.command == send || options.send) {
    if (options.config_files.empty()) return Error("--config=FILE is missing");
    if (options.address.empty()) return Error("--to=ADDRESS is missing");
  }
  return options;
}

}  // namespace

std::expected<Options, std::string> parse_options(std::span<const char* const> arguments) {
  Options options;
  if (arguments.empty()) return Error("a command is missing");
  const std::string_view first = arguments[0];
  if (first == "--help" || first == "--version") {
    options.command = first == "--help" ? Options::Command::help : Options::Command::version;
    return options;
  }
  const auto command = command_of(first);
  if (!command) return Error("unknown command " + std::string(first));
  options.command = *command;

  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (argument == "--send") {
      options.send = true;
      continue;
    }
    if (!argument.starts_with("--")) {
      if (!options.plugin.empty())
        return Error("one plug-in at a time; " + std::string(argument) + " is one too many");
      options.plugin = argument;
      continue;
    }
    const auto equals = argument.find('=');
    const auto name = argument.substr(0, equals);
    if (name != "--config" && name != "--to" && name != "--provider")
      return Error("unknown option " + std::string(name));
    if (equals == argument.npos && i + 1 == arguments.size())
      return Error(std::string(name) + " needs a value");
    const std::string value(equals == argument.npos ? std::string_view(arguments[++i])
                                                    : argument.substr(equals + 1));
    if (name == "--config") options.config_files.emplace_back(value);
    if (name == "--to") options.address = value;
    if (name == "--provider") options.provider = value;
  }
  return checked(std::move(options));
}

}  // namespace otpgw::tool
