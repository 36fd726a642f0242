// Goal: Basic authentication says what is wrong in the words that applications match on; retries pause as
// documented. Method: tables.

#include <gtest/gtest.h>

#include "core/auth/basic_auth.h"
#include "core/delivery/retry_policy.h"

namespace otpgw {
namespace {

class BasicAuthTest : public testing::Test {
 protected:
  BasicAuthTest() {
    config_.namespaces["app"].name = "app";
    config_.namespaces["app"].secrets = {"se:cret"};
  }
  config::Config config_;
};

TEST_F(BasicAuthTest, FindsTheNamespace) {
  const auth::BasicAuth auth(config_);
  const auto found = auth.check("Basic YXBwOnNlOmNyZXQ=");  // app:se:cret
  ASSERT_TRUE(found);
  EXPECT_EQ((*found)->name, "app");
  EXPECT_TRUE(auth.check("bAsIc  YXBwOnNlOmNyZXQ="));
}

TEST_F(BasicAuthTest, TakesEachOfSeveralSecrets) {
  config_.namespaces["app"].secrets.emplace_back("right");
  config_.namespaces["other"].name = "other";
  config_.namespaces["other"].secrets = {"se:cret"};
  const auth::BasicAuth auth(config_);
  EXPECT_TRUE(auth.check("Basic YXBwOnNlOmNyZXQ="));      // app:se:cret
  EXPECT_TRUE(auth.check("Basic YXBwOnJpZ2h0"));          // app:right
  EXPECT_FALSE(auth.check("Basic YXBwOndyb25n"));         // app:wrong
  EXPECT_TRUE(auth.check("Basic b3RoZXI6c2U6Y3JldA=="));  // other:se:cret
  EXPECT_FALSE(auth.check("Basic b3RoZXI6cmlnaHQ="));     // other:right
}

TEST_F(BasicAuthTest, TakesASecretOfWhichItKnowsTheHashAlone) {
  config_.namespaces["app"].secrets.clear();
  config_.namespaces["app"].secret_sha256 = {
      // sha256sum of "right"
      "27042f4e6eca7d0b2a7ee4026df2ecfa51d3339e6d122aa099118ecd8563bad9"};
  const auth::BasicAuth auth(config_);
  EXPECT_TRUE(auth.check("Basic YXBwOnJpZ2h0"));       // app:right
  EXPECT_FALSE(auth.check("Basic YXBwOndyb25n"));      // app:wrong
  EXPECT_FALSE(auth.check("Basic YXBwOnNlOmNyZXQ="));  // app:se:cret
  // The hash itself opens nothing.
  EXPECT_FALSE(auth.check(
      "Basic YXBwOjI3MDQyZjRlNmVjYTdkMGIyYTdlZTQwMjZkZjJlY2ZhNTFkMzMzOWU2ZDEyMmFhMDk5MTE4ZWNkODU2M2JhZDk="));
}

TEST_F(BasicAuthTest, SaysWhatIsWrong) {
  const auth::BasicAuth auth(config_);
  const std::vector<std::pair<std::string, std::string>> table = {
      {"", "Missing Basic Authorization header."},
      {"Bearer x", "Missing Basic Authorization header."},
      {"Basic", "Missing Basic Authorization header."},
      {"Basic %%%", "Invalid Base64 value in Basic Authorization header."},
      {"Basic YXBwOnNlOmNyZXQ", "Invalid Base64 value in Basic Authorization header."},
      {"Basic YXBw", "Invalid value in Basic Authorization header."},
      {"Basic YXBwOndyb25n", "Invalid API credentials."},          // app:wrong
      {"Basic b3RoZXI6c2U6Y3JldA==", "Invalid API credentials."},  // other:se:cret
      {"Basic YXBwOg==", "Invalid API credentials."},              // app:
  };
  for (const auto& [header, text] : table) {
    const auto result = auth.check(header);
    ASSERT_FALSE(result) << header;
    EXPECT_EQ(result.error(), text) << header;
  }
}

TEST(RetryPolicy, PausesOneThreeEightThenTwentySeconds) {
  using std::chrono::milliseconds;
  const int seconds[] = {1, 3, 8, 20, 20, 20};
  for (int tries = 1; tries <= 6; ++tries) {
    const milliseconds base{seconds[tries - 1] * 1000};
    EXPECT_EQ(delivery::pause_after(tries, 0), base);
    EXPECT_EQ(delivery::pause_after(tries, 1), base * 12 / 10);
    EXPECT_EQ(delivery::pause_after(tries, -1), base * 8 / 10);
    EXPECT_EQ(delivery::pause_after(tries, 9), base * 12 / 10);
  }
}

}  // namespace
}  // namespace otpgw
