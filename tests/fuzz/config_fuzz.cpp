// Goal: no configuration file crashes the start; a refusal or warning is one line that quotes no secret.
// Method: the input is the file; a folder of the fuzzer's own in memory holds it. KEY_file may name any file
// of the machine, so whole paths are made relative.

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/config/config.h"
#include "tests/fuzz/demand.h"

namespace {

namespace fs = std::filesystem;

struct Folder {
  fs::path path;
  Folder() {
    std::string made = "/dev/shm/config_fuzz.XXXXXX";
    demand(::mkdtemp(made.data()) != nullptr);
    path = made;
    std::ofstream(path / "smtp.tpl") << "{{ .OTP }}";
    std::ofstream(path / "secret") << "from-a-file\n";
    for (const char* plugin : {"smtp.so", "webhook.so", "pinpoint.so", "kaleyra.so"})
      std::ofstream(path / plugin) << "";
  }
  ~Folder() { fs::remove_all(path); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  static const Folder folder;
  std::string text(reinterpret_cast<const char*>(data), size);
  std::ranges::replace(text, '/', '_');
  std::ofstream(folder.path / "config.toml", std::ios::binary) << text;
  const auto config = otpgw::config::load({.files = {folder.path / "config.toml"},
                                           .environment = {},
                                           .share_dir = folder.path,
                                           .plugins_dir = folder.path,
                                           .only_provider = {}});
  if (!config) {
    demand(!config.error().empty() && config.error().find('\n') == std::string::npos);
    demand(config.error().find("from-a-file") == std::string::npos);
  } else {
    for (const auto& warning : config->warnings) demand(warning.find('\n') == std::string::npos);
  }
  return 0;
}
