// Goal: no configuration file crashes the start; a refusal or warning is one line that quotes no secret.
// Method: the input is the file; a folder of the fuzzer's own in memory holds it. KEY_file may name any file
// of the machine, so whole paths are made relative.

#include <algorithm>
#include <cstdint>
#include <string>

#include "core/config/config.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/folder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  static const Folder folder;
  static const bool written = [] {
    folder.write("smtp.tpl", "{{ .OTP }}");
    folder.write("secret", "from-a-file\n");
    for (const char* plugin : {"smtp.so", "webhook.so", "pinpoint.so", "kaleyra.so"})
      folder.write(plugin, "");
    return true;
  }();
  demand(written);
  std::string text(reinterpret_cast<const char*>(data), size);
  std::ranges::replace(text, '/', '_');
  folder.write("config.toml", text);
  const auto config = otpgw::config::load({.files = {folder.path() / "config.toml"},
                                           .environment = {},
                                           .share_dir = folder.path(),
                                           .plugins_dir = folder.path(),
                                           .only_provider = {}});
  if (!config) {
    demand(!config.error().empty() && config.error().find('\n') == std::string::npos);
    demand(config.error().find("from-a-file") == std::string::npos);
  } else {
    for (const auto& warning : config->warnings) demand(warning.find('\n') == std::string::npos);
  }
  return 0;
}
