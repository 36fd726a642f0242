// [fallback]. Goal: the time of a step is what is written, 20 s without it, and never zero. Method: load() on
// a real file.
#include "config_fixture.h"

namespace otpgw::config {
namespace {

class FallbackConfigTest : public ConfigTest {
 protected:
  static std::string with(const std::string& line) { return "[fallback]\n" + line + "\n" + kAuth; }
};

TEST_F(FallbackConfigTest, AStepHasATimeOut) {
  using namespace std::chrono_literals;
  EXPECT_EQ(loaded(with("")).fallback.step_timeout, 20s);
  EXPECT_EQ(loaded(with("step_timeout = \"1m30s\"")).fallback.step_timeout, 90s);
  EXPECT_TRUE(refusal(with("step_timeout = 0")).starts_with("config.toml:2: fallback.step_timeout: expected"))
      << refusal(with("step_timeout = 0"));
}

}  // namespace
}  // namespace otpgw::config
