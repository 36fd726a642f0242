// Goal: what slips into a log line in somebody else's words is taken out, and ordinary lines stay as they
// are. Method: tables.

#include "core/wire/redaction.h"

#include <gtest/gtest.h>

namespace otpgw::wire {
namespace {

TEST(Redaction, TakesOutTheConfigurationsSecrets) {
  const Redaction redaction({"hunter2-hunter2", "hunter2", "tiny"});
  EXPECT_EQ(redaction.line("key xhunter2-hunter2x, then \"hunter2\"; tiny"),
            "key x[secret]x, then \"[secret]\"; tiny");
  EXPECT_EQ(redaction.line("hunter2_key, hunter22, ahunter2"), "hunter2_key, hunter22, ahunter2");
  EXPECT_EQ(redaction.without_secrets("hunter2"), "[secret]");
  EXPECT_EQ(redaction.without_secrets(""), "");
}

TEST(Redaction, TakesOutWhatLooksLikeAnAddress) {
  const Redaction redaction;
  for (const auto& [line, wanted] : std::vector<std::pair<std::string, std::string>>{
           {"550 no such user john.doe+x@mail.example.com.", "550 no such user [address]."},
           {"<a@b.example>, c@d.example", "<[address]>, [address]"},
           {"no user@münchen.de. Nor jürgen@b.example", "no [address]. Nor [address]"},
           {"o'brien@b.example, a!b#c$d&e*f/g=h?i^j`k{l|m}n~o@b.example", "[address], [address]"},
           {"'a@b.example' {c@d.example}", "'[address]' {[address]}"},
           {"to +4915112345678: refused", "to [address]: refused"},
           {"no +123 and +12345678901234567890 and 4+5", "no +123 and +12345678901234567890 and 4+5"},
           {"restart otpgateway-worker@smtp.service", "restart otpgateway-worker@smtp.service"},
           {"@ a@ @b.example a@localhost", "@ a@ @b.example a@localhost"},
           {"2026-11-27T13:30:00+0100 listening on 127.0.0.1:9000",
            "2026-11-27T13:30:00+0100 listening on 127.0.0.1:9000"},
           {"", ""}}) {
    EXPECT_EQ(redaction.line(line), wanted);
  }
}

TEST(Redaction, IsBounded) {
  std::vector<std::string> secrets;
  for (std::size_t i = 0; i < Redaction::kSecretsMax + 10; ++i)
    secrets.push_back("secret" + std::to_string(i));
  const Redaction redaction(secrets);
  EXPECT_EQ(redaction.without_secrets("secret100"), "[secret]");
  // Marks that hold what looks like another find no end.
  EXPECT_EQ(Redaction({"secret"}).without_secrets("secret"), "[secret]");
  EXPECT_EQ(Redaction({"[secret]"}).without_secrets("[secret]"), "[secret]");
}

}  // namespace
}  // namespace otpgw::wire
