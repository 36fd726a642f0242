// Message templates. Goal: what people wrote for the Go program, and mustache, says the same here; everything
// else is refused when it is loaded, never rendered as nothing. Method: compile and render texts.
#include "core/message/template.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace otpgw::message {
namespace {

using wire::ChannelKind;

Fields fields() {
  return {.to = "a@b.example",
          .name_space = "R&D <app>",
          .channel = "smtp",
          .channel_name = "E-mail",
          .code = "123456",
          .url = "http://localhost:9000/otp/app/id?otp=123456&action=check",
          .ttl_seconds = 300,
          .bound_line = ""};
}

Message rendered(const std::string& subject, const std::string& body, ChannelKind kind,
                 const Fields& with = fields()) {
  const auto templates = Templates::compile({subject, "subject"}, {body, "body.tpl"}, false);
  EXPECT_TRUE(templates) << templates.error();
  return templates ? (*templates)->render(with, kind) : Message{};
}
std::string text(const std::string& body, const Fields& with = fields()) {
  return rendered("", body, ChannelKind::sms, with).body;
}
std::string html(const std::string& body) { return rendered("", body, ChannelKind::email).body; }

std::string refusal(const std::string& body, const std::string& origin = "body.tpl") {
  const auto templates = Templates::compile({}, {body, origin}, false);
  return templates ? "compiled" : templates.error();
}

std::string file(const std::string& name) {
  std::ifstream stream(OTPGW_SOURCE_DIR "/config/messages/" + name);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(Template, GoAndMustacheFieldsSayTheSame) {
  EXPECT_EQ(text("{{ .OTP }}|{{.OTP}}|{{OTP}}|{{{OTP}}}|{{& OTP}}|{{{ .OTP }}}"),
            "123456|123456|123456|123456|123456|123456");
  EXPECT_EQ(text("{{ .To }} {{ .Namespace }} {{ .Channel }} {{ .ChannelName }} {{ .OTPTTL.Minutes }}"),
            "a@b.example R&D <app> smtp E-mail 5");
  EXPECT_EQ(text("{{ .OTPURL }}"), fields().url);
}

TEST(Template, AWebhookHasNoTextsOfItsOwnAndEscapesNothing) {
  const auto bare = Templates::compile({}, {}, true);
  ASSERT_TRUE(bare);
  for (const auto kind : {ChannelKind::email, ChannelKind::sms, ChannelKind::other}) {
    const auto message = (*bare)->render(fields(), kind);
    EXPECT_EQ(message.subject + message.body + message.text_body, "");
  }
  const auto own = Templates::compile({}, {"<{{ .Namespace }}>", "body.tpl"}, true);
  ASSERT_TRUE(own);
  EXPECT_EQ((*own)->render(fields(), ChannelKind::email).body, "<R&D <app>>");
}

TEST(Template, OnlyHtmlBodiesEscape) {
  EXPECT_EQ(html("<p>{{ .Namespace }}</p>"), "<p>R&amp;D &lt;app&gt;</p>");
  EXPECT_EQ(html("{{{Namespace}}}"), "R&D <app>");
  EXPECT_EQ(text("{{ .Namespace }}"), "R&D <app>");
  EXPECT_EQ(rendered("{{ .Namespace }}: {{ .Channel }}", "", ChannelKind::email).subject, "R&D <app>: smtp");
}

TEST(Template, SectionsShowWhatIsThere) {
  auto with = fields();
  EXPECT_EQ(text("a{{#BoundLine}} {{BoundLine}}{{/BoundLine}}{{^BoundLine}} none{{/BoundLine}}", with),
            "a none");
  with.bound_line = "@a.example #123456";
  EXPECT_EQ(text("a{{# .BoundLine }} {{BoundLine}}{{/ .BoundLine }}{{^BoundLine}} none{{/BoundLine}}", with),
            "a @a.example #123456");
  EXPECT_EQ(text("{{! a comment }}a{{/* Go's */}}b"), "ab");
}

TEST(Template, ValuesAreNotTemplates) {
  auto with = fields();
  with.to = "{{OTP}}@b.example";
  EXPECT_EQ(text("{{To}} {{OTP}}", with), "{{OTP}}@b.example 123456");
}

TEST(Template, Minutes) {
  for (const auto& [seconds, minutes] : std::vector<std::pair<int64_t, std::string>>{{300, "5"},
                                                                                     {60, "1"},
                                                                                     {90, "1.5"},
                                                                                     {1, "0.1"},
                                                                                     {59, "1"},
                                                                                     {100, "1.7"},
                                                                                     {0, "0"},
                                                                                     {86400, "1440"}}) {
    auto with = fields();
    with.ttl_seconds = seconds;
    EXPECT_EQ(text("{{ .OTPTTL.Minutes }}", with), minutes) << seconds;
  }
}

TEST(Template, NoHeaderCanBeSmuggledIn) {
  auto with = fields();
  with.name_space = std::string("a\r\nBcc: x\0y", 11);
  EXPECT_EQ(rendered("{{Namespace}}\n", "", ChannelKind::email, with).subject, "aBcc: xy");
}

TEST(Template, DefaultsNeverPutTheCodeIntoTheSubject) {
  const auto mail = rendered("", "", ChannelKind::email);
  EXPECT_EQ(mail.subject, "Your R&D <app> verification code");
  EXPECT_NE(mail.body.find("123456"), std::string::npos);
  EXPECT_NE(mail.body.find("otp=123456&amp;action=check"), std::string::npos);
  EXPECT_NE(mail.text_body.find(fields().url), std::string::npos);
  EXPECT_NE(mail.text_body.find("valid for 5 min."), std::string::npos);  // "1 minutes" would be wrong
  const auto sms = rendered("", "", ChannelKind::sms);
  EXPECT_EQ(sms.body, "123456 is your verification code for R&D <app>.");
  EXPECT_EQ(sms.text_body, "");
}

TEST(Template, InstalledFilesCompile) {
  EXPECT_NE(html(file("smtp.tpl")).find("valid for 5 min."), std::string::npos);
  EXPECT_EQ(text(file("sms.txt")), "123456 is your verification code for R&D <app>.");
}

TEST(Template, EverythingElseIsRefusedWithItsLine) {
  const std::string understood =
      "; a tag is {{ .NAME }}, {{NAME}}, {{{NAME}}}, {{#NAME}}...{{/NAME}}, {{^NAME}}...{{/NAME}} or {{! "
      "comment }}; "
      "names are To, Namespace, Channel, ChannelName, OTP, OTPURL, OTPTTL.Minutes, BoundLine";
  EXPECT_EQ(refusal("x\n{{ if .OTP }}y{{ end }}"), "body.tpl:2: {{ if .OTP }}: not understood" + understood);
  EXPECT_EQ(refusal("x\ny {{ .OTP"), "body.tpl:2: {{ .OTP: the tag has no end" + understood);
  EXPECT_EQ(refusal("{{#OTP}}\nx"), "body.tpl:1: {{#OTP}}: the section has no end" + understood);
  EXPECT_EQ(refusal("{{/OTP}}"), "body.tpl:1: {{/OTP}}: it closes no open section" + understood);
  EXPECT_EQ(refusal("{{#OTP}}{{#To}}{{/OTP}}{{/To}}"),
            "body.tpl:1: {{/OTP}}: it closes no open section" + understood);
  EXPECT_EQ(refusal("{{ }}"), "body.tpl:1: {{ }}: the tag is empty" + understood);
  EXPECT_EQ(refusal("{{ x }}", "config.toml:12: providers.smtp.subject"),
            "config.toml:12: providers.smtp.subject: {{ x }}: not understood" + understood);
  for (const char* tag :
       {"{{- .OTP -}}", "{{ .OTP | upper }}", "{{ upper .OTP }}", "{{ .Nothing }}", "{{OTPTTL}}",
        "{{> partial}}", "{{=<% %>=}}", "{{.}}", "{{#.}}{{/.}}", "{{..OTP}}", "{{otp}}", "{{{OTP}}",
        "{{ .OTP\n.To }}", "{{#Items}}x{{/Items}}", "{{ range .OTP }}"}) {
    EXPECT_NE(refusal(tag), "compiled") << tag;
  }
}

TEST(Template, SectionsNestToALimit) {
  std::string deep;
  for (int i = 0; i < 17; ++i) deep += "{{#OTP}}";
  EXPECT_NE(refusal(deep).find("sections are nested too deep"), std::string::npos);
}

TEST(Template, ThreadsRenderAtOnce) {
  const auto templates = Templates::compile({}, {file("smtp.tpl"), "smtp.tpl"}, false);
  ASSERT_TRUE(templates);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      auto with = fields();
      with.code = std::to_string(100000 + t);
      for (int i = 0; i < 500; ++i) {
        ASSERT_NE((*templates)->render(with, ChannelKind::email).body.find(with.code), std::string::npos);
      }
    });
  }
}

}  // namespace
}  // namespace otpgw::message
