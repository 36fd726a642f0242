#include "request_format.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "extra_headers.h"

namespace otpgw::webhook {
namespace {

constexpr std::size_t kTemplateBytesMax = std::size_t{16} << 10;
constexpr const char* kJson = "application/json";

int64_t now_unix_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// "application/json; charset=utf-8" is application/json.
std::string media_type(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  while (type.ends_with(' ')) type.pop_back();
  std::ranges::transform(type, type.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return type;
}

std::string read_content_type(const JsonConfig& config) {
  auto type = config.text("content_type", kJson);
  if (type.empty() || !std::ranges::all_of(type, [](char c) { return c >= 0x20 && c < 0x7F; }))
    throw std::invalid_argument("content_type: expected one like application/json");
  return type;
}

Escape escape_for(const std::string& content_type) {
  const auto type = media_type(content_type);
  if (type == kJson || (type.starts_with("application/") && type.ends_with("+json"))) return Escape::json;
  if (type == "application/x-www-form-urlencoded") return Escape::percent;
  if (type == "text/plain") return Escape::none;
  throw std::invalid_argument(
      "content_type: expected application/json, application/x-www-form-urlencoded or text/plain: for "
      "others it is not known how to escape");
}

bool is_json(const std::string& text) {
  try {
    Poco::JSON::Parser().parse(text);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

FieldTemplate compile(const std::string& key, const std::string& text, Escape escape) {
  if (text.size() > kTemplateBytesMax)
    throw std::invalid_argument(key + ": expected at most " + std::to_string(kTemplateBytesMax) + " bytes");
  try {
    return {text, escape};
  } catch (const std::invalid_argument& e) {
    throw std::invalid_argument(key + ": " + e.what());
  }
}

// Line breaks around a text in three quotes are no part of it.
std::string read_body(const JsonConfig& config) {
  const auto text = config.text("body");
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  return first == text.npos ? std::string() : text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

FieldTemplate compile_body(const std::string& text, Escape escape, bool numbers_only) {
  auto compiled = compile("body", text, escape);
  if (escape == Escape::percent &&
      compiled.render(sample_fields(true, numbers_only)).find_first_of(" \t\r\n") != std::string::npos)
    throw std::invalid_argument(
        "body: a form is one line without spaces, like to={{to}}&text={{body}}; write %20 for a space and "
        "%2B for a plus sign");
  if (escape == Escape::json)
    for (const bool all : {true, false})
      if (!is_json(compiled.render(sample_fields(all, numbers_only))))
        throw std::invalid_argument(
            "body: it is not JSON when its fields are filled in; expected quotes around each but ttl and "
            "extra (with default_phone_code or address_pattern to_digits may do without), and no comma too "
            "many when subject, body or locale is empty");
  return compiled;
}

Fields fields_of(const Job& job, std::string_view address) {
  const auto left_ms = std::max<int64_t>(0, job.expiry_unix_ms - now_unix_ms());
  const auto plus = address.starts_with('+') ? 1 : 0;
  return {std::string(address),
          std::string(address.substr(plus)),
          std::string(job.code),
          std::string(job.subject),
          std::string(job.body),
          std::string(job.name_space),
          std::string(job.otp_id),
          std::string(job.id),
          std::to_string((left_ms + 999) / 1000),
          std::string(job.locale),
          std::string(job.extra.empty() ? "{}" : job.extra)};
}

// Field by field what the Go program posts.
std::string default_body(const Job& job) {
  return R"({"otp":)" + std::string(job.otp_json.empty() ? "{}" : job.otp_json) + R"(,"subject":")" +
         escaped(job.subject, Escape::json) + R"(","body":")" + escaped(job.body, Escape::json) + R"("})";
}

}  // namespace

RequestFormat::RequestFormat(const JsonConfig& config, Endpoint endpoint)
    : endpoint_(std::move(endpoint)),
      method_(config.choice("method", {"POST", "GET", "PUT", "PATCH"}, "POST")),
      content_type_(read_content_type(config)),
      extra_headers_(read_extra_headers(config)),
      signer_(config) {
  if (endpoint_.url.find("{{") == std::string::npos) {
    check_url(endpoint_.url);
  } else {
    url_.emplace(compile("url", endpoint_.url, Escape::percent));
    for (const bool all : {true, false}) check_url(url_->render(sample_fields(all, false)));
  }
  const auto body = read_body(config);
  const auto escape = escape_for(content_type_);
  if (method_ == "GET") {
    if (!body.empty()) throw std::invalid_argument("body: a GET has none; put the fields into url");
    if (!url_) throw std::invalid_argument("url: a GET needs fields in it, like ?to={{to}}&text={{body}}");
    if (signer_.signs()) throw std::invalid_argument("secret: a GET has no body to sign");
    content_type_.clear();
  } else if (!body.empty()) {
    // A person's text without quotes could be any piece of JSON, unless the section says what addresses are.
    const bool numbers_only =
        !config.text("default_phone_code").empty() || !config.text("address_pattern").empty();
    body_.emplace(compile_body(body, escape, numbers_only));
  } else if (escape != Escape::json) {
    throw std::invalid_argument("content_type: the gateway's own body is JSON; give body for another");
  }
}

http::Request RequestFormat::request(const Job& job, std::string_view address) {
  const auto fields = fields_of(job, address);
  http::Request request{.method = method_,
                        .url = url_ ? url_->render(fields) : endpoint_.url,
                        .headers = extra_headers_,
                        .username = endpoint_.username,
                        .password = endpoint_.password};
  if (method_ != "GET") {
    request.body = body_ ? body_->render(fields) : default_body(job);
    request.headers.push_back("Content-Type: " + content_type_);
  }
  request.headers.push_back("Idempotency-Key: " + std::string(job.id));
  if (signer_.signs())
    for (auto& header : signer_.headers(job.id, now_unix_ms() / 1000, request.body))
      request.headers.push_back(std::move(header));
  return request;
}

}  // namespace otpgw::webhook
