// Goal: a worker starts with exactly what it was told, or says in one sentence what is wrong.
// Method: the parsers of its command line and of the core's line of JSON.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "worker/options.h"
#include "worker/settings.h"

namespace otpgw::worker {
namespace {

using testing::HasSubstr;
using testing::Not;

std::expected<Options, std::string> parse(std::vector<const char*> arguments) {
  return parse_options(arguments);
}

TEST(WorkerOptions, TakesBothWaysToBeStarted) {
  const auto by_itself = parse({"--config=a.toml", "--config", "b.toml", "--debug", "smtp"});
  ASSERT_TRUE(by_itself);
  EXPECT_EQ(by_itself->mode, Options::Mode::by_itself);
  EXPECT_THAT(by_itself->config_files, testing::ElementsAre("a.toml", "b.toml"));
  EXPECT_EQ(by_itself->provider, "smtp");
  EXPECT_TRUE(by_itself->debug);
  EXPECT_EQ(parse({"--spawned"})->mode, Options::Mode::spawned);
  EXPECT_FALSE(parse({"--spawned"})->check);
  EXPECT_TRUE(parse({"--spawned", "--check"})->check);
  EXPECT_EQ(parse({"--version"})->mode, Options::Mode::version);
  EXPECT_EQ(parse({"--help", "--nonsense"})->mode, Options::Mode::help);
}

TEST(WorkerOptions, SaysWhatIsWrong) {
  EXPECT_THAT(parse({}).error(), HasSubstr("provider's name is missing"));
  EXPECT_THAT(parse({"smtp"}).error(), HasSubstr("--config=FILE is missing"));
  EXPECT_THAT(parse({"--config=a", "one", "two"}).error(), HasSubstr("two is one too many"));
  EXPECT_THAT(parse({"--configs=a", "one"}).error(), HasSubstr("unknown option --configs=a"));
  EXPECT_THAT(parse({"--config=a", "--check", "one"}).error(), HasSubstr("--check goes with --spawned"));
  EXPECT_THAT(parse({"--spawned", "smtp"}).error(), HasSubstr("--spawned takes everything"));
}

TEST(WorkerSettings, ReadsTheCoresLine) {
  const auto settings = settings_from_json(
      R"({"endpoint":"ipc:///run/x","provider":"mail","plugin":"/lib/smtp.so","max_conns":7,"timeout_ms":5000,)"
      R"("config":{"host":"h","port":25,"password":"p\"\u00fc"}})");
  ASSERT_TRUE(settings) << settings.error();
  EXPECT_EQ(settings->endpoint, "ipc:///run/x");
  EXPECT_EQ(settings->provider, "mail");
  EXPECT_EQ(settings->plugin, "/lib/smtp.so");
  EXPECT_EQ(settings->max_conns, 7);
  EXPECT_EQ(settings->section, "providers.mail");  // where it says nothing better
  EXPECT_EQ(settings->instance, "");
  EXPECT_THAT(settings->plugin_config, HasSubstr("\"port\":25"));
  EXPECT_THAT(settings->plugin_config, HasSubstr("\"password\":\"p\\\"\xC3\xBC\""));
}

TEST(WorkerSettings, SaysWhatIsWrongWithoutTheSecrets) {
  EXPECT_THAT(settings_from_json("secret").error(), HasSubstr("expected one line with a JSON object"));
  EXPECT_THAT(settings_from_json("[\"secret\"]").error(), HasSubstr("expected one line with a JSON object"));
  EXPECT_THAT(settings_from_json(R"({"endpoint":"e"})").error(), HasSubstr("provider is missing"));
  const auto wrong = settings_from_json(
      R"({"endpoint":"e","provider":"p","plugin":"l","max_conns":"many","config":"secret"})");
  EXPECT_THAT(wrong.error(), HasSubstr("max_conns is missing or of the wrong type"));
  const auto no_object =
      settings_from_json(R"({"endpoint":"e","provider":"p","plugin":"l","config":"secret"})");
  ASSERT_FALSE(no_object);
  EXPECT_THAT(no_object.error(), Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace otpgw::worker
