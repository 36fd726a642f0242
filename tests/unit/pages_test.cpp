// Unit: the pages (web/). Goal: each request gets the page and status that API.md promises, everything on a
// page is escaped and covered by the headers, and nothing but a POST from the page itself reaches the OTP
// service. Method: pages_fixture.h.
#include <map>

#include "pages_fixture.h"
#include "web/mask.h"

namespace otpgw::web {
namespace {

TEST_F(PagesTest, CodePageSaysWhatThePersonNeeds) {
  const auto page = get();
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_LT(plain(page.body).size(), 4096U);
  EXPECT_THAT(page.body, AllOf(HasSubstr("Attempt 1 of 5"), HasSubstr(">4:59<"), HasSubstr("j•••@doe.com"),
                               HasSubstr("6-digit code from our e-mail"), HasSubstr("Send the code again"),
                               HasSubstr("data-delivery=\"queued\""), HasSubstr("inputmode=\"numeric\""),
                               HasSubstr("autocomplete=\"one-time-code\"")));
  EXPECT_THAT(page.body, AllOf(Not(HasSubstr("john@doe.com")), Not(HasSubstr("/address"))));
  EXPECT_THAT(page.body, HasSubstr("data-id=\"john/doe &lt;1&gt;\""));
  EXPECT_THAT(service.calls, IsEmpty());
}

TEST_F(PagesTest, HeadersForbidWhatThePagesDoNotNeed) {
  for (const auto& page : {get(), post("otp="), ask(Method::get, "/otp/app/unknown"), get("lang=a&lang=b")}) {
    EXPECT_THAT(page.headers,
                AllOf(HasSubstr("Cache-Control: no-store\r\n"), HasSubstr("Referrer-Policy: no-referrer\r\n"),
                      HasSubstr("X-Content-Type-Options: nosniff\r\n"),
                      HasSubstr("default-src 'none'; script-src 'self'; style-src 'self' 'sha256-"),
                      HasSubstr("frame-ancestors 'self' https://app.example http://localhost:*\r\n"),
                      Not(HasSubstr("Set-Cookie"))));
    EXPECT_THAT(plain(page.body),
                AllOf(Not(HasSubstr(" style=")), Not(::testing::ContainsRegex(" on[a-z]+=")),
                      Not(HasSubstr("<style"))))
        << page.body;
  }
  EXPECT_THAT(ask(Method::get, "/otp/other/unknown").headers, HasSubstr("frame-ancestors 'self'\r\n"));
}

TEST_F(PagesTest, LinkFillsInTheCodeAndChecksNothing) {
  for (const Method method : {Method::get, Method::head}) {
    const auto page = ask(method, kPath, "otp=35%22%3E4&action=check&view=popup&lang=de&key=k%26");
    EXPECT_EQ(page.status, 200);
    EXPECT_THAT(page.body, HasSubstr("value=\"35&quot;&gt;4\""));
    EXPECT_THAT(page.body,
                HasSubstr(std::string("action=\"") + kLink + "?view=popup&amp;lang=de&amp;key=k%26\""));
  }
  EXPECT_EQ(get("otp=354965&action=resend").status, 200);
  EXPECT_THAT(service.calls, IsEmpty());
}

TEST_F(PagesTest, SpeaksTheLanguageThatThePersonAsksFor) {
  EXPECT_THAT(get().body, HasSubstr("<html lang=\"en\" dir=\"ltr\">"));
  EXPECT_THAT(
      get("lang=ar").body,
      AllOf(HasSubstr("<html lang=\"ar\" dir=\"rtl\">"), HasSubstr("<h1>أدخِل الرمز</h1>"),
            HasSubstr("تم الإرسال إلى <bdi class=\"address\">j•••@doe.com</bdi>"), Not(HasSubstr("{{"))));
  EXPECT_THAT(ask(Method::get, "/otp/app/unknown", "lang=hi").body, HasSubstr("<h1>सत्र समाप्त हो गया</h1>"));
  EXPECT_THAT(get("lang=xx").body, HasSubstr("lang=\"en\""));
  const auto with_header = [&](std::string_view query) {
    return ask(Method::get, kPath, query, "", "", "hi-IN,en;q=0.5").body;
  };
  EXPECT_THAT(with_header(""), HasSubstr("lang=\"hi\""));
  service.stored->locale = "ar-EG";
  EXPECT_THAT(with_header(""), HasSubstr("lang=\"ar\""));
  EXPECT_THAT(with_header("lang=en"), HasSubstr("lang=\"en\""));
  service.stored->locale = "xx";
  EXPECT_THAT(with_header(""), HasSubstr("lang=\"hi\""));
}

TEST_F(PagesTest, EveryPageLeadsBackToTheApplication) {
  service.stored->return_url = "https://app.example/sign-in?a=1&b=2";
  const auto link = HasSubstr("<a href=\"https://app.example/sign-in?a=1&amp;b=2\">Back to app</a>");
  EXPECT_THAT(get().body, link);
  EXPECT_THAT(post("otp=").body, link);
  EXPECT_THAT(get("view=popup").body, Not(link));
  EXPECT_THAT(ask(Method::post, kPath, "", "otp=1", "cross-site").body, Not(link));
  service.stored->attempts = 6;
  EXPECT_THAT(get().body, AllOf(HasSubstr("Too many attempts"), link));
  service.stored->closed = true;
  EXPECT_THAT(get().body, AllOf(HasSubstr("verified"), link));
  service.stored->closed = false;
  service.stored->attempts = 1;
  service.stored->to.clear();
  EXPECT_THAT(ask(Method::get, kAddressPath).body, link);
  service.stored->expires_at = kNow;
  EXPECT_THAT(get().body, AllOf(HasSubstr("Session expired"), link));
}

TEST_F(PagesTest, TheyLeadBackToOriginsOfNowAlone) {
  service.stored->return_url = "https://app.example/back";
  const auto link = HasSubstr("href=\"https://app.example/back\"");
  EXPECT_THAT(get().body, link);
  auto fresh = std::make_shared<config::Config>(config);
  fresh->namespaces["app"].origins = {"https://new.example"};
  routes->reconfigure(fresh, assets_of(*fresh));
  EXPECT_THAT(get().body, AllOf(HasSubstr("Enter your code"), Not(HasSubstr("app.example"))));
  fresh = std::make_shared<config::Config>(*fresh);
  fresh->app.root_url = "https://app.example/gw";
  routes->reconfigure(fresh, assets_of(*fresh));
  EXPECT_THAT(get().body, link);
}

TEST_F(PagesTest, RightCodeVerifies) {
  const auto page = post("otp=123-456&action=check", "view=popup");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, AllOf(HasSubstr("E-mail address verified"), HasSubstr("data-page=\"verified\"")));
  EXPECT_THAT(service.calls, ::testing::ElementsAre("check 123-456 page"));
}

TEST_F(PagesTest, WrongCodeIsExplained) {
  service.next = refusal(Refusal::Kind::wrong_code, "Incorrect OTP");
  service.stored->attempts = 2;
  const auto page = post("otp=111111");
  EXPECT_EQ(page.status, 400);
  EXPECT_THAT(page.body,
              AllOf(HasSubstr("This code is wrong"), HasSubstr("Attempt 2 of 5"), Not(HasSubstr("111111"))));
}

TEST_F(PagesTest, LastWrongCodeLocks) {
  service.next = refusal(Refusal::Kind::wrong_code);
  service.on_change = [&] { service.stored->attempts = 6; };
  const auto locking = post("otp=111111");
  EXPECT_THAT(service.calls, ::testing::ElementsAre("check 111111 page"));
  service.calls.clear();
  for (const auto& page : {locking, get(), post("otp=111111")}) {
    EXPECT_EQ(page.status, 429);
    EXPECT_THAT(page.body, AllOf(HasSubstr("Too many attempts"), HasSubstr("4:59")));
    EXPECT_THAT(page.headers, HasSubstr("Retry-After: 299\r\n"));
  }
  EXPECT_EQ(ask(Method::post, kAddressPath, "", "to=a@b.c").status, 429);
  EXPECT_THAT(service.calls, IsEmpty());
}

TEST_F(PagesTest, EmptyCodeIsNoGuess) {
  const auto page = post("otp=+&action=check");
  EXPECT_EQ(page.status, 400);
  EXPECT_THAT(page.body, HasSubstr("Please enter the code first."));
  EXPECT_THAT(service.calls, IsEmpty());
}

TEST_F(PagesTest, ResendRedirectsSoThatReloadSendsNothing) {
  const auto done = post("action=resend", "view=popup&key=k&other=1");
  EXPECT_EQ(done.status, 303);
  EXPECT_THAT(done.headers, HasSubstr(std::string("Location: ") + kLink + "?view=popup&key=k\r\n"));

  service.next = refusal(Refusal::Kind::too_early, "A code has just been sent.");
  service.next->retry_after = std::chrono::seconds(30);
  const auto refused = post("action=resend");
  EXPECT_EQ(refused.status, 429);
  EXPECT_THAT(refused.body, HasSubstr("You can ask for another one in 0:30."));
  EXPECT_THAT(refused.headers, HasSubstr("Retry-After: 30\r\n"));
  EXPECT_THAT(service.calls, ::testing::ElementsAre("resend", "resend"));

  service.stored->generate = 3;
  service.stored->to_from_page = true;
  service.next = refusal(Refusal::Kind::locked, "OTP attempts exceeded.");
  const auto spent = post("action=resend");
  EXPECT_EQ(spent.status, 429);
  EXPECT_THAT(spent.body, AllOf(HasSubstr("can’t be sent again"), Not(HasSubstr("exceeded")),
                                Not(HasSubstr("/address\""))));
  EXPECT_THAT(get().body, Not(HasSubstr("value=\"resend\"")));
}

TEST_F(PagesTest, ForeignSitesPostNothing) {
  for (const auto path : {kPath, kAddressPath}) {
    EXPECT_EQ(ask(Method::post, path, "", "otp=354965&to=a@b.c", "cross-site").status, 403);
  }
  EXPECT_EQ(ask(Method::get, kPath, "", "", "cross-site").status, 200);
  EXPECT_THAT(service.calls, IsEmpty());
}

TEST_F(PagesTest, UnknownAndForeignAreExpired) {
  for (const auto path :
       {"/otp/app/unknown", "/otp/other/john%2Fdoe%20%3C1%3E", "/otp/app/unknown/address"}) {
    for (const Method method : {Method::get, Method::post}) {
      const auto page = ask(method, path, "", method == Method::post ? "otp=1&to=a" : "");
      EXPECT_EQ(page.status, 404);
      EXPECT_THAT(page.body, HasSubstr("<h1>Session expired</h1>"));
    }
  }
  EXPECT_THAT(service.calls, IsEmpty());
}

TEST_F(PagesTest, ClosedIsVerifiedAndEvaluatesNothing) {
  service.stored->closed = true;
  service.stored->attempts = 6;
  for (const auto& page : {get(), post("otp=111111"), post("action=resend")}) {
    EXPECT_EQ(page.status, 200);
    EXPECT_THAT(page.body, HasSubstr("verified</h1>"));
  }
  EXPECT_EQ(ask(Method::get, kAddressPath).status, 303);
  EXPECT_EQ(ask(Method::post, kAddressPath, "", "to=a@b.c").status, 303);
  EXPECT_THAT(service.calls, IsEmpty());
}

TEST_F(PagesTest, RefusalsHaveTheirStatus) {
  const std::map<Refusal::Kind, int> expected = {{Refusal::Kind::unavailable, 503},
                                                 {Refusal::Kind::internal, 500},
                                                 {Refusal::Kind::not_found, 404},
                                                 {Refusal::Kind::invalid, 400}};
  for (const auto& [kind, status] : expected) {
    service.next = refusal(kind, "why");
    EXPECT_EQ(post("otp=123456").status, status);
  }
  EXPECT_EQ(post("action=delete").status, 400);
  EXPECT_EQ(post("otp=1&otp=2").status, 400);
  EXPECT_THAT(post("otp=1&otp=2").body,
              AllOf(HasSubstr("that this page does not understand"), Not(HasSubstr("twice"))));
  EXPECT_THAT(post("action=delete", "lang=hi").body,
              AllOf(HasSubstr("यह पेज नहीं समझता"), Not(HasSubstr("action`"))));
  service.stored->to.clear();
  EXPECT_EQ(post("action=resend").status, 303) << "its address is asked for";
}

TEST_F(PagesTest, ProvidersOfOtherKindsSpeakForThemselves) {
  service.described.channel_kind = wire::ChannelKind::other;
  service.described.channel_description = "A penny came to your account.";
  service.described.address_name = "IBAN";
  service.stored->code_is_digits = false;
  const auto page = get();
  EXPECT_THAT(plain(page.body), AllOf(HasSubstr("A penny came"), Not(HasSubstr("inputmode"))));
  service.stored->channel_description = "The application <knows> better.";
  EXPECT_THAT(get().body, AllOf(HasSubstr("&lt;knows&gt; better."), Not(HasSubstr("A penny"))));
  service.stored->closed = true;
  EXPECT_THAT(get().body, HasSubstr("<h1>IBAN verified</h1>"));
}

TEST_F(PagesTest, SaysThatWeKeepTrying) {
  service.stored->delivery.detail = "no worker took it";
  EXPECT_THAT(get().body, HasSubstr("data-delivery=\"retrying\""));
  service.stored->delivery = {otp::DeliveryState::sending, 1, "", ""};
  EXPECT_THAT(get().body, HasSubstr("data-delivery=\"retrying\""));
  EXPECT_THAT(ask(Method::get, std::string(kPath) + "/status").body, HasSubstr("\"retrying\":true"));
  service.stored->delivery = {otp::DeliveryState::sent, 2, "", ""};
  EXPECT_THAT(get().body, HasSubstr("data-delivery=\"sent\""));
}

TEST_F(PagesTest, SaysThatWeKeepTryingWhileNoWorkerTakesTheMessage) {
  const auto status = [this] { return ask(Method::get, std::string(kPath) + "/status").body; };
  service.stored->delivery = {otp::DeliveryState::queued, 0, "", ""};
  service.stored->queued_at = kNow - 9'000;
  EXPECT_THAT(get().body, HasSubstr("data-delivery=\"queued\""));
  EXPECT_THAT(status(), Not(HasSubstr("retrying")));
  service.stored->queued_at = kNow - 10'000;
  EXPECT_THAT(get().body, HasSubstr("data-delivery=\"retrying\""));
  EXPECT_THAT(status(), HasSubstr("\"retrying\":true"));
  service.stored->delivery.state = otp::DeliveryState::sending;  // a slow upstream's time
  EXPECT_THAT(get().body, HasSubstr("data-delivery=\"sending\""));
}

TEST_F(PagesTest, OfSeveralProvidersAResendIsAnotherWay) {
  EXPECT_THAT(get().body, AllOf(HasSubstr("Send the code again"), HasSubstr("data-step=\"0\"")));
  service.stored->fallback.steps = {{"whatsapp", "", 1, {}}, {"sms", "", 2, {}}};
  service.stored->fallback.current = 1;
  EXPECT_THAT(get().body, AllOf(HasSubstr("Send it another way"), HasSubstr("data-step=\"1\""),
                                Not(HasSubstr("Send the code again"))));
  EXPECT_THAT(ask(Method::get, std::string(kPath) + "/status").body, HasSubstr("\"step\":1"));
}

TEST_F(PagesTest, StatusIsJson) {
  const auto path = std::string(kPath) + "/status";
  EXPECT_EQ(ask(Method::get, path).body,
            R"({"status":"success","data":{"closed":false,"delivery":{"state":"queued"}}})");
  service.stored.reset();
  const auto gone = ask(Method::get, path);
  EXPECT_EQ(gone.status, 400);
  EXPECT_EQ(gone.body, R"({"status":"error","message":"Session expired."})");
}

TEST_F(PagesTest, AReloadReachesTheNextPage) {
  auto fresh = std::make_shared<config::Config>(config);
  fresh->app.logo_url = "https://logos.example/new.svg";
  fresh->namespaces["app"].origins = {"https://new.example"};
  routes->reconfigure(fresh, assets_of(*fresh));
  const auto page = get();
  EXPECT_THAT(page.body, HasSubstr("https://logos.example/new.svg"));
  EXPECT_THAT(page.headers, AllOf(HasSubstr("frame-ancestors 'self' https://new.example\r\n"),
                                  Not(HasSubstr("app.example"))));
  fresh = std::make_shared<config::Config>(config);
  fresh->namespaces.clear();
  routes->reconfigure(fresh, assets_of(*fresh));
  EXPECT_EQ(get().status, 404);
}

TEST(MaskTest, ShowsEnoughToRecogniseOnesOwn) {
  EXPECT_EQ(mask_address("john@doe.com"), "j•••@doe.com");
  EXPECT_EQ(mask_address("é@doe.com"), "é•••@doe.com");
  EXPECT_EQ(mask_address("@doe"), "•••");
  EXPECT_EQ(mask_address("+4915112345678"), "•••678");
  EXPECT_EQ(mask_address("12345"), "•••");
  EXPECT_EQ(mask_address(""), "•••");
}

}  // namespace
}  // namespace otpgw::web
