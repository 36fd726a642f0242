// Goal: what has been purged is gone from the database file and from its log: no address, hash or sealed code
// stays behind. Method: OTPs with unmistakable bytes run out, then the files are searched. Control: while
// they live the search finds them.

#include <fstream>

#include "store_fixture.h"

namespace otpgw::store {
namespace {

constexpr std::string_view kNeedles[] = {"needle-address-q8x1", "needle-hash-z5w2", "needle-sealed-m3k7"};

class PurgeTest : public StoreTest {
 protected:
  [[nodiscard]] std::string bytes_of(const std::string& suffix) const {
    std::ifstream stream(file().string() + suffix, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void fill() {
    for (int i = 0; i < 300; ++i) {
      auto wanted = otp("user-" + std::to_string(i), std::string(kNeedles[0]) + "@mail.example");
      wanted.code_hash = kNeedles[1];
      wanted.code_sealed = kNeedles[2];
      put(wanted, otp::Idempotency{"scope-" + std::to_string(i), "parameters"});
    }
  }
  // A write that changes something, after the time for which the log may keep its copies.
  void let_the_log_be_emptied() {
    clock_.now_ms += 60'000;
    put(otp("another"));
    static_cast<void>(lease(1, "nobody"));  // what follows the commit has been done when the next write is
  }
};

TEST_F(PurgeTest, NothingOfAPurgedOtpStaysInTheFiles) {
  fill();
  for (const auto needle : kNeedles) EXPECT_NE(bytes_of("-wal").find(needle), std::string::npos) << needle;
  clock_.now_ms += 301'000;
  for (int i = 0; i < 3; ++i) sweep();
  let_the_log_be_emptied();
  for (const auto needle : kNeedles) {
    EXPECT_EQ(bytes_of("").find(needle), std::string::npos) << needle;
    EXPECT_EQ(bytes_of("-wal").find(needle), std::string::npos) << needle;
  }
}

TEST_F(PurgeTest, NothingOfAUsedOtpStaysInTheFiles) {
  fill();
  for (int i = 0; i < 300; ++i)
    EXPECT_EQ(check("user-" + std::to_string(i), std::string(kNeedles[1])).verdict, Verdict::done);
  clock_.now_ms += 301'000;  // the answers to the Idempotency-Keys, and the jobs, go with the code's life
  for (int i = 0; i < 3; ++i) sweep();
  let_the_log_be_emptied();
  for (const auto needle : kNeedles) {
    EXPECT_EQ(bytes_of("").find(needle), std::string::npos) << needle;
    EXPECT_EQ(bytes_of("-wal").find(needle), std::string::npos) << needle;
  }
}

}  // namespace
}  // namespace otpgw::store
