// [admin]. Goal: its address is taken as meant, and one that others reach is warned of. Method: load() on a
// real file.
#include "config_fixture.h"

namespace otpgw::config {
namespace {

class AdminConfigTest : public ConfigTest {
 protected:
  // Its second line is the address, when there is one.
  static std::string with(const std::string& address_line) {
    return "[admin]\n" + address_line + "\n" + kAuth;
  }
  static std::string at(const std::string& address) { return with("address = \"" + address + "\""); }
};

TEST_F(AdminConfigTest, TheAddress) {
  const auto absent = loaded(with("")).admin;
  EXPECT_TRUE(absent.enabled);
  EXPECT_FALSE(absent.configured);
  EXPECT_EQ(absent.host + ":" + std::to_string(absent.port), "127.0.0.1:9001");
  EXPECT_FALSE(loaded(at("")).admin.enabled);
  const auto given = loaded(at("[fd00::1]:9100")).admin;
  EXPECT_TRUE(given.enabled);
  EXPECT_TRUE(given.configured);
  EXPECT_EQ(given.host, "fd00::1");
  EXPECT_EQ(given.port, 9100);
}

TEST_F(AdminConfigTest, ABadAddressIsRefused) {
  EXPECT_EQ(refusal(at("9100")),
            "config.toml:2: admin.address: expected HOST:PORT like \"127.0.0.1:9001\", or \"\" for none; got "
            "\"9100\"");
}

TEST_F(AdminConfigTest, AnAddressThatOthersReachWarns) {
  const auto before = warnings(with("")).size();
  for (const char* address : {"127.0.0.1:9001", "127.8.9.1:9001", "localhost:9001", "[::1]:9001",
                              "10.0.0.1:9001", "172.16.0.1:9001", "172.31.255.1:9001", "192.168.1.1:9001",
                              "169.254.1.1:9001", "[fd12::1]:9001", "[fe80::1]:9001"}) {
    EXPECT_EQ(warnings(at(address)).size(), before) << address;
  }
  for (const char* address : {"0.0.0.0:9001", ":9001", "[::]:9001", "172.32.0.1:9001", "172.15.0.1:9001",
                              "8.8.8.8:9001", "[2001:db8::1]:9001", "admin.example.com:9001"}) {
    const auto warned = warnings(at(address));
    ASSERT_EQ(warned.size(), before + 1) << address;
    EXPECT_NE(warned.front().find("config.toml:2: admin.address: it has no authentication"),
              std::string::npos)
        << warned.front();
  }
}

}  // namespace
}  // namespace otpgw::config
