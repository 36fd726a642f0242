// Unit: languages of the pages (web/locales, languages.h). Goal: every language says everything that a page
// needs and nothing else, and each person gets the best one. Method: the shipped files against the shipped
// templates; broken files in a temporary folder.
#include "web/locales.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "core/config/languages.h"
#include "core/config/toml_file.h"
#include "core/config/values.h"
#include "web/page_template.h"

namespace otpgw::web {
namespace {

namespace fs = std::filesystem;
using config::is_language_tag;
using config::Languages;
using ::testing::AllOf;
using ::testing::HasSubstr;

const fs::path kWeb = fs::path(OTPGW_SOURCE_DIR) / "web";

std::string content(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return std::move(text).str();
}

std::set<std::string> found(const std::string& text, const char* pattern) {
  const std::regex regex(pattern);
  std::set<std::string> names;
  for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at) names.insert((*at)[1]);
  return names;
}

std::map<std::string, std::string> texts_of(const fs::path& file) {
  std::map<std::string, std::string> texts;
  const config::Node node = config::read_toml(file);
  for (const auto& [key, value] : *node.table()) texts.emplace(key, *config::as_text(value));
  return texts;
}

TEST(ShippedLocales, EveryLanguageSaysEverything) {
  const auto english = texts_of(kWeb / "locales/en.toml");
  int languages = 0;
  for (const auto& entry : fs::directory_iterator(kWeb / "locales")) {
    const auto texts = texts_of(entry.path());
    ++languages;
    for (const auto& [key, text] : english) {
      const auto translated = texts.find(key);
      if (translated == texts.end()) {
        ADD_FAILURE() << entry.path() << " lacks " << key;
        continue;
      }
      // A field that English doesn't print there may be empty on that page.
      const char* tag = R"(\{\{>? ?([a-z_]+)\}\})";
      EXPECT_THAT(found(text, tag), ::testing::IsSupersetOf(found(translated->second, tag)))
          << entry.path() << ": " << key;
    }
    for (const auto& [key, text] : texts) EXPECT_TRUE(english.contains(key)) << entry.path() << ": " << key;
  }
  EXPECT_GE(languages, 3);
}

TEST(ShippedLocales, EveryTextIsOnAPage) {
  std::set<std::string> used = {"dir"};
  used.merge(found(content(kWeb / "../static/otp.js"), R"re("([a-z_]+)":")re"));
  for (const auto& entry : fs::directory_iterator(kWeb)) {
    if (entry.path().extension() == ".html")
      used.merge(found(content(entry.path()), R"(\{\{t\.([a-z_]+)\}\})"));
  }
  for (const auto& [key, text] : texts_of(kWeb / "locales/en.toml")) {
    EXPECT_TRUE(used.contains(key)) << key << " stands in no template";
  }
}

TEST(ShippedLocales, TemplatesHaveNoWordsOfTheirOwn) {
  for (const auto& entry : fs::directory_iterator(kWeb)) {
    if (entry.path().extension() != ".html") continue;
    std::string text = content(entry.path());
    for (const char* markup : {R"(\{\{[^}]*\}\})", "<[^>]*>", R"([a-z-]+="[^"]*")"}) {
      text = std::regex_replace(text, std::regex(markup), " ");
    }
    EXPECT_THAT(found(text, R"(([[:alpha:]]{2,}))"), ::testing::IsEmpty()) << entry.path();
  }
}

TEST(PagesReadme, NamesEveryFlagAndField) {
  const auto readme = content(kWeb / "README.md");
  const auto tables = readme.substr(readme.find("| flag |"));
  const auto fields_at = tables.find("| field |");
  std::size_t flags = 0, fields = 0;
  for (const auto& [part, count] :
       {std::pair{tables.substr(0, fields_at), &flags}, {tables.substr(fields_at), &fields}}) {
    std::istringstream lines(part);
    for (std::string line; std::getline(lines, line);) {
      // The names stand in the first column.
      for (const auto& name : found(line.substr(0, line.find(" | ")), "`([a-z_]+)`")) {
        EXPECT_TRUE(count == &flags ? is_flag(name) : is_field(name)) << name;
        ++*count;
      }
    }
  }
  EXPECT_EQ(flags, static_cast<std::size_t>(Flag::count));
  EXPECT_EQ(fields, static_cast<std::size_t>(Field::count));
}

struct LocalesTest : ::testing::Test {
  LocalesTest() {
    fs::create_directories(folder / "own/locales");
    fs::create_directories(folder / "ours/locales");
    write("ours/locales/en.toml", "title = \"Code <6> of {{namespace}}\"\nend = \"End\"");
    write("ours/locales/ar.toml", "dir = \"rtl\"\ntitle = \"رمز\"");
  }
  ~LocalesTest() override { fs::remove_all(folder); }
  void write(const char* name, const char* text) const { std::ofstream(folder / name) << text; }
  [[nodiscard]] std::string error(const char* text) const {
    write("own/locales/hi.toml", text);
    const auto loaded = load_locales(folders);
    return loaded ? "" : loaded.error();
  }

  fs::path folder = fs::temp_directory_path() / ("otpgw-locales-" + std::to_string(::getpid()));
  Folders folders = {folder / "own", folder / "ours"};
};

TEST_F(LocalesTest, WhatALanguageLacksIsEnglish) {
  const auto locales = load_locales(folders);
  ASSERT_TRUE(locales) << locales.error();
  const Texts expected = {{"title", "رمز"}, {"end", "End"}, {"dir", "rtl"}, {"lang", "ar"}};
  EXPECT_EQ(locales->at("ar"), expected);
  EXPECT_EQ(locales->at("en").at("title"), "Code &lt;6&gt; of {{namespace}}");
  EXPECT_EQ(locales->at("en").at("dir"), "ltr");
}

TEST_F(LocalesTest, OwnTextsComeBeforeOurs) {
  write("own/locales/en.toml", "title = \"Own\"\nnew = \"New\"");
  write("own/locales/ar.toml", "end = \"نهاية\"");
  write("own/locales/pt-BR.toml", "end = \"Fim\"");
  const auto locales = load_locales(folders);
  ASSERT_TRUE(locales) << locales.error();
  EXPECT_EQ(locales->at("ar"),
            (Texts{{"title", "رمز"}, {"end", "نهاية"}, {"new", "New"}, {"dir", "rtl"}, {"lang", "ar"}}));
  EXPECT_EQ(locales->at("pt-br"),
            (Texts{{"title", "Own"}, {"end", "Fim"}, {"new", "New"}, {"dir", "ltr"}, {"lang", "pt-BR"}}));
}

TEST_F(LocalesTest, BadFilesAreNamed) {
  EXPECT_EQ(error("title = \"{{namespace}} {{> part}}\""), "");
  EXPECT_THAT(error("\ntitel = \"x\""), AllOf(HasSubstr("hi.toml:2: titel"), HasSubstr("en.toml")));
  EXPECT_THAT(error("title = \"{{nonsense}}\""), AllOf(HasSubstr("hi.toml:1"), HasSubstr("{{nonsense}}")));
  EXPECT_THAT(error("title = \"{{#popup}}x{{/popup}}\""), HasSubstr("hi.toml:1"));
  EXPECT_THAT(error("title = \"{{id\""), HasSubstr("no end"));
  EXPECT_THAT(error("title = 5"), HasSubstr("expected a text"));
  EXPECT_THAT(error("dir = \"up\""), HasSubstr("rtl"));
  EXPECT_THAT(error("title = \"{{a\\nb}}\""), HasSubstr("{{a?b}}"));
  EXPECT_THAT(error("not toml"), HasSubstr("hi.toml:1"));
  EXPECT_EQ(error(""), "");
  write("own/locales/my_language.toml", "");
  EXPECT_THAT(error(""), HasSubstr("my_language.toml"));
  fs::remove(folder / "ours/locales/en.toml");
  EXPECT_THAT(load_locales({folder / "ours"}).error(), HasSubstr("en.toml"));
}

TEST(LanguagesTest, TheFirstThatIsKnownIsSpoken) {
  const Languages languages({"ar", "en", "hi", "pt-br"}, "ar");
  const auto choose = [&](std::string_view lang, std::string_view locale, std::string_view accept) {
    return languages.choose({lang, locale}, accept);
  };
  EXPECT_EQ(choose("hi", "en", "en"), "hi");
  EXPECT_EQ(choose("", "hi", "en"), "hi");
  EXPECT_EQ(choose("xx", "HI-in", "en"), "hi");
  EXPECT_EQ(choose("../en", "e", "hi"), "hi");
  EXPECT_EQ(choose("", "", ""), "ar");
  EXPECT_EQ(choose("pt", "", ""), "pt-br");
  EXPECT_EQ(choose("p", "", ""), "ar");
}

TEST(LanguagesTest, AcceptLanguageGoesByQuality) {
  const Languages languages({"ar", "en", "hi"}, "ar");
  const std::map<std::string_view, std::string_view> expected = {
      {"hi-IN,en;q=0.9", "hi"},
      {"en;q=0.8, hi;q=0.9", "hi"},
      {"en;q=0.8 ,\thi ; q=0.801", "hi"},
      {"en, hi", "en"},
      {"fr-FR, fr;q=0.9, hi;q=0.1", "hi"},
      {"en;q=0", "ar"},
      {"en;q=0.000, hi;q=0.001", "hi"},
      {"*", "ar"},
      {"en;q=x, hi;q=1.000", "hi"},
      {"en;q=7.5", "en"},
      {"en;v=1;q=0.5, hi;q=0.6", "hi"},
      {",,;;q=1,", "ar"},
      {"hi;q=", "ar"},
  };
  for (const auto& [header, language] : expected)
    EXPECT_EQ(languages.choose({""}, header), language) << header;
  std::string endless;
  for (int i = 0; i < 1000; ++i) endless += "xx-yy;q=0.5,";
  EXPECT_EQ(languages.choose({endless}, endless + "hi;q=0.1"), "hi");
}

TEST(LanguagesTest, TagsHaveAShape) {
  for (const char* tag : {"en", "hi-IN", "zh-Hant-TW", "sl-rozaj-biske-1994", "de-DE-u-co-phonebk"}) {
    EXPECT_TRUE(is_language_tag(tag)) << tag;
  }
  for (const char* tag : {"", "e", "12", "en-", "-en", "en--US", "en_US", "en/..", "abcdefghi", "e1-US",
                          "hi\n", "en-aaaaaaaa-bbbbbbbb-cccccccc-dddddddd"}) {
    EXPECT_FALSE(is_language_tag(tag)) << tag;
  }
}

}  // namespace
}  // namespace otpgw::web
