// The worker's command line.
#pragma once

#include <expected>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace otpgw::worker {

inline constexpr std::string_view kUsage =
    "Usage: otpgateway-worker --config=FILE [--config=FILE ...] [--debug] PROVIDER\n"
    "       otpgateway-worker --spawned [--check] [--debug]\n"
    "Sends the messages of one provider, the NAME of [providers.NAME] in the configuration.\n"
    "  --config=FILE  the gateway's configuration; may be repeated, later ones win\n"
    "  --spawned      started by the gateway: reads its settings from standard input\n"
    "  --check        only says what the plug-in has against its settings, and ends\n"
    "  --debug        logs more and never ends a call that hangs, for use in a debugger\n"
    "  --version      shows the version\n"
    "  --help         shows this\n"
    "SIGTERM and SIGINT finish the messages under way and end. Exit codes: 0 ended as asked, 1 what "
    "may\n"
    "pass (no memory, the plug-in's init failed), 2 wrong options, configuration or plug-in, 3 a call into "
    "the\n"
    "plug-in hung, 4 the plug-in wrote beyond its memory, 5 it leaked memory, 6 it called exit().\n";

struct Options {
  enum class Mode { spawned, by_itself, version, help };
  Mode mode = Mode::by_itself;
  bool debug = false;
  bool check = false;                               // spawned
  std::vector<std::filesystem::path> config_files;  // by_itself: at least one
  std::string provider;                             // by_itself
};

// `arguments` without the program's name. The error is one sentence.
[[nodiscard]] std::expected<Options, std::string> parse_options(std::span<const char* const> arguments);

}  // namespace otpgw::worker
