// [fallback]. Goal: the time of a step is what is written, 20 s without it, and never zero. Method: load() on
// a real file.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/config/config.h"

namespace otpgw::config {
namespace {

namespace fs = std::filesystem;

TEST(FallbackConfigTest, AStepHasATimeOut) {
  std::string name = (fs::temp_directory_path() / "config_fallback_test.XXXXXX").string();
  const fs::path folder = mkdtemp(name.data());
  const auto load_with = [&](const std::string& line) {
    const auto file = folder / "config.toml";
    std::ofstream(file) << "[fallback]\n" << line << "\n[auth.app]\nsecret = \"s\"\n";
    return load(
        {.files = {file}, .environment = {}, .share_dir = {}, .plugins_dir = {}, .only_provider = {}});
  };
  using namespace std::chrono_literals;
  EXPECT_EQ(load_with("").value().fallback.step_timeout, 20s);
  EXPECT_EQ(load_with("step_timeout = \"1m30s\"").value().fallback.step_timeout, 90s);
  const auto refused = load_with("step_timeout = 0");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("config.toml:2: fallback.step_timeout: expected"), std::string::npos)
      << refused.error();
  fs::remove_all(folder);
}

}  // namespace
}  // namespace otpgw::config
