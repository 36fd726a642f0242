// What browsers load besides the pages: small files, read into memory once, with ETag, gzip and caching.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/http/message.h"
#include "web/template_source.h"

namespace otpgw::web {

struct Representation {
  std::string headers;
  std::string etag;  // with its quotes
  std::string body;
};

struct StaticFile {
  std::string_view content_type;
  Representation plain;
  std::optional<Representation> gzip;  // where it is smaller
};
[[nodiscard]] StaticFile static_file(std::string_view content_type, std::string body);
// 200, or 304 for whom has it.
[[nodiscard]] http::Response answer(const http::Request& request, const StaticFile& file);

class StaticFiles {
 public:
  // Reads all files of static/ in each folder; of two with one name the first folder's. Nothing else is
  // reachable, because nothing else was read. The error is one line.
  [[nodiscard]] static std::expected<StaticFiles, std::string> read(const Folders& folders);

  // `path` below static/; 404 for others.
  [[nodiscard]] http::Response answer(const http::Request& request, std::string_view path) const;
  // What the file holds; "" when there is none. `set_text` gives one that there is another text.
  [[nodiscard]] std::string_view text(std::string_view path) const;
  void set_text(std::string_view path, std::string text);

 private:
  std::map<std::string, StaticFile, std::less<>> files_;
};

}  // namespace otpgw::web
