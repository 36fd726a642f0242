// What the pages are made of, read from files: by the start, by each reload, by --check-config.
#pragma once

#include <expected>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "core/config/config.h"
#include "core/otp/otp.h"
#include "web/renderer.h"
#include "web/static_files.h"

namespace otpgw::web {

// Immutable: any thread may read.
struct Assets {
  // Our own files are in `share_dir`/web and `share_dir`/static; those of web.templates_dir come before them.
  // `clock` must outlive it. The error is one line that names the file or the key.
  [[nodiscard]] static std::expected<std::shared_ptr<const Assets>, std::string> read(
      const config::Config& config, const std::filesystem::path& share_dir, const otp::Clock& clock);

  Renderer renderer;
  StaticFiles files;
  std::map<std::string, StaticFile, std::less<>> themes;  // by namespace
};

}  // namespace otpgw::web
