// Unit: the style in the pages (web/page_style.h). Goal: the page carries the sheet, smaller and with the
// same meaning, and the hash is of exactly what stands between the tags; a sheet that a page can't hold is
// linked. Method: hashes from sha256sum; sheets with what a careless shortening would break.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "web/page_style.h"

namespace otpgw::web {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kUrl = "/gw/static/style.css";
constexpr const char* kLink = "<link rel=\"stylesheet\" href=\"/gw/static/style.css\">";

std::string shortened(std::string_view css) {
  const std::string html = page_style(css, kUrl, "").html;
  EXPECT_THAT(html, StartsWith("<style>"));
  return html.substr(7, html.size() - 7 - 8);
}

TEST(PageStyleTest, TheHashesAreOfWhatStandsInThePage) {
  const PageStyle style = page_style("a {\n  color: red;\n}\n", kUrl, ":root{--accent:#fff}");
  EXPECT_EQ(style.html, "<style>a {color: red;}</style><style>:root{--accent:#fff}</style>");
  EXPECT_EQ(style.sources,
            " 'sha256-pHtZe1ygBMdihI6NVfeU6l0HbQfDQwWldRDQZg9O6nw='"
            " 'sha256-yeUSWaPb6r8Kz3M4dDroP0yTRcCMu43K9cliY3l++AM='");
}

TEST(PageStyleTest, OnlyCommentsAndWhitespaceGo) {
  EXPECT_EQ(
      shortened("/* Whose page\n it is. */\n\nheader {\r\n\tmargin : 0;\n\n  gap: 1px; /* small */\n}\n"),
      "header {margin : 0;gap: 1px;}");
  EXPECT_EQ(shortened("a /* x */ .b, a/**/.b,\n a  .b { margin: 1px/* y */2px }"),
            "a .b,a/**/.b,a .b {margin: 1px/**/2px }");
  EXPECT_EQ(shortened("q::before { content: \"/*  '\" } q::after { content: '  \"*/' }"),
            "q::before {content: \"/*  '\" }q::after {content: '  \"*/' }");
  EXPECT_EQ(shortened("b  {  }  \\26\n  i {}"), "b  {  }  \\26\n  i {}")
      << "an escape may end with whitespace";
  EXPECT_EQ(shortened("a{} /* no end"), "a{}");
  EXPECT_EQ(shortened("a{content:\" no end"), "a{content:\" no end");
  EXPECT_EQ(shortened(""), "");
}

TEST(PageStyleTest, WhatAPageCantHoldIsLinked) {
  using namespace std::string_literals;
  for (const std::string& css :
       {"a { background: URL(paper.svg) }"s, "@import \"more.css\";"s,
        "a { background: image-set(\"x.png\" 1x) }"s, "a::before { content: \"</style>\" }"s,
        "a{content:\"\xff\"}"s, "a{content:\"\0\"}"s,
        "\xef\xbb\xbf"
        "a {}"s,
        "a{content:\"\\\r\n\"}"s, std::string(9000, 'a')}) {
    const PageStyle style = page_style(css, kUrl, "b{}");
    EXPECT_EQ(style.html, std::string(kLink) + "<style>b{}</style>") << css;
    EXPECT_THAT(style.sources, StartsWith(" 'sha256-"));
    EXPECT_EQ(page_style(css, kUrl, "").sources, "");
  }
  EXPECT_THAT(page_style("@import", "/a&b\"", "").html, HasSubstr("href=\"/a&amp;b&quot;\""));
}

}  // namespace
}  // namespace otpgw::web
