// A configuration in a folder of the test's own, with the files that it may name.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/config/config.h"

namespace otpgw::config {

namespace fs = std::filesystem;
inline constexpr const char* kAuth =
    "[auth.app]\nnamespace = \"app\"\nsecret = \"s\"\norigins = [\"https://a.example\"]\n";
inline constexpr const char* kConsole = "[providers.console]\nenabled = true\n";

class ConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("otpgw-config-" + std::to_string(::getpid()));
    fs::create_directories(folder_ / "plugins");
    fs::create_directories(folder_ / "share/messages");
    for (const char* name : {"smtp.so", "console.so", "acme.so", "kaleyra.so", "webhook.so"})
      write(fs::path("plugins") / name, "");
    write("share/messages/smtp.tpl", "installed {{ .OTP }}");
    sources_ = {.files = {folder_ / "config.toml"},
                .environment = {},
                .share_dir = folder_ / "share",
                .plugins_dir = folder_ / "plugins",
                .only_provider = {}};
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const fs::path& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    fs::permissions(folder_ / name, fs::perms::owner_read | fs::perms::owner_write);
  }

  Config loaded(const std::string& text) const {
    write("config.toml", text);
    auto config = load(sources_);
    EXPECT_TRUE(config) << config.error();
    return config.value_or(Config{});
  }
  // The error, with the folder taken out: "config.toml:3: ...".
  std::string refusal(const std::string& text) const {
    write("config.toml", text);
    const auto config = load(sources_);
    return config ? "loaded" : without_folder(config.error());
  }
  std::string without_folder(std::string text) const {
    const std::string name = folder_.string() + "/";
    for (auto at = text.find(name); at != std::string::npos; at = text.find(name))
      text.erase(at, name.size());
    return text;
  }
  std::vector<std::string> warnings(const std::string& text) const {
    auto all = loaded(text).warnings;
    for (auto& line : all) line = without_folder(line);
    return all;
  }

  fs::path folder_;
  Sources sources_;
};

}  // namespace otpgw::config
