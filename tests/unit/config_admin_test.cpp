// [admin]. Goal: its address is taken as meant, and one that others reach is warned of. Method: load() on a
// real file.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "core/config/config.h"

namespace otpgw::config {
namespace {

namespace fs = std::filesystem;

class AdminConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "config_admin_test.XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  void TearDown() override { fs::remove_all(folder_); }

  // Its second line is the address, when there is one.
  [[nodiscard]] std::expected<Config, std::string> load_with(const std::string& address_line) const {
    const auto file = folder_ / "config.toml";
    std::ofstream(file) << "[admin]\n"
                        << address_line
                        << "\n[auth.app]\nsecret = \"s\"\norigins = [\"https://a.example\"]\n";
    return load(
        {.files = {file}, .environment = {}, .share_dir = {}, .plugins_dir = {}, .only_provider = {}});
  }
  [[nodiscard]] Admin admin(const std::string& address) const {
    const auto config = load_with("address = \"" + address + "\"");
    EXPECT_TRUE(config) << config.error();
    return config.value_or(Config{}).admin;
  }
  [[nodiscard]] std::vector<std::string> warnings(const std::string& address) const {
    return load_with("address = \"" + address + "\"").value().warnings;
  }

  fs::path folder_;
};

TEST_F(AdminConfigTest, TheAddress) {
  const auto absent = load_with("").value().admin;
  EXPECT_TRUE(absent.enabled);
  EXPECT_FALSE(absent.configured);
  EXPECT_EQ(absent.host + ":" + std::to_string(absent.port), "127.0.0.1:9001");
  EXPECT_FALSE(admin("").enabled);
  const auto given = admin("[fd00::1]:9100");
  EXPECT_TRUE(given.enabled);
  EXPECT_TRUE(given.configured);
  EXPECT_EQ(given.host, "fd00::1");
  EXPECT_EQ(given.port, 9100);
}

TEST_F(AdminConfigTest, ABadAddressIsRefused) {
  const auto refused = load_with("address = \"9100\"");
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().ends_with(
      "config.toml:2: admin.address: expected HOST:PORT like \"127.0.0.1:9001\", or "
      "\"\" for none; got \"9100\""))
      << refused.error();
}

TEST_F(AdminConfigTest, AnAddressThatOthersReachWarns) {
  const auto before = load_with("").value().warnings.size();
  for (const char* address : {"127.0.0.1:9001", "127.8.9.1:9001", "localhost:9001", "[::1]:9001",
                              "10.0.0.1:9001", "172.16.0.1:9001", "172.31.255.1:9001", "192.168.1.1:9001",
                              "169.254.1.1:9001", "[fd12::1]:9001", "[fe80::1]:9001"}) {
    EXPECT_EQ(warnings(address).size(), before) << address;
  }
  for (const char* address : {"0.0.0.0:9001", ":9001", "[::]:9001", "172.32.0.1:9001", "172.15.0.1:9001",
                              "8.8.8.8:9001", "[2001:db8::1]:9001", "admin.example.com:9001"}) {
    const auto warned = warnings(address);
    ASSERT_EQ(warned.size(), before + 1) << address;
    EXPECT_NE(warned.front().find("config.toml:2: admin.address: it has no authentication"),
              std::string::npos)
        << warned.front();
  }
}

}  // namespace
}  // namespace otpgw::config
