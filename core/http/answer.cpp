#include "core/http/answer.h"

namespace otpgw::http {
namespace {

constexpr std::string_view kJson = "application/json; charset=utf-8";

}  // namespace

void append_json(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  out.push_back('"');
  std::size_t plain = 0;  // start of the run that needs no escape
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text.substr(plain, i - plain));
    plain = i + 1;
    switch (c) {
      case '"':
        out.append("\\\"");
        break;
      case '\\':
        out.append("\\\\");
        break;
      case '\n':
        out.append("\\n");
        break;
      case '\r':
        out.append("\\r");
        break;
      case '\t':
        out.append("\\t");
        break;
      default:
        out.append("\\u00").append(1, kHex[c >> 4]).append(1, kHex[c & 15]);
    }
  }
  out.append(text.substr(plain)).push_back('"');
}

Response success(std::string_view data_json) {
  Response response{200, kJson, std::string(kPrivate), {}};
  response.body.reserve(data_json.size() + 32);
  response.body.append(R"({"status":"success","data":)").append(data_json).append("}");
  return response;
}

Response error(int status, std::string_view message, std::string_view data_json,
               std::chrono::seconds retry_after) {
  Response response{status, kJson, std::string(kPrivate), {}};
  if (retry_after.count() > 0) response.header("Retry-After", std::to_string(retry_after.count()));
  response.body.append(R"({"status":"error","message":)");
  append_json(response.body, message);
  if (!data_json.empty()) response.body.append(R"(,"data":)").append(data_json);
  response.body.append("}");
  return response;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

}  // namespace otpgw::http
