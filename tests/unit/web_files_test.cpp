// Unit: the files of web/ and static/. Goal: a template that says nothing is refused by name and line, and
// the static files are served, and nothing else. Method: files written for it in a temporary folder.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "web/page_template.h"
#include "web/static_files.h"

namespace otpgw::web {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

struct Folder {
  fs::path path = fs::temp_directory_path() / ("otpgw-pages-" + std::to_string(::getpid()));
  Folder() { fs::create_directories(path / "sub"); }
  ~Folder() { fs::remove_all(path); }
  void write(const char* name, std::string_view text) const { std::ofstream(path / name) << text; }
};

TEST(PageTemplateTest, BadTemplatesAreNamed) {
  const Folder folder;
  const auto error = [&](const char* text) {
    folder.write("bad.html", text);
    const auto loaded = PageTemplate::load({folder.path}, "bad", {{"title", "{{> part}}"}});
    return loaded ? "" : loaded.error();
  };
  EXPECT_THAT(error("\n{{nonsense}}"), AllOf(HasSubstr("bad.html:2: {{nonsense}}"), HasSubstr("no field")));
  EXPECT_THAT(error("{{#nonsense}}"), AllOf(HasSubstr("bad.html:1: {{#nonsense}}"), HasSubstr("no flag")));
  EXPECT_THAT(error("{{t.nonsense}}"), AllOf(HasSubstr("bad.html:1: {{t.nonsense}}"), HasSubstr("no text")));
  EXPECT_THAT(error("{{t.title}}"), HasSubstr("part.html"));
  EXPECT_THAT(error("a {{id"), HasSubstr("bad.html:1: {{id: the tag has no end"));
  EXPECT_THAT(error("{{> bad}}"), HasSubstr("contains itself"));
  EXPECT_THAT(error("{{#popup}}"), HasSubstr("bad.html"));
  EXPECT_THAT(error("{{> missing}}"), HasSubstr("missing.html"));
  EXPECT_THAT(error("{{> code}}"), HasSubstr("{{> code}}"));
  EXPECT_EQ(error("{{! why }}{{#popup}}{{ id }}{{/popup}}"), "");
  EXPECT_THAT(error("{{a\nb}}"), HasSubstr("{{a?b}}: no field"));
  EXPECT_THAT(error("{{#popup}}{{/a\nb}}"), AllOf(HasSubstr("bad.html"), Not(HasSubstr("\n"))));
  EXPECT_THAT(error("\x1f!"), HasSubstr("0x1F"));
  const std::string long_name = "{{> " + std::string(300, 'a') + "}}";
  EXPECT_THAT(error(long_name.c_str()), HasSubstr("too long"));
  EXPECT_THAT(PageTemplate::load({folder.path}, "absent", {}).error(), HasSubstr("absent.html"));
}

struct StaticTest : ::testing::Test {
  StaticTest() {
    fs::create_directories(folder.path / "static/sub");
    fs::create_directories(folder.path / "own/static");
    folder.write("static/a.js", "let a;");
    folder.write("static/sub/b.css", "b {}");
    folder.write("static/own.css", "ours {}");
    folder.write("own/static/own.css", "theirs {}");
    folder.write("static/long.css", std::string(1000, ' '));
    folder.write("static/secret.toml", "no");
    fs::create_symlink("/etc/hostname", folder.path / "static/link.js");
    auto read = StaticFiles::read({folder.path / "none", folder.path / "own", folder.path});
    EXPECT_TRUE(read) << read.error();
    files = std::move(*read);
  }
  http::Response get(std::string_view path, std::string_view etag = "", std::string_view encodings = "") {
    http::Request request;
    request.headers = {{"if-none-match", etag}, {"accept-encoding", encodings}};
    return files.answer(request, path);
  }
  Folder folder;
  StaticFiles files;
};

TEST_F(StaticTest, ServesWithTypeAndEtag) {
  const auto script = get("a.js");
  EXPECT_EQ(script.status, 200);
  EXPECT_EQ(script.content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(script.body, "let a;");
  EXPECT_EQ(get("sub/b.css").body, "b {}");
  EXPECT_EQ(get("own.css").body, "theirs {}");

  const auto at = script.headers.find("ETag: ") + 6;
  const std::string etag = script.headers.substr(at, script.headers.find('\r', at) - at);
  const auto again = get("a.js", "W/\"x\", " + etag);
  EXPECT_EQ(again.status, 304);
  EXPECT_THAT(again.body, IsEmpty());
  EXPECT_THAT(again.headers, HasSubstr(etag));
}

TEST_F(StaticTest, CompressesForWhoTakesGzipAndWhereItIsSmaller) {
  for (const char* takes : {"gzip", "br, gzip, *", "br;q=1.0,gzip;q=0.5"}) {
    const auto small = get("long.css", "", takes);
    EXPECT_THAT(small.headers,
                AllOf(HasSubstr("Content-Encoding: gzip\r\n"), HasSubstr("Vary: Accept-Encoding\r\n")));
    EXPECT_THAT(small.body, StartsWith("\x1f\x8b")) << takes;
    EXPECT_LT(small.body.size(), 100);
  }
  for (const char* refuses : {"", "identity", "br", "gzip;q=0", "gzip;q=0.0, br"}) {
    const auto plain = get("long.css", "", refuses);
    EXPECT_THAT(plain.headers,
                AllOf(Not(HasSubstr("Content-Encoding")), HasSubstr("Vary: Accept-Encoding\r\n")));
    EXPECT_EQ(plain.body.size(), 1000) << refuses;
  }
  EXPECT_THAT(get("a.js", "", "gzip").headers, Not(HasSubstr("Content-Encoding")));
}

TEST_F(StaticTest, AnotherTextHasAnotherTag) {
  const auto before = get("a.js").headers;
  files.set_text("a.js", "let b;");
  EXPECT_EQ(files.text("a.js"), "let b;");
  EXPECT_EQ(get("a.js").body, "let b;");
  EXPECT_NE(get("a.js").headers, before);
  files.set_text("none.js", "let c;");
  EXPECT_EQ(files.text("none.js"), "");
  EXPECT_EQ(get("none.js").status, 404);
}

TEST_F(StaticTest, NothingElseIsReachable) {
  for (const char* path :
       {"", "secret.toml", "link.js", "../web/code.html", "%2e%2e/web/code.html", "sub", "/a.js"}) {
    EXPECT_EQ(get(path).status, 404) << path;
  }
}

}  // namespace
}  // namespace otpgw::web
