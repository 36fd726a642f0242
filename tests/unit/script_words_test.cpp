// Unit: the words of otp.js (web/script_words.h). Goal: it has those of every language, the default one
// first, as they are meant; a script of the operator's own stays as it is. Method: small scripts and texts,
// and ours.
#include "web/script_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "web/assets.h"

namespace otpgw::web {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Texts texts(const std::string& open, const std::string& dir) {
  return {{"dir", dir},
          {"verification", "V"},
          {"close", "C"},
          {"modal_failed", "F"},
          {"modal_open", text_as_html(open)}};
}

TEST(ScriptWordsTest, OfEveryLanguageTheDefaultFirst) {
  const Locales locales = {{"ar", texts("\"<a> & 'b'", "rtl")}, {"en", texts("Open", "ltr")}};
  const std::string rest = R"("verification":"V","close":"C","modal_failed":"F","modal_open":)";
  EXPECT_EQ(with_words("a;\nconst words = {\n};\nb;\n", locales, "en"),
            R"(a;
const words = {"en":{"dir":"ltr",)" +
                rest + R"("Open"},"ar":{"dir":"rtl",)" + rest + R"("\"<a> & 'b'"}};
b;
)");
  EXPECT_THAT(with_words("const words = {};\n", locales, "ar"), HasSubstr("= {\"ar\":"));
  EXPECT_EQ(with_words("const own = 1;\n", locales, "en"), "const own = 1;\n");
}

TEST(ScriptWordsTest, OursHasAPlaceForThem) {
  config::Config config;
  config.app.root_url = "http://localhost";
  config.app.locale = "hi";
  const otp::SystemClock clock;
  const auto assets = Assets::read(config, OTPGW_SOURCE_DIR, clock);
  ASSERT_TRUE(assets) << assets.error();
  EXPECT_THAT(std::string((*assets)->files.text("otp.js")),
              AllOf(HasSubstr("const words = {\"hi\":{\"dir\":\"ltr\","), HasSubstr("فتح صفحة التحقق"),
                    HasSubstr("\"modal_open\":\"Open the verification page\"}};\n")));
}

}  // namespace
}  // namespace otpgw::web
