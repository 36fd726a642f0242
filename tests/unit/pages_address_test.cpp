// Unit: the page that asks for an address (web/). Goal: what the application gave stays, what the page shows
// is what it changes, and a person is told in their language why an address can't be used. Method:
// pages_fixture.h.
#include <tuple>

#include "pages_fixture.h"

namespace otpgw::web {
namespace {

TEST_F(PagesTest, WithoutAddressThePageAsksForOne) {
  service.stored->to.clear();
  const auto sent_on = get("view=popup&otp=1");
  EXPECT_EQ(sent_on.status, 303);
  EXPECT_THAT(sent_on.headers, HasSubstr(std::string("Location: ") + kLink + "/address?view=popup\r\n"));
  const auto page = ask(Method::get, kAddressPath, "view=popup");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, AllOf(HasSubstr("type=\"email\""), HasSubstr("name=\"expected\" value=\"\"")));

  EXPECT_EQ(ask(Method::post, kAddressPath, "", "to=+").status, 400);
  service.next = otp::bad_address(otp::AddressFault::unusable, "no <at> sign");
  const auto refused = ask(Method::post, kAddressPath, "", "to=%3Cx%3E&expected=");
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, AllOf(HasSubstr(">This is no e-mail address that we can use."),
                                  HasSubstr("value=\"&lt;x&gt;\"")));
  EXPECT_EQ(ask(Method::post, kAddressPath, "", "to=a@b.c&expected=").status, 303);
  EXPECT_THAT(service.calls, ::testing::ElementsAre("address <x> for ", "address a@b.c for "));

  service.described.channel_kind = wire::ChannelKind::sms;  // a correct number, but not for us
  service.next = otp::bad_address(otp::AddressFault::unusable, "No codes are sent there.");
  service.next->limit = limits::Limit::countries;
  const auto abroad = ask(Method::post, kAddressPath, "lang=hi", "to=%2B1&expected=");
  EXPECT_EQ(abroad.status, 400);
  EXPECT_THAT(abroad.body,
              AllOf(HasSubstr("aria-invalid"), HasSubstr(">इस देश के फ़ोन नंबरों पर कोड नहीं भेजे जाते।<")));
}

TEST_F(PagesTest, WhatIsWrongWithAnAddressIsSaidInThePagesLanguage) {
  using enum otp::AddressFault;
  service.stored->to_from_page = true;
  const auto said = [this](otp::AddressFault fault, wire::ChannelKind kind, const char* language) {
    service.described.channel_kind = kind;
    service.next = otp::bad_address(fault, "only <our> numbers.");
    const auto page = ask(Method::post, kAddressPath, std::string("lang=") + language, "to=x&expected=");
    EXPECT_EQ(page.status, 400);
    const std::string begin = "<p id=\"error\" class=\"error\" role=\"alert\">";
    const auto from = page.body.find(begin);
    EXPECT_THAT(page.body, HasSubstr("aria-invalid=\"true\" aria-describedby=\"error\""));
    return from == std::string::npos
               ? page.body
               : page.body.substr(from + begin.size(), page.body.find("</p>", from) - from - begin.size());
  };
  const auto sms = wire::ChannelKind::sms, other = wire::ChannelKind::other;
  EXPECT_EQ(
      said(unusable, sms, "en"),
      "This is no phone number that we can use. Please check it, and begin with + and the country code. "
      "Only &lt;our&gt; numbers.");
  EXPECT_THAT(said(unusable, sms, "hi"), AllOf(HasSubstr("इस फ़ोन नंबर"), Not(HasSubstr("Only"))));
  EXPECT_EQ(said(unusable, other, "hi"), "Only &lt;our&gt; numbers.");
  for (const auto kind : {sms, other, wire::ChannelKind::email}) {
    EXPECT_EQ(said(too_long, kind, "en"), "This is too long. Please check it.");
    EXPECT_THAT(said(changed, kind, "hi"), AllOf(HasSubstr("इस बीच पता बदल"), Not(HasSubstr("Only"))));
  }
}

TEST_F(PagesTest, OnlyACollectedAddressCanChange) {
  EXPECT_EQ(ask(Method::get, kAddressPath).status, 303);
  const auto refused = ask(Method::post, kAddressPath, "", "to=a@b.c&expected=");
  EXPECT_EQ(refused.status, 400);
  const auto guessed = ask(Method::post, kAddressPath, "", "to=john@doe.com&expected=");
  EXPECT_EQ(std::tie(guessed.status, guessed.headers, guessed.body),
            std::tie(refused.status, refused.headers, refused.body));
  EXPECT_THAT(ask(Method::post, kAddressPath, "lang=ar", "to=a@b.c").body,
              HasSubstr("لا يمكن تغيير هذا العنوان"));
  EXPECT_THAT(service.calls, IsEmpty());

  service.stored->to_from_page = true;
  EXPECT_THAT(get().body, HasSubstr(std::string("href=\"") + kLink + "/address\""));
  const std::string token = otp::address_token(*service.stored);
  EXPECT_THAT(ask(Method::get, kAddressPath).body,
              AllOf(HasSubstr("name=\"expected\" value=\"" + token + "\""), Not(HasSubstr("john@doe.com"))));
  EXPECT_EQ(ask(Method::post, kAddressPath, "", "to=a@b.c&expected=" + token).status, 303);
  EXPECT_THAT(service.calls, ::testing::ElementsAre("address a@b.c for " + token));
  for (const char* to : {"a@b.c", "john@doe.com"}) {  // the second of two clicks, or a guess
    service.next = otp::bad_address(otp::AddressFault::changed, "It has changed.");
    EXPECT_EQ(ask(Method::post, kAddressPath, "", "expected=&to=" + std::string(to)).status, 400) << to;
  }
}

}  // namespace
}  // namespace otpgw::web
