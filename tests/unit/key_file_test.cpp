// Goal: the key file is private and survives what it is put through. Method: real files.

#include "core/otp/key_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace otpgw::otp {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class KeyFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "key_file_test.XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  void TearDown() override { fs::remove_all(folder_); }

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

TEST_F(KeyFileTest, StaysWhoseAndAsItWas) {
  const auto first = read_or_make_key_file(file(), true).value().front();
  fs::permissions(file(), fs::perms::owner_read);
  const KeyRing both{fresh_key(), first};
  ASSERT_TRUE(replace_key_file(file(), both));
  EXPECT_EQ(mode(), 0400u);
  EXPECT_EQ(ring(), both);
}

TEST_F(KeyFileTest, ItsGroupNeedNotBeOurs) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make a file of a group that its owner is not in";
  ASSERT_TRUE(read_or_make_key_file(file(), true));
  constexpr uid_t kOwner = 65534;
  for (const auto& path : {folder_, file()}) ASSERT_EQ(::chown(path.c_str(), kOwner, 54321), 0);
  ASSERT_EQ(::seteuid(kOwner), 0);
  const auto replaced = replace_key_file(file(), {fresh_key()});
  ASSERT_EQ(::seteuid(0), 0);
  EXPECT_TRUE(replaced) << replaced.error();
  EXPECT_EQ(mode(), 0600u);
}

TEST_F(KeyFileTest, ALinkThatWaitsBesideItIsNotFollowed) {
  const auto victim = folder_ / "victim";
  std::ofstream(victim) << "precious";
  for (const bool first : {true, false}) {
    fs::create_symlink(victim, folder_ / "key.new");
    if (first) {
      ASSERT_TRUE(read_or_make_key_file(file(), true));
    } else {
      ASSERT_TRUE(replace_key_file(file(), {fresh_key()}));
    }
    EXPECT_EQ(fs::file_size(victim), 8u);
    EXPECT_FALSE(fs::is_symlink(file()));
    EXPECT_EQ(ring().size(), 1u);
  }
}

}  // namespace
}  // namespace otpgw::otp
