// Goal: the secrets of applications and providers come from the configuration, a file or a credential, and no
// error shows one. Method: real files.

#include <gmock/gmock.h>

#include "config_fixture.h"

namespace otpgw::config {
namespace {

TEST_F(ConfigTest, WarnsOfTheSamplesSecret) {
  const auto warned = [this](const std::string& secret) {
    return warnings("[auth.app]\nnamespace = \"app\"\norigins = [\"https://a.example\"]\n" + secret + "\n" +
                    kConsole);
  };
  EXPECT_EQ(warned("secret = \"mySecret\"").size(), 0U);
  EXPECT_THAT(
      warned("secret = \"change-me\""),
      testing::ElementsAre("config.toml:1: auth.app.secret: still the sample's, which everybody knows; "
                           "otpgateway --new-secret makes one"));
  EXPECT_EQ(warned("secrets = [\"other\", \"change-me\"]").size(), 1U);
}

TEST_F(ConfigTest, SeveralSecretsForARotation) {
  const std::string auth = "[auth.app]\norigins = [\"https://a.example\"]\n";
  const auto listed = loaded(auth + "secrets = [\"old\", \"new\"]\n").namespaces.at("app");
  EXPECT_EQ(listed.secrets, (std::vector<std::string>{"old", "new"}));
  write("secrets", "one, with a comma\r\n\ntwo\n");
  const auto filed = loaded(auth + "secrets_file = \"secrets\"\n").namespaces.at("app");
  EXPECT_EQ(filed.secrets, (std::vector<std::string>{"one, with a comma", "two"}));
  write("secrets", "\n\n");
  for (const char* wrong : {"secrets = []", "secrets = [\"\"]", "secrets = [\"a\",\"b\",\"c\",\"d\",\"e\"]",
                            "secrets_file = \"secrets\""}) {
    EXPECT_TRUE(
        refusal(auth + wrong + "\n").starts_with("config.toml:3: auth.app.secrets: expected 1 to 4 texts"))
        << refusal(auth + wrong + "\n");
  }
  EXPECT_EQ(refusal(auth + "secret = \"word\"\nsecrets = [\"word\"]\n"),
            "config.toml:4: auth.app.secrets: expected either secret or secrets; got both");
  const auto number = refusal(auth + "secrets = [\"word\", 5]\n");
  EXPECT_EQ(number, "config.toml:3: auth.app.secrets: expected a list of texts; got something else");
}

TEST_F(ConfigTest, SecretsStandInFiles) {
  write("secret", "from a file\n");
  const auto config = loaded(
      "[auth.app]\nsecret_file = \"secret\"\n"
      "[providers.acme]\nenabled = true\napi_key_file = \"secret\"\nca_file = \"untouched\"\n"
      "[providers.smtp]\nenabled = false\npassword_file = \"missing\"\n");
  EXPECT_EQ(config.namespaces.at("app").secrets, std::vector<std::string>{"from a file"});
  EXPECT_EQ(config.providers.at("acme").plugin_config,
            R"({"enabled":true,"api_key":"from a file","ca_file":"untouched"})");

  EXPECT_EQ(refusal("[auth.app]\nsecret_file = \"missing\"\n"),
            "config.toml:2: auth.app.secret_file: expected a readable file with the secret; got \"missing\": "
            "no such "
            "file");
  EXPECT_EQ(refusal("[auth.app]\nsecret = \"s\"\nsecret_file = \"secret\"\n"),
            "config.toml:3: auth.app.secret_file: expected either secret or secret_file; got both");
  write("secret", "\n");
  EXPECT_EQ(refusal("[auth.app]\nsecret_file = \"secret\"\n"),
            "config.toml:2: auth.app.secret_file: expected a file with the secret in it; got \"secret\": "
            "it is empty");
  write("secret", "old\nnew\n");
  EXPECT_EQ(refusal("[auth.app]\nsecret_file = \"secret\"\n"),
            "config.toml:2: auth.app.secret: expected one line; several secrets are secrets, or "
            "secrets_file");
}

TEST_F(ConfigTest, SecretsOfSomebodyElsesPluginAndHeadersStandInFilesToo) {
  write("secret", "from a file");
  const auto config = loaded(std::string(kAuth) +
                             "[providers.acme]\nenabled = true\nauth_token_file = \"secret\"\n"
                             "monkey_file = \"untouched\"\n"
                             "[webhooks.crm]\nenabled = true\nurl = \"https://crm.example\"\n"
                             "headers = { X-Api-Key_file = \"secret\" }\n");
  EXPECT_EQ(config.providers.at("acme").plugin_config,
            R"({"enabled":true,"auth_token":"from a file","monkey_file":"untouched"})");
  EXPECT_THAT(config.providers.at("crm").plugin_config,
              testing::HasSubstr(R"("headers":{"X-Api-Key":"from a file"})"));
}

TEST_F(ConfigTest, CredentialsOfTheServiceManager) {
  fs::create_directories(folder_ / "credentials");
  write("credentials/app", "a credential\n");
  const std::string text = "[auth.app]\nsecret_file = \"${CREDENTIALS_DIRECTORY}/app\"\n";
  EXPECT_EQ(refusal(text),
            "config.toml:2: auth.app.secret_file: expected a readable file with the secret; got "
            "\"${CREDENTIALS_DIRECTORY}/app\": CREDENTIALS_DIRECTORY is not set");
  sources_.environment = {{"CREDENTIALS_DIRECTORY", (folder_ / "credentials").string()}};
  EXPECT_EQ(loaded(text).namespaces.at("app").secrets, std::vector<std::string>{"a credential"});
}

TEST_F(ConfigTest, ASecretThatEverybodyCanReadIsWarnedOf) {
  write("secret", "word");
  const std::string text =
      "[auth.app]\nsecret_file = \"secret\"\norigins = [\"https://a.example\"]\n" + std::string(kConsole);
  fs::permissions(folder_ / "secret", fs::perms::owner_read | fs::perms::group_read);
  EXPECT_EQ(warnings(text), std::vector<std::string>{});
  fs::permissions(folder_ / "secret", fs::perms::owner_read | fs::perms::others_read);
  EXPECT_EQ(warnings(text), std::vector<std::string>{"config.toml:2: auth.app.secret_file: everybody on this "
                                                     "machine can read secret; run: chmod o-rwx secret"});
}

TEST_F(ConfigTest, HashesOfSecrets) {
  const std::string a(64, 'a'), upper_b(64, 'B'), b(64, 'b');
  EXPECT_EQ(loaded("[auth.app]\nsecret_sha256 = \"" + a + "\"\n").namespaces.at("app").secret_sha256,
            std::vector<std::string>{a});
  const auto both =
      loaded("[auth.app]\nsecret = \"s\"\nsecret_sha256 = [\"" + a + "\", \"" + upper_b + "\"]\n")
          .namespaces.at("app");
  EXPECT_EQ(both.secrets, std::vector<std::string>{"s"});
  EXPECT_EQ(both.secret_sha256, (std::vector<std::string>{a, b}));
  write("hashes", a + "\n" + b + "\n");
  EXPECT_EQ(loaded("[auth.app]\nsecret_sha256_file = \"hashes\"\n").namespaces.at("app").secret_sha256,
            (std::vector<std::string>{a, b}));
  EXPECT_EQ(refusal("[auth.app]\nsecret_sha256 = \"word\"\n"),
            "config.toml:2: auth.app.secret_sha256: expected 64 hexadecimal digits, as otpgateway "
            "--hash-secret prints them; got something else");
  EXPECT_EQ(refusal("[auth.app]\nsecrets = [\"1\", \"2\", \"3\", \"4\"]\nsecret_sha256 = \"" + a + "\"\n"),
            "config.toml:3: auth.app.secret_sha256: expected at most 4 secrets in all; got 5");
}

// Whatever is wrong with a line that holds a secret, the complaint does not repeat it.
TEST_F(ConfigTest, NoErrorShowsASecret) {
  const std::string webhook = "[webhooks.crm]\nenabled = true\nurl = \"https://crm.example\"\n";
  for (const std::string& text : std::vector<std::string>{
           "[auth]\napp = \"Needle7\"\n", "[auth.app]\nsecret = Needle7\n",
           "[auth.app]\nsecret = \"Needle7\n", "[auth.app]\nsecret = 'Needle7' x\n",
           "[auth.app]\nsecret = \"Needle7\"\nsecret = \"Needle7\"\n",
           "[auth.app]\nsecret = \"Needle7\\q\"\n", "[auth.app]\nsecret Needle7\n",
           "[auth.app]\nsecret = [\"Needle7\"]\n", "[auth.app]\nsecret = { Needle7 = \"Needle7\" }\n",
           "[auth.app]\nsecrets = [\"Needle7\", 5]\n", "[auth.app]\nsecret_sha256 = \"Needle7\"\n",
           "[auth.app]\nsecret_sha256 = [\"Needle7\", 5]\n",
           "[auth.app]\nsecret = \"Needle7\"\nsecrets = [\"Needle7\"]\n",
           "[providers]\nsmtp = \"Needle7\"\n" + std::string(kAuth),
           "[providers.smtp]\nenabled = true\npassword = [\"Needle7\"]\n" + std::string(kAuth),
           webhook + "headers = \"Needle7\"\n" + kAuth}) {
    const auto error = refusal(text);
    EXPECT_NE(error, "loaded") << text;
    EXPECT_THAT(error, testing::Not(testing::HasSubstr("Needle7"))) << text;
  }
}

}  // namespace
}  // namespace otpgw::config
