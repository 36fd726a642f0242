// The gateway's clock. Goal: within a boot, wall time is asked once; after a reboot, anew. Method: files as
// an earlier start of this boot and of another boot would have left them.
#include "core/otp/boot_clock.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/wire/boot_time.h"

namespace otpgw::otp {
namespace {

constexpr UnixMs kDay = 24 * 3600 * 1000, kSlack = 10'000;

class BootClockTest : public testing::Test {
 protected:
  BootClockTest() {
    std::string made = (std::filesystem::temp_directory_path() / "boot_clock.XXXXXX").string();
    folder_ = ::mkdtemp(made.data());
  }
  ~BootClockTest() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::filesystem::path file() const { return folder_ / "clock"; }
  [[nodiscard]] UnixMs opened_now() const {
    const auto clock = BootClock::open(file());
    return clock ? clock->now() : 0;
  }

  std::filesystem::path folder_;
};

TEST_F(BootClockTest, BeginsWithWallTimeAndGoesOnWithTheBoots) {
  const auto first = BootClock::open(file());
  ASSERT_TRUE(first);
  EXPECT_NEAR(static_cast<double>(first->now()), static_cast<double>(SystemClock().now()), kSlack);
  const auto before = first->now();
  EXPECT_GE(opened_now(), before);
}

TEST_F(BootClockTest, WhatThisBootBeganWithCounts) {
  const auto yesterday = SystemClock().now() - kDay;
  std::ofstream(file()) << wire::boot_id() << ' ' << yesterday - wire::boot_ms() << '\n';
  EXPECT_NEAR(static_cast<double>(opened_now()), static_cast<double>(yesterday), kSlack);
}

TEST_F(BootClockTest, AnotherBootsOrAHalfFileDoesNot) {
  const auto yesterday = SystemClock().now() - kDay;
  for (const auto& text :
       {"another-boot " + std::to_string(yesterday - wire::boot_ms()), wire::boot_id(), std::string()}) {
    std::ofstream(file()) << text << '\n';
    EXPECT_NEAR(static_cast<double>(opened_now()), static_cast<double>(SystemClock().now()), kSlack) << text;
    const auto kept = opened_now();
    EXPECT_GE(opened_now(), kept) << "the file was made anew";
  }
}

TEST_F(BootClockTest, ALinkThatWaitsBesideItIsNotFollowed) {
  const auto victim = folder_ / "victim";
  std::filesystem::create_symlink(victim, folder_ / "clock.new");
  ASSERT_TRUE(BootClock::open(file()));
  EXPECT_FALSE(std::filesystem::exists(victim));
  EXPECT_FALSE(std::filesystem::is_symlink(file()));
}

TEST_F(BootClockTest, AFileThatCantBeWrittenIsAnErrorThatNamesIt) {
  const auto clock = BootClock::open(folder_ / "missing" / "clock");
  ASSERT_FALSE(clock);
  EXPECT_NE(clock.error().find("missing/clock"), std::string::npos) << clock.error();
}

}  // namespace
}  // namespace otpgw::otp
