// [providers.NAME], [webhooks.NAME] and the worker that reads its own. Goal: each is found with its plug-in,
// its texts and its keys, and a name is one provider's. Method: load() on real files in a folder of the
// test's own.
#include "config_fixture.h"

namespace otpgw::config {
namespace {

TEST_F(ConfigTest, BundledProvidersKeysAreKnownByName) {
  write("plugins/pinpoint.so", "");
  const std::pair<const char*, std::pair<const char*, const char*>> table[] = {
      {"providers.pinpoint_sms", {"aplication_id", "application_id"}},
      {"providers.pinpoint_sms", {"acces_key", "access_key"}},
      {"providers.pinpoint_sms", {"origination_identiy", "origination_identity"}},
      {"providers.kaleyra_sms", {"sms_entity", "sms_entity_id"}},
      {"providers.kaleyra_whatsapp", {"template_nam", "template_name"}},
      {"providers.kaleyra_whatsapp", {"apikey", "api_key"}},
      {"webhooks.crm", {"sucess_pattern", "success_pattern"}},
      {"webhooks.crm", {"headrs", "headers"}},
      {"webhooks.crm", {"max_otp_length", "max_otp_len"}},
  };
  for (const auto& [section, names] : table) {
    const std::string text = std::string(kAuth) + "[" + section + "]\nenabled = true\n" + names.first +
                             " = \"x\"\n[limits]\ncountries = [\"IN\"]\n";
    EXPECT_EQ(warnings(text), std::vector<std::string>{"config.toml:7: " + std::string(section) + "." +
                                                       names.first + ": unknown key, ignored; did you mean " +
                                                       section + "." + names.second + "?"});
  }
}

TEST_F(ConfigTest, PluginsAndTemplatesAreFound) {
  write("own.tpl", "own");
  const std::string acme = "[providers.acme]\nenabled = true\n";
  auto config = loaded(kAuth + acme + "subject = \"Hi\"\ntemplate = \"own.tpl\"\nplugin = \"" +
                       (folder_ / "plugins/smtp.so").string() + "\"\n");
  EXPECT_EQ(config.providers.at("acme").plugin, folder_ / "plugins/smtp.so");
  EXPECT_EQ(config.providers.at("acme").body.text, "own");
  EXPECT_EQ(without_folder(config.providers.at("acme").body.origin), "own.tpl");
  EXPECT_EQ(without_folder(config.providers.at("acme").subject.origin),
            "config.toml:7: providers.acme.subject");
  EXPECT_EQ(loaded(kAuth + acme).providers.at("acme").plugin, folder_ / "plugins/acme.so");

  EXPECT_EQ(
      refusal(std::string(kAuth) + "[providers.ghost]\nenabled = true\n"),
      "config.toml:5: providers.ghost.plugin: expected a plug-in file; got \"ghost.so\", and found none at "
      "plugins/ghost.so");
  EXPECT_EQ(refusal(kAuth + acme + "template = \"static/none.tpl\"\n"),
            "config.toml:7: providers.acme.template: expected a template file; got \"static/none.tpl\", and "
            "found none "
            "at static/none.tpl, static/none.tpl, share/messages/none.tpl");
}

TEST_F(ConfigTest, BundledProvidersShareAPlugin) {
  const auto config = loaded(std::string(kAuth) + "[providers.kaleyra_sms]\nenabled = true\n" +
                             "[providers.kaleyra_whatsapp]\nenabled = true\n");
  EXPECT_EQ(config.providers.at("kaleyra_sms").plugin, folder_ / "plugins/kaleyra.so");
  EXPECT_EQ(config.providers.at("kaleyra_whatsapp").plugin, folder_ / "plugins/kaleyra.so");
  EXPECT_EQ(config.providers.at("kaleyra_sms").section, "providers.kaleyra_sms");
  EXPECT_EQ(without_folder(config.providers.at("kaleyra_sms").where), "config.toml:5");
}

TEST_F(ConfigTest, EachWebhookIsAProvider) {
  write("secret", "from a file\n");
  const std::string crm =
      "[webhooks.crm]\nenabled = true\nurl = \"https://crm.example\"\nmax_otp_len = \"8\"\n"
      "secret_file = \"secret\"\nca_file = \"ca.pem\"\nheaders = { X-Tenant = \"7\" }\n";
  const auto config = loaded(kAuth + crm + "[webhooks.calls]\nenabled = true\nurl = \"http://c.example\"\n" +
                             "[webhooks.unused]\nenabled = false\npassword_file = \"missing\"\n");
  EXPECT_EQ(config.providers.size(), 2U);
  const auto& webhook = config.providers.at("crm");
  EXPECT_EQ(webhook.plugin, folder_ / "plugins/webhook.so");
  EXPECT_EQ(webhook.section, "webhooks.crm");
  EXPECT_TRUE(webhook.webhook);
  EXPECT_EQ(
      webhook.plugin_config,
      R"({"enabled":true,"url":"https://crm.example","max_otp_len":8,"secret":"from a file","ca_file":")" +
          (folder_ / "ca.pem").string() + R"(","headers":{"X-Tenant":"7"}})");
  EXPECT_EQ(
      warnings(kAuth + crm + "sucess_pattern = \"ok\"\n"),
      std::vector<std::string>{"config.toml:12: webhooks.crm.sucess_pattern: unknown key, ignored; did you "
                               "mean webhooks.crm.success_pattern?"});
  sources_.only_provider = "crm";
  EXPECT_EQ(loaded(kAuth + crm).providers.size(), 1U);
}

TEST_F(ConfigTest, AWebhookHasANameOfItsOwn) {
  const std::string url = "enabled = true\nurl = \"https://a.example\"\n";
  for (const std::string name : {"smtp", "kaleyra_whatsapp", "webhook"}) {
    EXPECT_EQ(refusal(kAuth + ("[webhooks." + name + "]\n") + url),
              "config.toml:5: webhooks." + name +
                  ": expected a name that no other provider has; give this webhook another");
  }
  EXPECT_EQ(
      refusal(kAuth + ("[webhooks.acme]\n" + url) + "[providers.acme]\nenabled = true\n"),
      "config.toml:5: webhooks.acme: expected a name that no other provider has; give this webhook another");
  EXPECT_EQ(refusal(kAuth + ("[webhooks.crm]\n" + url) + "max_otp_len = 65\n"),
            "config.toml:8: webhooks.crm.max_otp_len: expected a number from 1 to 64; got 65");
}

TEST_F(ConfigTest, WorkersOfTheirOwnHaveAnEndpoint) {
  EXPECT_EQ(loaded("[workers]\nspawn = false\n" + std::string(kAuth)).workers.endpoint,
            "ipc:///run/otpgateway/broker.sock");
  // Its user may not read the applications' secrets.
  sources_.only_provider = "acme";
  const auto config = loaded(
      "[auth.app]\nsecret_file = \"closed\"\n[providers.acme]\nenabled = true\n"
      "[providers.ghost]\nenabled = true\n");
  EXPECT_EQ(config.providers.size(), 1U);
  sources_.only_provider = "smtp";
  EXPECT_EQ(refusal(kAuth), "config.toml: providers.smtp: expected a section with enabled = true; got none");
}

}  // namespace
}  // namespace otpgw::config
