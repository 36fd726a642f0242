// Goal: the key file is private, survives what it is put through, and never loses a key that live codes need.
// Method: real files, whose age is set.

#include "core/otp/key_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

namespace otpgw::otp {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::chrono::seconds kLife = 1h;

class KeyFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "key_file_test.XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  void TearDown() override { fs::remove_all(folder_); }

  void age(std::chrono::seconds by) const { fs::last_write_time(file(), fs::last_write_time(file()) - by); }
  [[nodiscard]] mode_t mode() const {
    struct stat status {};
    EXPECT_EQ(stat(file().c_str(), &status), 0);
    return status.st_mode & 07777;
  }
  [[nodiscard]] fs::path file() const { return folder_ / "key"; }
  [[nodiscard]] KeyRing ring() const { return read_key_file(file()).value(); }

  fs::path folder_;
};

TEST_F(KeyFileTest, IsMadePrivateAndKept) {
  const auto made = read_or_make_key_file(file(), true);
  ASSERT_TRUE(made) << made.error();
  EXPECT_EQ(made->size(), 1u);
  EXPECT_EQ(mode(), 0600u);
  EXPECT_EQ(read_or_make_key_file(file(), true), made);
  EXPECT_EQ(read_key_file(file()), made);
}

TEST_F(KeyFileTest, MissingOddOrReadableIsRefused) {
  EXPECT_THAT(read_or_make_key_file(file(), false).error(), HasSubstr("missing although"));
  for (const int size : {0, 3, 33, 160}) {
    std::ofstream(file()) << std::string(size, 'k');
    fs::permissions(file(), fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_THAT(read_or_make_key_file(file(), true).error(), HasSubstr("exactly 32 bytes")) << size;
  }
  std::ofstream(file()) << std::string(32, 'k');
  for (const auto too_open : {fs::perms::others_read, fs::perms::group_read, fs::perms::group_write}) {
    fs::permissions(file(), fs::perms::owner_read | too_open);
    EXPECT_THAT(read_key_file(file()).error(), HasSubstr("chmod 600"));
  }
}

TEST_F(KeyFileTest, ANewKeyComesBeforeTheFormer) {
  const auto first = read_or_make_key_file(file(), true).value().front();
  fs::permissions(file(), fs::perms::owner_read);  // stays as it is
  ASSERT_TRUE(rotate_key_file(file(), kLife));
  EXPECT_EQ(mode(), 0400u);
  ASSERT_EQ(ring().size(), 2u);
  EXPECT_EQ(ring()[1], first);
  EXPECT_NE(ring()[0], first);
}

TEST_F(KeyFileTest, FormerKeysStayForAsLongAsTheirCodesLive) {
  const auto first = read_or_make_key_file(file(), true).value().front();
  for (int keys = 2; keys <= 4; ++keys) {
    ASSERT_TRUE(rotate_key_file(file(), kLife));
    EXPECT_EQ(ring().size(), static_cast<std::size_t>(keys));
    EXPECT_EQ(ring().back(), first);
  }
  const auto full = ring();
  EXPECT_THAT(rotate_key_file(file(), kLife).error(), HasSubstr("may still live; wait 3"));
  EXPECT_THAT(drop_old_keys(file(), kLife).error(), HasSubstr("may still live; wait 3"));
  EXPECT_EQ(ring(), full);

  age(kLife);
  ASSERT_TRUE(rotate_key_file(file(), kLife));  // which leaves out all that were not the newest for so long
  EXPECT_EQ(ring().size(), 2u);
  EXPECT_EQ(ring()[1], full[0]);
  const auto newest = ring().front();
  age(kLife);
  ASSERT_TRUE(drop_old_keys(file(), kLife));
  EXPECT_EQ(ring(), KeyRing{newest});
  ASSERT_TRUE(drop_old_keys(file(), kLife));
}

}  // namespace
}  // namespace otpgw::otp
