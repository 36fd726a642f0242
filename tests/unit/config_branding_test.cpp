// Unit: [web] and the keys of [auth.NAME] about its pages' look. Method: texts of configuration files.
#include "config_fixture.h"

namespace otpgw::config {
namespace {

struct ConfigBrandingTest : ConfigTest {
  Namespace with(const std::string& lines) {
    return loaded("[auth.app]\nnamespace = \"app\"\nsecret = \"s\"\n" + lines).namespaces.at("app");
  }
  std::string refused(const std::string& line) {
    return refusal("[auth.app]\nnamespace = \"app\"\nsecret = \"s\"\n" + line);
  }
};

TEST_F(ConfigBrandingTest, ANamespaceHasANameALogoAndAnAccent) {
  const auto plain = with("");
  EXPECT_EQ(plain.display_name + plain.logo_url + plain.accent, "");
  const auto own =
      with("name = \"Corner Shop\"\nlogo_url = \"https://cdn.example/l.svg\"\naccent = \"#2D6\"\n");
  EXPECT_EQ(own.display_name, "Corner Shop");
  EXPECT_EQ(own.logo_url, "https://cdn.example/l.svg");
  EXPECT_EQ(own.accent, "#22dd66");
  EXPECT_EQ(with("accent = \"#0A7CFF\"").accent, "#0a7cff");
}

TEST_F(ConfigBrandingTest, WhatIsNoneIsRefused) {
  for (const char* accent : {"red", "#12", "#12345", "#1234567", "#12345g", "2450d6", "#fff;}"}) {
    EXPECT_TRUE(refused("accent = \"" + std::string(accent) + "\"")
                    .starts_with("config.toml:4: auth.app.accent: expected a colour"))
        << accent;
  }
  for (const char* url : {"javascript:1", "https://my_cdn.example/x.svg", "//cdn.example/x.svg"}) {
    EXPECT_TRUE(
        refused("logo_url = \"" + std::string(url) + "\"").starts_with("config.toml:4: auth.app.logo_url"));
  }
  EXPECT_TRUE(refused("name = \"a\\nb\"").starts_with("config.toml:4: auth.app.name"));
  EXPECT_TRUE(refused("[web]\ntemplates_dir = \"none\"")
                  .starts_with("config.toml:5: web.templates_dir: expected a folder"));
}

}  // namespace
}  // namespace otpgw::config
