#include "endpoint.h"

#include <curl/curl.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>

namespace otpgw::webhook {
namespace {

class Url {
 public:
  explicit Url(const std::string& text) : url_(::curl_url()) {
    if (!url_) throw std::bad_alloc();
    good_ = ::curl_url_set(url_.get(), CURLUPART_URL, text.c_str(), 0) == CURLUE_OK;
  }

  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] std::optional<std::string> part(CURLUPart which) const {
    char* text = nullptr;
    if (::curl_url_get(url_.get(), which, &text, 0) != CURLUE_OK) return std::nullopt;
    std::string copy(text);
    ::curl_free(text);
    return copy;
  }

 private:
  struct Free {
    void operator()(CURLU* url) const { ::curl_url_cleanup(url); }
  };
  std::unique_ptr<CURLU, Free> url_;
  bool good_;
};

bool has_control(const std::string& text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

// libcurl would say only at the first send that it can't read it.
void check_ca_file(const std::string& path) {
  constexpr std::streamsize kBytesMax = 4 << 20;
  std::ifstream file(path, std::ios::binary);
  std::string text(kBytesMax, '\0');
  file.read(text.data(), kBytesMax);
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.find("-----BEGIN CERTIFICATE-----") == text.npos)
    throw std::invalid_argument("ca_file: expected a readable PEM file of certificates");
}

}  // namespace

void check_url(const std::string& text) {
  const Url url(text);
  if (!url.good())
    throw std::invalid_argument("url: expected one like https://host.example/path, without spaces");
  const auto scheme = url.part(CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") throw std::invalid_argument("url: expected http:// or https://");
  if (url.part(CURLUPART_HOST).value_or("").empty()) throw std::invalid_argument("url: it has no host");
  if (url.part(CURLUPART_USER) || url.part(CURLUPART_PASSWORD))
    throw std::invalid_argument("url: give user and password with the keys username and password");
  if (url.part(CURLUPART_FRAGMENT)) throw std::invalid_argument("url: expected none of what follows a #");
}

bool Endpoint::unencrypted() const {
  const Url parsed(url.substr(0, url.find('?')));
  if (parsed.part(CURLUPART_SCHEME) != "http") return false;
  const auto host = parsed.part(CURLUPART_HOST).value_or("");
  return host != "localhost" && host != "[::1]" && !host.starts_with("127.");
}

Endpoint read_endpoint(const JsonConfig& config) {
  Endpoint endpoint;
  endpoint.url = config.required_text("url");
  // A person's text must not choose the host or the path.
  if (endpoint.url.substr(0, endpoint.url.find('?')).find("{{") != std::string::npos)
    throw std::invalid_argument("url: expected fields after the ? only");
  endpoint.username = config.text("username");
  endpoint.password = config.text("password");
  if (has_control(endpoint.username) || endpoint.username.find(':') != std::string::npos)
    throw std::invalid_argument("username: expected no colon and no control character");
  if (has_control(endpoint.password)) throw std::invalid_argument("password: it holds a control character");
  endpoint.ca_file = config.text("ca_file");
  if (!endpoint.ca_file.empty()) check_ca_file(endpoint.ca_file);
  return endpoint;
}

}  // namespace otpgw::webhook
