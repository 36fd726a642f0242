#include "web/static_files.h"

#include <Poco/DeflatingStream.h>
#include <sodium.h>

#include <array>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <system_error>

#include "core/http/answer.h"
#include "web/pages.h"

namespace otpgw::web {
namespace {

namespace fs = std::filesystem;

// Half a MiB a file is far above what a page may weigh; more is a folder named by mistake.
constexpr uintmax_t kFileBytesMax = 512 * 1024;

// Only what browsers are meant to get; anything else that lies in the folder is not served.
std::optional<std::string_view> content_type(const fs::path& file) {
  static const std::map<std::string, std::string_view> kTypes = {{".css", "text/css; charset=utf-8"},
                                                                 {".js", "text/javascript; charset=utf-8"},
                                                                 {".ts", "text/plain; charset=utf-8"},
                                                                 {".html", "text/html; charset=utf-8"},
                                                                 {".svg", "image/svg+xml"},
                                                                 {".png", "image/png"},
                                                                 {".ico", "image/x-icon"}};
  const auto found = kTypes.find(file.extension().string());
  if (found == kTypes.end()) return std::nullopt;
  return found->second;
}

std::string etag_of(std::string_view body) {
  std::array<unsigned char, crypto_generichash_BYTES_MIN> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(body.data()),
                     body.size(), nullptr, 0);
  std::array<char, 2 * crypto_generichash_BYTES_MIN + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  return "\"" + std::string(hex.data()) + "\"";
}

Representation representation(std::string body, std::string_view more_headers) {
  Representation made{{}, etag_of(body), std::move(body)};
  // Five minutes: otp.js has one address for ever, and an update should reach the applications' pages soon.
  // Any site may load otp.js, also one that isolates itself (COEP).
  made.headers = "Cache-Control: public, max-age=300\r\nETag: " + made.etag +
                 "\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: "
                 "no-referrer\r\nCross-Origin-Resource-Policy: cross-origin\r\n"
                 "Content-Security-Policy: default-src 'self'; frame-ancestors 'none'; base-uri 'none'\r\n";
  made.headers.append(more_headers);
  return made;
}

std::string gzipped(const std::string& body) {
  constexpr int kBest = 9;
  std::ostringstream out;
  Poco::DeflatingOutputStream deflating(out, Poco::DeflatingStreamBuf::STREAM_GZIP, kBest);
  deflating << body;
  deflating.close();
  return out.str();
}

std::expected<std::string, std::string> read_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string body(std::istreambuf_iterator<char>(in), {});
  if (!in || body.size() > kFileBytesMax) {
    return std::unexpected(file.string() + ": expected a readable file of at most 512 KiB");
  }
  return body;
}

// "gzip, br", "br;q=1.0, gzip;q=0.5"; not "gzip;q=0". A client that names it otherwise gets the plain file.
bool accepts_gzip(std::string_view accept_encoding) {
  const std::size_t found = accept_encoding.find("gzip");
  if (found == std::string_view::npos) return false;
  std::string_view quality = accept_encoding.substr(found + 4);
  quality = quality.substr(0, quality.find(','));
  return quality.find_first_of("123456789") != std::string_view::npos || !quality.contains("q=");
}

}  // namespace

StaticFile static_file(std::string_view type, std::string body) {
  StaticFile file{type, {}, {}};
  std::string small = gzipped(body);
  if (small.size() < body.size()) {
    file.gzip = representation(std::move(small), "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n");
    file.plain = representation(std::move(body), "Vary: Accept-Encoding\r\n");
  } else {
    file.plain = representation(std::move(body), {});
  }
  return file;
}

http::Response answer(const http::Request& request, const StaticFile& file) {
  const bool gzip = file.gzip && accepts_gzip(request.header("accept-encoding"));
  const Representation& sent = gzip ? *file.gzip : file.plain;
  if (request.header("if-none-match").contains(sent.etag)) return {304, {}, sent.headers, {}};
  return {200, file.content_type, sent.headers, sent.body};
}

std::expected<StaticFiles, std::string> StaticFiles::read(const Folders& folders) {
  StaticFiles read;
  for (const fs::path& parent : folders) {
    const fs::path folder = parent / "static";
    std::error_code error;
    if (&parent != &folders.back() && !fs::exists(folder, error)) continue;
    // Links are not followed: nothing from outside the folder.
    for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
      const auto type = content_type(at->path());
      if (!type || !fs::is_regular_file(at->symlink_status())) continue;
      auto body = read_file(at->path());
      if (!body) return std::unexpected(std::move(body.error()));
      read.files_.emplace(at->path().lexically_relative(folder).generic_string(),
                          static_file(*type, std::move(*body)));
    }
    if (error) return std::unexpected(folder.string() + ": " + error.message());
  }
  return read;
}

http::Response StaticFiles::answer(const http::Request& request, std::string_view path) const {
  if (const auto found = files_.find(path); found != files_.end()) return web::answer(request, found->second);
  return http::error(404, "No such file.");
}

std::string_view StaticFiles::text(std::string_view path) const {
  const auto found = files_.find(path);
  return found == files_.end() ? std::string_view() : found->second.plain.body;
}

void StaticFiles::set_text(std::string_view path, std::string text) {
  if (const auto found = files_.find(path); found != files_.end())
    found->second = static_file(found->second.content_type, std::move(text));
}

std::expected<void, std::string> add_api_document(http::Router& router, const fs::path& file) {
  auto body = read_file(file);
  if (!body) return std::unexpected(std::move(body.error()));
  router.add(
      http::Method::get, "/api/openapi.yaml",
      [document = std::make_shared<const StaticFile>(static_file("application/yaml", std::move(*body)))](
          const http::Request& request, const std::vector<std::string>&, http::Reply reply) {
        reply.send(answer(request, *document));
      });
  return {};
}

}  // namespace otpgw::web
