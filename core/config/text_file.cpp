#include "core/config/text_file.h"

#include <Poco/UTF8Encoding.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace otpgw::config {

std::expected<std::string, std::string> read_text_file(const std::filesystem::path& file,
                                                       std::size_t bytes_max) {
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) return std::unexpected("it is a folder");
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    if (errno != ENOENT) return std::unexpected("it can't be read: " + std::string(strerror(errno)));
    const bool is_credential = file.string().find(kCredentialsVariable) != std::string::npos;
    return std::unexpected(is_credential ? "CREDENTIALS_DIRECTORY is not set" : "no such file");
  }
  // One byte more than allowed tells "too large" without asking for a size that a pipe doesn't have.
  std::string text;
  text.resize_and_overwrite(bytes_max + 1, [&stream](char* to, std::size_t size) {
    stream.read(to, static_cast<std::streamsize>(size));
    return static_cast<std::size_t>(stream.gcount());
  });
  if (stream.bad()) return std::unexpected("it can't be read");
  if (text.size() > bytes_max) {
    return std::unexpected("it is larger than " + std::to_string(bytes_max / 1024) + " KiB");
  }
  if (!is_utf8(text)) return std::unexpected("it is not UTF-8 text");
  return text;
}

std::string one_line(std::string error) {
  std::ranges::replace_if(
      error, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return error;
}

bool is_utf8(std::string_view text) {
  const Poco::UTF8Encoding utf8;
  for (std::size_t at = 0; at < text.size();) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data() + at);
    const int length = utf8.sequenceLength(bytes, 1);
    if (length <= 0 || at + static_cast<std::size_t>(length) > text.size()) return false;
    if (length > 1 && !Poco::UTF8Encoding::isLegal(bytes, length)) return false;
    if (length == 1 && *bytes >= 0x80) return false;
    at += static_cast<std::size_t>(length);
  }
  return true;
}

}  // namespace otpgw::config
