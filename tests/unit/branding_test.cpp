// Unit: how an application's pages look (web/site.h, theme.h, assets.h). Goal: each namespace has its own
// name, logo and colours, which can be read whatever they are; an operator's files come before ours, and bad
// ones are named. Method: many colours against the real style sheet; files in a temporary folder over the
// real ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <regex>
#include <sstream>

#include "core/config/web_address.h"
#include "web/assets.h"
#include "web/theme.h"

namespace otpgw::web {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

// The colours that a custom property gets, in the order of the text, as #rrggbb.
std::vector<std::string> values(const std::string& css, const std::string& property) {
  const std::regex regex("--" + property + ": ?#([0-9a-f]{3}|[0-9a-f]{6})[;}]");
  std::vector<std::string> found;
  for (std::sregex_iterator at(css.begin(), css.end(), regex), end; at != end; ++at) {
    std::string digits = (*at)[1];
    if (digits.size() == 3) digits = {digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]};
    found.push_back("#" + digits);
  }
  return found;
}

TEST(ThemeTest, ContrastIsThatOfWcag) {
  EXPECT_NEAR(contrast("#000000", "#ffffff"), 21, 0.001);
  EXPECT_NEAR(contrast("#ffffff", "#767676"), 4.54, 0.01);
  EXPECT_NEAR(contrast("#123456", "#123456"), 1, 0.001);
}

TEST(ThemeTest, EveryColourCanBeReadOnOurPages) {
  std::ostringstream style;
  style << std::ifstream(OTPGW_SOURCE_DIR "/static/style.css").rdbuf();
  const auto papers = values(style.str(), "paper"), cards = values(style.str(), "card");
  ASSERT_GE(papers.size(), 2U);  // light, dark
  ASSERT_GE(cards.size(), 2U);
  constexpr std::string_view kHex = "0123456789abcdef";
  for (std::size_t i = 0; i < 16 * 16 * 16; ++i) {
    std::string accent = "#";
    for (const std::size_t digit : {i / 256, i / 16 % 16, i % 16}) accent.append(2, kHex[digit]);
    const std::string css = theme_css(accent);
    EXPECT_EQ(values(css, "accent"), std::vector{accent});
    EXPECT_GE(contrast(values(css, "on-accent").at(0), accent), 4.5) << accent;
    const auto links = values(css, "link");
    ASSERT_EQ(links.size(), 2U);
    for (std::size_t mode = 0; mode < 2; ++mode) {
      EXPECT_GE(contrast(links[mode], papers[mode]), 4.5) << accent;
      EXPECT_GE(contrast(links[mode], cards[mode]), 4.5) << accent;
    }
  }
}

TEST(ThemeTest, AReadableAccentStaysAsItIs) {
  EXPECT_EQ(theme_css("#2450d6").substr(0, 52), ":root{--accent:#2450d6;--on-accent:#ffffff;--link:#2");
  EXPECT_THAT(theme_css("#2450d6"), HasSubstr("--link:#2450d6}"));
}

constexpr std::string_view kSheet = "a{}";

TEST(SitesTest, EachNamespaceHasItsOwnLook) {
  config::Config config;
  config.app.root_url = "https://otp.example/gw";
  config.app.logo_url = "https://logos.example/ours.svg";
  config.namespaces["plain"] = {.name = "plain", .secrets = {"s"}, .origins = {}};
  config.namespaces["R&D"] = {.name = "R&D", .secrets = {"s"}, .origins = {}};
  auto& branded = config.namespaces["R&D"];
  branded.display_name = "Research <b>";
  branded.logo_url = "https://cdn.example:8443/logo.png";
  branded.accent = "#0a7cff";
  const Sites sites = Sites::from(config, kSheet);
  const Site& plain = sites.of("plain");
  EXPECT_EQ(plain.name, "plain");
  EXPECT_EQ(plain.logo, "https://logos.example/ours.svg");
  EXPECT_EQ(plain.theme_url, "");
  EXPECT_EQ(plain.style, "<style>a{}</style>");
  EXPECT_THAT(plain.headers, HasSubstr("img-src 'self' https://logos.example;"));
  const Site& own = sites.of("R&D");
  EXPECT_EQ(own.name, "Research <b>");
  EXPECT_EQ(own.logo, "https://cdn.example:8443/logo.png");
  EXPECT_EQ(own.theme_url, "/gw/otp/R%26D/theme?v=0a7cff");
  EXPECT_THAT(own.theme, HasSubstr("--accent:#0a7cff;"));
  EXPECT_EQ(own.style, "<style>a{}</style><style>" + own.theme + "</style>");
  EXPECT_THAT(own.headers,
              AllOf(HasSubstr("img-src 'self' https://cdn.example:8443;"), Not(HasSubstr("logos"))));
  EXPECT_THAT(plain.headers, ContainsRegex("style-src 'self' 'sha256-[^ ;]*';"));
  EXPECT_THAT(own.headers, ContainsRegex("style-src 'self' 'sha256-[^ ;]*' 'sha256-[^ ;]*';"));
  EXPECT_TRUE(plain.own_logo && own.own_logo);
  EXPECT_EQ(sites.of("unknown").style, "<style>a{}</style>");
  EXPECT_FALSE(Sites::from({}, kSheet).of("unknown").own_logo);
  EXPECT_EQ(sites.of("unknown").name, "OTP Gateway");
}

// Each address that the configuration takes can be an image's, and the header names its site as browsers do.
TEST(SitesTest, ImagesComeFromTheirSites) {
  const std::map<std::string, std::string> sources = {
      {"HTTPS://CDN.example/x.svg", "'self' https://cdn.example;"},
      {"https://cdn.example?x=1", "'self' https://cdn.example;"},
      {"https://cdn.example:443/x", "'self' https://cdn.example;"},
      {"http://127.0.0.1:81#x", "'self' http://127.0.0.1:81;"},
      {"/img?u=http://a/b", "'self';"}};
  for (const auto& [url, source] : sources) {
    ASSERT_TRUE(config::is_image_url(url)) << url;
    config::Config config;
    config.app.logo_url = url;
    EXPECT_THAT(Sites::from(config, kSheet).of("unknown").headers, HasSubstr("img-src " + source)) << url;
  }
}

struct OwnFilesTest : ::testing::Test {
  OwnFilesTest() {
    fs::create_directories(folder / "locales");
    fs::create_directories(folder / "static");
    config.web.templates_dir = folder;
    config.app.root_url = "http://localhost";
  }
  ~OwnFilesTest() override { fs::remove_all(folder); }
  void write(const char* name, const std::string& text) const { std::ofstream(folder / name) << text; }
  // The page of an unknown OTP, or what is wrong with the files.
  std::string page(const std::string& language = "en") {
    const auto assets = Assets::read(config, OTPGW_SOURCE_DIR, clock);
    if (!assets) return assets.error();
    View view;
    view.language = language;
    return (*assets)->renderer.message_page(404, view, Message::expired).body;
  }
  const otp::SystemClock clock;
  config::Config config;
  fs::path folder = fs::temp_directory_path() / ("otpgw-branding-" + std::to_string(::getpid()));
};

TEST_F(OwnFilesTest, ReplaceOursOneByOne) {
  EXPECT_THAT(page(), HasSubstr("<h1>Session expired</h1>"));
  write("message.html",
        "{{> open}}<title>{{t.slogan}}</title>{{> body}}<h2>{{t.expired_title}}</h2>{{> close}}");
  write("locales/en.toml", "slogan = \"Fresh & quick\"");
  write("locales/de.toml", "expired_title = \"Abgelaufen\"");
  EXPECT_THAT(page(), AllOf(HasSubstr("<title>Fresh &amp; quick</title>"),
                            HasSubstr("<h2>Session expired</h2>"), HasSubstr("<style>:root {")));
  EXPECT_THAT(page("de"), AllOf(HasSubstr("lang=\"de\""), HasSubstr("<h2>Abgelaufen</h2>")));
  EXPECT_THAT(page("ar"), HasSubstr("<h2>انتهت صلاحية الجلسة</h2>"));
}

TEST_F(OwnFilesTest, TheStyleIsInThePageOrLinked) {
  write("static/style.css", "h1 {\n  color: red;\n}\n");
  EXPECT_THAT(page(), HasSubstr("\n<style>h1 {color: red;}</style>\n"));
  write("static/style.css", "h1 { background: url(paper.svg) }");
  EXPECT_THAT(page(), HasSubstr("\n<link rel=\"stylesheet\" href=\"/static/style.css\">\n"));
  write("open.html", "<link rel=\"stylesheet\" href=\"{{base}}/static/style.css\">");
  EXPECT_THAT(page(), AllOf(HasSubstr("href=\"/static/style.css\""), Not(HasSubstr("<style"))));
}

TEST_F(OwnFilesTest, BadOnesAreNamed) {
  write("message.html", "<p>\n{{user}}</p>");
  EXPECT_THAT(page(),
              AllOf(HasSubstr((folder / "message.html").string() + ":2: {{user}}"), HasSubstr("no field")));
  fs::remove(folder / "message.html");
  write("locales/fr.toml", "verifed_title = \"Vérifié\"");
  EXPECT_THAT(page(), HasSubstr((folder / "locales/fr.toml").filename().string() + ":1: verifed_title"));
}

TEST_F(OwnFilesTest, TheDefaultLanguageMustBeThere) {
  config.app.locale = "de";
  EXPECT_THAT(page(), AllOf(HasSubstr("app.locale"), HasSubstr("\"de\"")));
  write("locales/de.toml", "");
  const auto assets = Assets::read(config, OTPGW_SOURCE_DIR, clock);
  ASSERT_TRUE(assets) << assets.error();
  EXPECT_EQ((*assets)->renderer.language({"xx"}, "fr"), "de");
  EXPECT_EQ((*assets)->renderer.language({"xx"}, "fr, hi;q=0.1"), "hi");
}

}  // namespace
}  // namespace otpgw::web
