// Goal: no configuration file crashes the start; a refusal or warning is one line that quotes no secret.
// Method: the input is the file; a folder of the fuzzer's own in memory holds it. KEY_file may name any file
// of the machine, so whole paths are made relative. With SEEDS_MUST_LOAD in the environment a refusal is a
// failure: seeds that get no further than their first line try nothing.

#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include "core/config/config.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/folder.h"

namespace {

// A '/' stays where it can neither begin a path nor follow "..": addresses and rates are read as they are.
void keep_paths_inside(std::string& text) {
  char before = '"';
  for (char& c : text) {
    if (c == '/' && before != ':' && before != '/' && !std::isalnum(static_cast<unsigned char>(before)))
      c = '_';
    before = c;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  static const Folder folder;
  static const bool written = [] {
    folder.write("messages/smtp.tpl", "{{ .OTP }}");
    folder.write("secret", "from-a-file\n");
    for (const char* plugin : {"smtp.so", "webhook.so", "pinpoint.so", "kaleyra.so", "console.so"})
      folder.write(plugin, "");
    return true;
  }();
  demand(written);
  std::string text(reinterpret_cast<const char*>(data), size);
  keep_paths_inside(text);
  folder.write("config.toml", text);
  const auto config = otpgw::config::load({.files = {folder.path() / "config.toml"},
                                           .environment = {},
                                           .share_dir = folder.path(),
                                           .plugins_dir = folder.path(),
                                           .only_provider = {}});
  if (!config) {
    if (std::getenv("SEEDS_MUST_LOAD") != nullptr) {
      std::cerr << config.error() << "\n";
      std::abort();
    }
    demand(!config.error().empty() && config.error().find('\n') == std::string::npos);
    if (text.find("from-a-file") == std::string::npos)  // else what is quoted may be the input's own
      demand(config.error().find("from-a-file") == std::string::npos);
  } else {
    for (const auto& warning : config->warnings) demand(warning.find('\n') == std::string::npos);
  }
  return 0;
}
