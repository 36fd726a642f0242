// The command line of otpgateway-provider.
#pragma once

#include <expected>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace otpgw::tool {

inline constexpr std::string_view kUsage =
    "Usage: otpgateway-provider info FILE.so\n"
    "       otpgateway-provider check FILE.so [--config=FILE] [--to=ADDRESS [--send]] [--provider=NAME]\n"
    "       otpgateway-provider send FILE.so --config=FILE --to=ADDRESS [--provider=NAME]\n"
    "       otpgateway-provider --version | --help\n"
    "Shows, checks and tries a provider's plug-in without a gateway.\n"
    "  info   shows the providers that the file offers\n"
    "  check  feeds it bad configurations and bad addresses, makes and destroys instances, calls it from "
    "several\n"
    "         threads; each check in a process of its own. Nothing is sent without --send\n"
    "  send   sends one message with a test code and says what became of it\n"
    "  --config=FILE    a gateway's configuration with the section [providers.NAME] or [webhooks.NAME]; may "
    "be\n"
    "                   repeated. The section must have enabled = true; the plug-in is the FILE.so given "
    "here\n"
    "  --to=ADDRESS     a good address: check validates it, send and check --send send to it\n"
    "  --send           check sends about ten messages to ADDRESS too: use an upstream of your own\n"
    "  --provider=NAME  the section's name; default: the provider's id\n"
    "What the plug-in itself prints and logs goes to standard error. Exit codes: 0 good, 1 something is "
    "wrong,\n"
    "2 wrong options or configuration.\n";

struct Options {
  enum class Command { info, check, send, version, help };
  Command command = Command::help;
  std::filesystem::path plugin;
  std::vector<std::filesystem::path> config_files;
  std::string provider;  // empty: its id
  std::string address;
  bool send = false;  // with check
};

// `arguments` without the program's name. The error is one sentence.
[[nodiscard]] std::expected<Options, std::string> parse_options(std::span<const char* const> arguments);

}  // namespace otpgw::tool
