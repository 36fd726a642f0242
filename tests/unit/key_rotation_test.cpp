// Goal: no order of --rotate-key, --drop-old-keys, SIGHUP and restart takes a key away that a live code may
// need. Method: real files, and a gateway that is its clock, its keys and what it notes down.

#include "core/otp/key_rotation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace otpgw::otp {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr int64_t kMinute = 60'000, kDay = 24 * 60 * kMinute;

class KeyRotationTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "key_rotation_test.XXXXXX").string();
    folder_ = mkdtemp(name.data());
    ASSERT_TRUE(read_or_make_key_file(file(), true));
    start();
  }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] fs::path file() const { return folder_ / "key"; }
  [[nodiscard]] fs::path note() const { return folder_ / kKeyInUseFile; }
  [[nodiscard]] KeyRing ring() const { return read_key_file(file()).value(); }

  void start() {
    gateway_.clear();
    EXPECT_EQ(reload(), "");
  }
  std::string reload() {
    auto fresh = ring();
    if (const auto taken = take_into_use(note(), gateway_, fresh, now_); !taken) return taken.error();
    gateway_ = std::move(fresh);
    return {};
  }
  // "" for success.
  [[nodiscard]] std::string rotate() const {
    const auto done = rotate_key_file(file(), read_key_in_use(note()), now_);
    return done ? "" : done.error();
  }
  [[nodiscard]] std::string drop() const {
    const auto done = drop_old_keys(file(), read_key_in_use(note()), now_);
    return done ? "" : done.error();
  }

  UnixMs now_ = 1'700'000'000'000;
  KeyRing gateway_;  // what it works with
  fs::path folder_;
};

TEST_F(KeyRotationTest, ANewKeyComesBeforeTheFormer) {
  const auto first = ring().front();
  EXPECT_EQ(rotate(), "");
  ASSERT_EQ(ring().size(), 2u);
  EXPECT_EQ(ring()[1], first);
  EXPECT_NE(ring()[0], first);
}

TEST_F(KeyRotationTest, TheKeyInUseStaysThoughItsFileIsOld) {
  now_ += 30 * kDay;
  EXPECT_EQ(rotate(), "");
  now_ += 2 * kDay;  // and nobody has sent SIGHUP
  const auto before = ring();
  EXPECT_THAT(rotate(), HasSubstr("send SIGHUP"));
  EXPECT_THAT(drop(), HasSubstr("send SIGHUP"));
  EXPECT_EQ(ring(), before);
  EXPECT_EQ(reload(), "");
  EXPECT_EQ(gateway_, before);
}

TEST_F(KeyRotationTest, AFormerKeyStaysForADayAfterTheSighup) {
  EXPECT_EQ(rotate(), "");
  now_ += 2 * kDay;
  EXPECT_EQ(reload(), "");
  now_ += kMinute;
  EXPECT_THAT(drop(), HasSubstr("may still live; wait until "));
  EXPECT_EQ(ring().size(), 2u);
  now_ += kDay - kMinute;
  EXPECT_THAT(drop(), HasSubstr("wait until "));  // a record of a used code is kept for one minute more
  now_ += kMinute;
  EXPECT_EQ(drop(), "");
  EXPECT_EQ(ring(), KeyRing{gateway_.front()});
  EXPECT_EQ(drop(), "");
  EXPECT_EQ(reload(), "");
  EXPECT_EQ(gateway_.size(), 1u);
}

TEST_F(KeyRotationTest, ARestartTakesAKeyIntoUseToo) {
  EXPECT_EQ(rotate(), "");
  start();
  const auto both = ring();
  now_ += kDay / 2;
  start();  // which does not begin the day anew
  EXPECT_EQ(rotate(), "");
  EXPECT_EQ(reload(), "");
  EXPECT_EQ(gateway_.size(), 3u);
  now_ += kDay + kMinute;
  EXPECT_EQ(rotate(), "");  // which leaves out what nothing needs
  EXPECT_EQ(ring().size(), 2u);
  EXPECT_EQ(ring()[1], gateway_.front());
  EXPECT_EQ(reload(), "");
}

TEST_F(KeyRotationTest, AFullFileIsNotRotated) {
  for (int keys = 2; keys <= 4; ++keys) {
    EXPECT_EQ(rotate(), "");
    EXPECT_EQ(reload(), "");
  }
  const auto full = ring();
  EXPECT_EQ(full.size(), 4u);
  EXPECT_THAT(rotate(), HasSubstr("wait until "));
  EXPECT_EQ(ring(), full);
}

TEST_F(KeyRotationTest, AReloadLosesNoKeyThatIsNeeded) {
  EXPECT_EQ(rotate(), "");
  EXPECT_EQ(reload(), "");
  const auto both = gateway_;
  ASSERT_TRUE(replace_key_file(file(), {both[1]}));  // as by hand
  EXPECT_THAT(reload(), HasSubstr("sealed with at present"));
  ASSERT_TRUE(replace_key_file(file(), {both[0]}));
  EXPECT_THAT(reload(), HasSubstr("codes may still need"));
  EXPECT_EQ(gateway_, both);
  fs::remove(note());
  EXPECT_THAT(reload(), HasSubstr("codes may still need"));  // as far as anybody knows
  ASSERT_TRUE(replace_key_file(file(), both));
  EXPECT_EQ(reload(), "");
  now_ += kDay + kMinute;
  ASSERT_TRUE(replace_key_file(file(), {both[0]}));
  EXPECT_EQ(reload(), "");
}

TEST_F(KeyRotationTest, WithoutANoteOnlyASingleKeyIsReplaced) {
  for (const char* text : {"", "half"}) {
    fs::remove(note());
    if (*text != '\0') std::ofstream(note()) << text;
    ASSERT_TRUE(replace_key_file(file(), {fresh_key()}));
    now_ += 30 * kDay;
    EXPECT_EQ(rotate(), "");
    EXPECT_EQ(ring().size(), 2u);
    EXPECT_THAT(rotate(), HasSubstr("has not noted down"));
    EXPECT_THAT(drop(), HasSubstr("has not noted down"));
    start();  // since when the newest is in use is not known: since now, then
    EXPECT_THAT(drop(), HasSubstr("wait until "));
    now_ += kDay + kMinute;
    EXPECT_EQ(drop(), "");
  }
}

TEST_F(KeyRotationTest, TheNoteIsPrivateAndHoldsNoKey) {
  EXPECT_EQ(fs::status(note()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  std::ifstream in(note());
  const std::string text(std::istreambuf_iterator<char>(in), {});
  EXPECT_LT(text.size(), 64u);
  const auto& key = gateway_.front();
  EXPECT_EQ(text.find(std::string(key.begin(), key.begin() + 4)), text.npos);
}

TEST_F(KeyRotationTest, AClockThatWasAheadHoldsNothingUp) {
  const auto right = now_;
  now_ += 1000 * kDay;
  EXPECT_EQ(rotate(), "");
  EXPECT_EQ(reload(), "");
  now_ = right;  // after a reboot
  start();
  now_ += kDay + kMinute;
  EXPECT_EQ(drop(), "");
}

}  // namespace
}  // namespace otpgw::otp
