// Goal: the request reader takes what RFC 9112 allows and refuses everything that two readers could
// understand differently; parameters, JSON text and routes are read exactly. Method: byte strings, whole and
// one byte at a time; tables of rude requests.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <functional>

#include "core/http/answer.h"
#include "core/http/json_text.h"
#include "core/http/params.h"
#include "core/http/request_reader.h"
#include "core/http/router.h"

namespace otpgw::http {
namespace {

using State = RequestReader::State;

State feed_bytewise(RequestReader& reader, std::string_view bytes) {
  auto state = reader.state();
  for (const char byte : bytes) state = reader.feed({&byte, 1});
  return state;
}

TEST(RequestReader, ReadsAWholeRequest) {
  const std::string bytes =
      "POST /api/otp/abc?x=1 HTTP/1.1\r\nHost: h\r\nX-One:  two \r\nContent-Length: 5\r\n\r\nhello";
  RequestReader at_once, bytewise;
  EXPECT_EQ(at_once.feed(bytes), State::ready);
  EXPECT_EQ(feed_bytewise(bytewise, bytes), State::ready);
  for (auto* reader : {&at_once, &bytewise}) {
    const auto& request = reader->request();
    EXPECT_EQ(request.method, Method::post);
    EXPECT_EQ(request.path, "/api/otp/abc");
    EXPECT_EQ(request.query, "x=1");
    EXPECT_EQ(request.header("x-one"), "two");
    EXPECT_EQ(request.body, "hello");
    EXPECT_TRUE(reader->keep_alive());
  }
}

// The body's bytes move the buffer; the head's views must move along.
TEST(RequestReader, TheHeadStaysReadableWhileABigBodyArrives) {
  RequestReader reader;
  reader.feed(
      "PUT /a-path-long-enough-not-to-be-stored-inline?query=1 HTTP/1.1\r\nHost: example\r\nContent-Length: "
      "16000\r\n\r\n");
  for (int i = 0; i < 160; ++i) reader.feed(std::string(100, 'b'));
  ASSERT_EQ(reader.state(), State::ready);
  EXPECT_EQ(reader.request().path, "/a-path-long-enough-not-to-be-stored-inline");
  EXPECT_EQ(reader.request().header("host"), "example");
  EXPECT_EQ(reader.request().body, std::string(16000, 'b'));
}

TEST(RequestReader, ReadsPipelinedRequestsInOrder) {
  RequestReader reader;
  EXPECT_EQ(
      reader.feed(
          "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nabGET"),
      State::ready);
  EXPECT_EQ(reader.request().path, "/1");
  EXPECT_EQ(reader.next(), State::ready);
  EXPECT_EQ(reader.request().path, "/2");
  EXPECT_EQ(reader.request().body, "ab");
  EXPECT_EQ(reader.next(), State::headers);
  EXPECT_EQ(reader.feed(" /3 HTTP/1.1\r\nHost: h\r\n\r\n"), State::ready);
  EXPECT_EQ(reader.request().path, "/3");
}

TEST(RequestReader, ReadsChunkedBodies) {
  const std::string bytes =
      "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
      "chunked\r\n\r\n4\r\nWiki\r\n5;note=x\r\npedia\r\n0\r\nTrailer: "
      "x\r\n\r\nGET";
  RequestReader at_once, bytewise;
  at_once.feed(bytes);
  feed_bytewise(bytewise, bytes);
  for (auto* reader : {&at_once, &bytewise}) {
    ASSERT_EQ(reader->state(), State::ready);
    EXPECT_EQ(reader->request().body, "Wikipedia");
    EXPECT_EQ(reader->request().path, "/");
    EXPECT_EQ(reader->next(), State::headers);
  }
}

TEST(RequestReader, TakesTheAbsoluteForm) {
  const auto target = [](const std::string& form) {
    RequestReader reader;
    if (reader.feed("GET " + form + " HTTP/1.1\r\nHost: h\r\n\r\n") != State::ready)
      return std::string("refused");
    return std::string(reader.request().path) + " " + std::string(reader.request().query);
  };
  EXPECT_EQ(target("http://h/a/b?c=/d"), "/a/b c=/d");
  EXPECT_EQ(target("https://h"), "/ ");
  EXPECT_EQ(target("http://h?a=/b"), "/ a=/b");
  for (const auto* form : {"http:///a", "http://", "http://h#a", "ftp://h/a", "h/a"})
    EXPECT_EQ(target(form), "refused") << form;
}

TEST(RequestReader, PassesOverAnEmptyLineBeforeTheRequest) {
  RequestReader at_once, bytewise;
  const std::string bytes = "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n";
  EXPECT_EQ(at_once.feed(bytes), State::ready);
  EXPECT_EQ(feed_bytewise(bytewise, bytes), State::ready);
}

TEST(RequestReader, SaysWhenTheClientWaitsForContinue) {
  RequestReader reader;
  EXPECT_EQ(reader.feed("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
            State::body);
  EXPECT_TRUE(reader.take_expects_continue());
  EXPECT_FALSE(reader.take_expects_continue());
  EXPECT_EQ(reader.feed("ab"), State::ready);
}

TEST(RequestReader, KnowsWhenTheConnectionEnds) {
  const auto keeps_alive = [](const std::string& head) {
    RequestReader reader;
    EXPECT_EQ(reader.feed(head), State::ready) << head;
    return reader.keep_alive();
  };
  EXPECT_TRUE(keeps_alive("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_FALSE(keeps_alive("GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n"));
  EXPECT_FALSE(keeps_alive("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keeps_alive("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(RequestReader, RefusesWhatIsMalformedOrAmbiguous) {
  const std::string start = "POST / HTTP/1.1\r\nHost: h\r\n";
  std::string headers;
  for (int i = 0; i < 65; ++i) headers += "X: y\r\n";
  const std::vector<std::pair<int, std::string>> rude = {
      {400, start + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na"},
      {400, start + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {400, start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {501, start + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
      {400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {400, start + "Content-Length: -1\r\n\r\n"},
      {400, start + "Content-Length: +1\r\n\r\na"},
      {400, start + "Content-Length: 1 \t2\r\n\r\na"},
      {400, start + "Content-Length: 0x1\r\n\r\na"},
      {400, start + "Content-Length:\r\n\r\n"},
      {413, start + "Content-Length: 16385\r\n\r\n"},
      {413, start + "Content-Length: 99999999999999999999999\r\n\r\n"},
      {400, "GET / HTTP/1.1\nHost: h\n\n"},
      {400, "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: h\r\nX: a" + std::string(1, '\0') + "b\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: h\r\nno colon here\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: h\r\nX : y\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n folded\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: h\r\n: y\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"},
      {400, "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "GET / extra HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "GET /\r\nHost: h\r\n\r\n"},
      {400, "G@T / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "GET nowhere HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "GET /\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "GET / HTTP\r\nHost: h\r\n\r\n"},
      {505, "GET / HTTP/2.0\r\nHost: h\r\n\r\n"},
      {417, start + "Expect: a-miracle\r\nContent-Length: 1\r\n\r\na"},
      {414, "GET /" + std::string(2048, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n"},
      {414, "GET /" + std::string(3000, 'a')},
      {431, "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(17000, 'a') + "\r\n\r\n"},
      {431, "GET / HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n"},
      {400, start + "Transfer-Encoding: chunked\r\n\r\nzz\r\n"},
      {400, start + "Transfer-Encoding: chunked\r\n\r\n-1\r\n"},
      {400, start + "Transfer-Encoding: chunked\r\n\r\n\r\n"},
      {400, start + "Transfer-Encoding: chunked\r\n\r\n2\r\nabX\r\n0\r\n\r\n"},
      {400, start + "Transfer-Encoding: chunked\r\n\r\n2 x\r\nab\r\n0\r\n\r\n"},
      {400, start + "Transfer-Encoding: chunked\r\n\r\n2 \r\nab\r\n0\r\n\r\n"},
      {400, start + "Transfer-Encoding: chunked\r\n\r\n2;a=\nb\r\nab\r\n0\r\n\r\n"},
      {400, start + "Transfer-Encoding: chunked\r\n\r\n0\r\nno colon\r\n\r\n"},
      {400, start + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\nGET / HTTP/1.1\r\n\r\n"},
      {400, start + "Transfer-Encoding: chunked\r\n\r\n0\r\nX : y\r\n\r\n"},
      {400, "GET http:///path HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "GET ?query HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n"},
      {505, "PRI * HTTP/2.0\r\n\r\n"},
      {413, start + "Transfer-Encoding: chunked\r\n\r\n5000\r\n"},
      {413, start + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"},
      {413, start + "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\nfffffffffffffffe\r\n0\r\n\r\n"},
  };
  for (const auto& [status, bytes] : rude) {
    RequestReader at_once, bytewise;
    EXPECT_EQ(at_once.feed(bytes), State::refused) << bytes;
    EXPECT_EQ(at_once.error_status(), status) << bytes;
    EXPECT_EQ(feed_bytewise(bytewise, bytes), State::refused) << bytes;
    EXPECT_EQ(bytewise.error_status(), status) << bytes;
  }
}

// What a request may hold is the same however its bytes arrive.
TEST(RequestReader, HasTheSameBoundsAtOnceAndByteByByte) {
  const std::string start = "POST / HTTP/1.1\r\nHost: h\r\n";
  const std::string chunked = start + "Transfer-Encoding: chunked\r\n\r\n";
  const auto line = [](std::size_t bytes) {
    return "GET /" + std::string(bytes - 14, 'a') + " HTTP/1.1\r\n";
  };
  const auto headers = [](std::size_t bytes) {
    return "Host: h\r\nX: " + std::string(bytes - 14, 'a') + "\r\n\r\n";
  };
  const std::vector<std::function<std::string(std::size_t)>> requests = {
      [&](std::size_t more) { return line(2048 + more) + "Host: h\r\n\r\n"; },
      [&](std::size_t more) { return line(2048) + headers(16384 + more); },
      [&](std::size_t more) {
        return start + "Content-Length: " + std::to_string(16384 + more) + "\r\n\r\n" +
               std::string(16384 + more, 'a');
      },
      [&](std::size_t more) { return chunked + "0;" + std::string(254 + more, 'a') + "\r\n\r\n"; },
      [&](std::size_t more) { return chunked + "0\r\nX: " + std::string(16379 + more, 'a') + "\r\n\r\n"; }};
  for (std::size_t i = 0; i < requests.size(); ++i) {
    for (const std::size_t more : {0, 1}) {
      RequestReader at_once, bytewise;
      const auto expected = more == 0 ? State::ready : State::refused;
      EXPECT_EQ(at_once.feed(requests[i](more)), expected) << i << " " << more;
      EXPECT_EQ(feed_bytewise(bytewise, requests[i](more)), expected) << i << " " << more;
    }
  }
}

TEST(RequestReader, ReadsTheAbsoluteForm) {
  const auto target = [](const std::string& text) {
    RequestReader reader;
    EXPECT_EQ(reader.feed("GET " + text + " HTTP/1.1\r\nHost: h\r\n\r\n"), State::ready) << text;
    return std::string(reader.request().path) + "|" + std::string(reader.request().query);
  };
  EXPECT_EQ(target("http://h/a/b?c=/d"), "/a/b|c=/d");
  EXPECT_EQ(target("https://h:8443/"), "/|");
  EXPECT_EQ(target("http://h"), "/|");
  EXPECT_EQ(target("http://h?c=/d"), "/|c=/d");
}

// A flood of empty lines must not cost more than other bytes.
TEST(RequestReader, PassesOverManyEmptyLinesAtOnce) {
  std::string lines;
  for (int i = 0; i < 500'000; ++i) lines += "\r\n";
  RequestReader reader;
  const auto began = std::clock();  // the processor's time: a busy machine takes none of it
  EXPECT_EQ(reader.feed(lines), State::idle);
  EXPECT_LT(std::clock() - began, 3 * CLOCKS_PER_SEC);
  EXPECT_EQ(reader.feed("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), State::ready);
}

TEST(RequestReader, AManyChunkedBodyCanNotGrowWithoutBound) {
  RequestReader reader;
  reader.feed("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  int chunks = 0;
  while (reader.feed("1;" + std::string(200, 'x') + "\r\na\r\n") == State::body) ASSERT_LT(++chunks, 1000);
  EXPECT_EQ(reader.error_status(), 413);
}

Request form(std::string_view query, std::string_view body,
             std::string_view type = "application/x-www-form-urlencoded") {
  Request request;
  request.query = query;
  request.body = body;
  request.headers.emplace_back("content-type", type);
  return request;
}

TEST(Params, ReadsQueryFormJsonAndMultipartAlike) {
  const auto from_form =
      parse_params(form("provider=smtp", "to=a%40b.example&ttl=60&extra=%7B%22a%22%3A+1%7D"));
  const auto from_json =
      parse_params(form("provider=smtp", R"({"to":"a\u0040b.example","ttl":60,"extra":{"a": 1}})",
                        "application/json; charset=utf-8"));
  const auto from_parts = parse_params(form(
      "provider=smtp",
      "--B\r\nContent-Disposition: form-data; name=\"to\"\r\n\r\na@b.example\r\n--B\r\nContent-Disposition: "
      "form-data; name=\"ttl\"\r\n\r\n60\r\n--B\r\nContent-Disposition: form-data; "
      "name=\"extra\"\r\n\r\n{\"a\": 1}\r\n--B--\r\n",
      "multipart/form-data; boundary=B"));
  for (const auto* params : {&from_form, &from_json, &from_parts}) {
    ASSERT_TRUE(*params) << params->error();
    EXPECT_EQ((*params)->get("provider"), "smtp");
    EXPECT_EQ((*params)->get("to"), "a@b.example");
    EXPECT_EQ((*params)->get("ttl"), "60");
    EXPECT_EQ((*params)->get("extra"), R"({"a": 1})");
    EXPECT_EQ((*params)->find("otp"), nullptr);
  }
}

TEST(Params, RefusesWhatIsNotClear) {
  const auto error = [](const Request& request) { return parse_params(request).error(); };
  EXPECT_EQ(error(form("a=1&a=2", "")), "`a` is given twice.");
  EXPECT_EQ(error(form("a=1", "a=1")), "`a` is given twice.");
  EXPECT_EQ(error(form("", R"({"a":1,"a":2})", "application/json")), "`a` is given twice.");
  // A name that nothing of ours has is not repeated: it may be no text at all, or fill the body.
  EXPECT_EQ(error(form("%0a=1&%0a=2", "")), "`...` is given twice.");
  EXPECT_EQ(error(form("", "{\"\xff\":[]}", "application/json")),
            "Invalid `...` value. It must be a string, a number or a boolean.");
  EXPECT_THAT(error(form("a=%zz", "")), testing::HasSubstr("malformed"));
  EXPECT_THAT(error(form("a=%00", "")), testing::HasSubstr("malformed"));
  EXPECT_THAT(error(form("", "a=%ff")), testing::HasSubstr("not UTF-8"));
  EXPECT_THAT(error(form("", "[1]", "application/json")), testing::HasSubstr("not a JSON object"));
  EXPECT_THAT(error(form("", R"({"to":["x"]})", "application/json")), testing::HasSubstr("`to`"));
  EXPECT_THAT(error(form("", "x", "text/plain")), testing::HasSubstr("Content-Type"));
  EXPECT_THAT(error(form("", "junk", "multipart/form-data; boundary=B")), testing::HasSubstr("multipart"));
}

TEST(Params, AreBounded) {
  std::string many;
  for (int i = 0; i < 65; ++i) many += "p" + std::to_string(i) + "=1&";
  EXPECT_THAT(parse_params(form("", many)).error(), testing::HasSubstr("more than 64"));
}

TEST(JsonText, TakesJsonAndNothingElse) {
  for (const char* good :
       {"{}", "[]", "0", "-1.5e+3", "\"a\\u00e9\\n\"", " [1, {\"a\":[true,false,null]}] ", "\"\""}) {
    EXPECT_TRUE(is_json(good)) << good;
  }
  for (const char* bad : {"", "{", "{]", "{\"a\":1,}", "[1,]", "01", "1.", "+1", ".5", "tru", "'a'", "{a:1}",
                          "\"a", "\"\\x\"", "\"\\u12g4\"", "\"\t\"", "1 2", "{\"a\" 1}", "NaN"}) {
    EXPECT_FALSE(is_json(bad)) << bad;
  }
  EXPECT_TRUE(is_json(std::string(kJsonDepthMax, '[') + std::string(kJsonDepthMax, ']')));
  EXPECT_FALSE(is_json(std::string(100'000, '[')));  // bounded, not a stack overflow
}

TEST(JsonText, DecodesStrings) {
  EXPECT_EQ(json_string(R"("a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00")"), "a\"\\/\b\f\n\r\té😀");
  EXPECT_EQ(json_string(R"("\ud83d")"), std::nullopt);
  EXPECT_EQ(json_string(R"("\ude00")"), std::nullopt);
  EXPECT_EQ(json_string("1"), std::nullopt);
}

TEST(JsonText, WritesStringsThatReadBack) {
  const std::string text = "quote \" back \\ line \n control \x01 é 😀";
  std::string json;
  append_json(json, text);
  EXPECT_EQ(json_string(json), text);
}

TEST(PercentCoding, IsExact) {
  EXPECT_EQ(percent_encode("a b/é~"), "a%20b%2F%C3%A9~");
  EXPECT_EQ(percent_decode("a%20b%2f+"), "a b/+");
  EXPECT_EQ(percent_decode("a+b", true), "a b");
  for (const char* bad : {"%", "%1", "%g0", "%00"}) EXPECT_EQ(percent_decode(bad), std::nullopt) << bad;
}

TEST(Utf8, KnowsWhatIsWellFormed) {
  EXPECT_TRUE(is_utf8("aé€😀"));
  for (const char* bad : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3", "\xe2\x82"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
  EXPECT_FALSE(is_utf8(std::string_view("\0", 1)));
}

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    for (const auto& [method, pattern] :
         std::vector<std::pair<Method, std::string>>{{Method::get, "/"},
                                                     {Method::get, "/otp/:ns/:id"},
                                                     {Method::post, "/otp/:ns/:id"},
                                                     {Method::get, "/static/*"}}) {
      router_.add(method, pattern,
                  [this, pattern = pattern](const Request&, const auto& captures, Reply reply) {
                    handled_ = pattern;
                    for (const auto& capture : captures) handled_ += " " + capture;
                    reply.send(success("1"));
                  });
    }
  }
  Response ask(Method method, std::string_view path) {
    handled_.clear();
    Response got;
    Request request;
    request.method = method;
    request.path = path;
    router_.dispatch(request, Reply([&](Response&& response) { got = std::move(response); }));
    return got;
  }
  Router router_;
  std::string handled_;
};

TEST_F(RouterTest, FindsTheHandlerAndDecodesCaptures) {
  ask(Method::get, "/otp/my%20app/a%2Fb");
  EXPECT_EQ(handled_, "/otp/:ns/:id my app a/b");
  ask(Method::head, "/");
  EXPECT_EQ(handled_, "/");
  ask(Method::get, "/static/a/b.css");
  EXPECT_EQ(handled_, "/static/* a/b.css");
}

TEST_F(RouterTest, AnswersWhatIsNotThere) {
  EXPECT_EQ(ask(Method::get, "/nowhere").status, 404);
  EXPECT_EQ(ask(Method::get, "/otp/a").status, 404);
  EXPECT_EQ(ask(Method::get, "/otp//b").status, 404);
  EXPECT_EQ(ask(Method::get, "/otp/a/b/").status, 404);
  const auto wrong_method = ask(Method::del, "/otp/a/b");
  EXPECT_EQ(wrong_method.status, 405);
  EXPECT_THAT(wrong_method.headers, testing::HasSubstr("Allow: GET, HEAD, POST\r\n"));
  EXPECT_EQ(ask(Method::other, "/").status, 405);
  EXPECT_EQ(ask(Method::get, "/otp/%zz/b").status, 400);
  EXPECT_EQ(ask(Method::get, "/otp/%ff/b").status, 400);
}

TEST(RouterMetrics, AnswersAreCountedByRouteAndStatus) {
  ops::Metrics metrics("test");
  Router router(&metrics);
  router.add(Method::get, "/otp/:id",
             [](const Request&, const auto&, Reply reply) { reply.send(success("1")); });
  router.add(Method::post, "/otp/:id", [](const Request&, const auto&, Reply) {});  // dropped
  const auto ask = [&](Method method, std::string_view path) {
    Request request;
    request.method = method;
    request.path = path;
    router.dispatch(request, Reply([](Response&&) {}));
  };
  ask(Method::get, "/otp/one");
  ask(Method::head, "/otp/two");
  ask(Method::post, "/otp/one");
  ask(Method::get, "/nowhere");
  ask(Method::put, "/otp/one");
  const auto text = metrics.text({});
  for (const char* line :
       {R"(otpgateway_http_requests_total{code="200",method="GET",route="/otp/:id"} 2)",
        R"(otpgateway_http_requests_total{code="500",method="POST",route="/otp/:id"} 1)",
        R"(otpgateway_http_requests_total{code="404",method="none",route="none"} 1)",
        R"(otpgateway_http_requests_total{code="405",method="none",route="none"} 1)",
        R"(otpgateway_http_request_duration_seconds_count{method="GET",route="/otp/:id"} 2)"}) {
    EXPECT_THAT(text, testing::HasSubstr(std::string(line) + "\n"));
  }
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("nowhere")));
}

TEST(Reply, DroppedWithoutAnAnswerIsA500) {
  int status = 0;
  {
    const Reply reply([&](Response&& response) { status = response.status; });
  }
  EXPECT_EQ(status, 500);
}

TEST(Response, AHeaderCanNotBreakOut) {
  Response response;
  response.header("Location", "/a\r\nSet-Cookie: x");
  EXPECT_EQ(response.headers, "Location: /aSet-Cookie: x\r\n");
}

}  // namespace
}  // namespace otpgw::http
