// Unit: the language of messages. Goal: a message speaks the OTP's locale, else app.locale, as far as its
// provider has texts in it, and a file or subject of the operator's comes before ours. Method: configurations
// in a temporary folder, composed messages.
#include "config_fixture.h"
#include "core/message/composer.h"
#include "core/otp/code.h"

namespace otpgw::config {
namespace {

struct MessageLanguageTest : ConfigTest {
  // Of an e-mail, unless it is a webhook's.
  message::Message message(const std::string& locale, const std::string& lines = "",
                           const std::string& app = "") {
    const auto config =
        loaded("[app]\n" + app + "\n" + kAuth + "[providers.console]\nenabled = true\n" + lines);
    auto templates = message::Composer::compile(config);
    EXPECT_TRUE(templates) << templates.error();
    otp::Otp otp;
    otp.name_space = "app";
    otp.id = "user-1";
    otp.provider = "console";
    otp.locale = locale;
    wire::Descriptor descriptor;
    descriptor.channel_kind = wire::ChannelKind::email;
    return message::Composer(config, std::move(*templates))
        .compose(otp, "123456", descriptor, otp::CodeVault({}), 0);
  }
};

TEST_F(MessageLanguageTest, OursSpeakThePersonsLanguage) {
  EXPECT_EQ(message("").subject, "Your app verification code");
  EXPECT_EQ(message("xx").subject, "Your app verification code");
  const auto hindi = message("hi-IN");
  EXPECT_EQ(hindi.subject, "app के लिए आपका सत्यापन कोड");
  EXPECT_NE(hindi.body.find("<html lang=\"hi\" dir=\"ltr\">"), std::string::npos);
  EXPECT_TRUE(hindi.text_body.starts_with("app के लिए आपका सत्यापन कोड 123456 है।\n")) << hindi.text_body;
  EXPECT_NE(message("AR").body.find("dir=\"rtl\""), std::string::npos);
}

TEST_F(MessageLanguageTest, AppLocaleIsForTheOthers) {
  const std::string app = "locale = \"hi\"";
  for (const char* locale : {"", "xx", "hi"})
    EXPECT_EQ(message(locale, "", app).subject, message("hi").subject);
  EXPECT_EQ(message("en", "", app).subject, "Your app verification code");
}

TEST_F(MessageLanguageTest, FilesBesideTheTemplateAreItsTranslations) {
  write("mail.tpl", "plain {{ .OTP }}");
  write("mail.hi.tpl", "hindi {{ .OTP }}");
  write("mail.pt-BR.tpl", "brazil {{ .OTP }}");
  write("mail.hi.tpl.orig", "{{ broken");
  const std::string lines = "template = \"mail.tpl\"\n";
  EXPECT_EQ(message("", lines).body, "plain 123456");
  EXPECT_EQ(message("hi", lines).body, "hindi 123456");
  EXPECT_EQ(message("hi", lines).subject, message("hi").subject);
  EXPECT_EQ(message("pt-BR", lines).body, "brazil 123456");
  EXPECT_EQ(message("ar", lines).body, "plain 123456");
  EXPECT_EQ(message("en", lines, "locale = \"hi\"").body, "plain 123456");
  write("mail.ar.tpl", "first\n{{ .Nobody }}");
  const auto broken = message::Composer::compile(loaded(std::string(kAuth) + kConsole + lines));
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().find("mail.ar.tpl:2"), std::string::npos) << broken.error();
}

TEST_F(MessageLanguageTest, SubjectsByLanguage) {
  const std::string lines = "subject = \"Code\"\nsubjects = { hi = \"कोड\", de = \"Ihr Code\" }\n";
  EXPECT_EQ(message("", lines).subject, "Code");
  EXPECT_EQ(message("hi", lines).subject, "कोड");
  EXPECT_EQ(message("de-AT", lines).subject, "Ihr Code");
  EXPECT_EQ(message("ar", lines).subject, "Code");
  EXPECT_EQ(
      refusal(std::string(kAuth) + kConsole + "subjects = { no_language = \"x\" }"),
      "config.toml:7: providers.console.subjects.no_language: expected the tag of a language, like \"hi\" or "
      "\"pt-BR\"");
}

TEST_F(MessageLanguageTest, OurFilesCompile) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(OTPGW_SOURCE_DIR "/config/messages")) {
    std::ifstream stream(entry.path());
    const std::string text(std::istreambuf_iterator<char>(stream), {});
    EXPECT_TRUE(message::Templates::compile({}, {text, entry.path()}, false)) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 4);
}

}  // namespace
}  // namespace otpgw::config
