#include "core/http/request_reader.h"

#include <algorithm>
#include <charconv>

namespace otpgw::http {
namespace {

constexpr std::size_t kKeptBytesMax = 4096;  // of a buffer between requests
// With the request line's CR LF and the empty line at the end.
constexpr std::size_t kHeadBytesMax = kRequestLineBytesMax + 2 + kHeaderBytesMax + 2;
constexpr std::size_t kChunkLineBytesMax = 256;  // a chunk's size and extensions

// RFC 9110 5.6.2: tchar.
bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool equals_lower(std::string_view text, std::string_view lower_case) {
  return std::ranges::equal(text, lower_case, [](char a, char b) { return lower(a) == b; });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// One of a comma-separated list's elements?
bool lists(std::string_view value, std::string_view lower_case) {
  while (!value.empty()) {
    const auto comma = value.find(',');
    if (equals_lower(trim(value.substr(0, comma)), lower_case)) return true;
    if (comma == std::string_view::npos) return false;
    value.remove_prefix(comma + 1);
  }
  return false;
}

bool is_control(unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; }

// What is wrong with a header or trailer line; empty when nothing is.
std::string_view fault_of(std::string_view line) {
  const auto colon = line.find(':');
  // Also obs-fold, and a space before the colon.
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
    return "A header line is malformed.";
  if (std::ranges::any_of(trim(line.substr(colon + 1)), is_control))
    return "A header holds a control character.";
  return {};
}

Method method_of(std::string_view token) {
  if (token == "GET") return Method::get;
  if (token == "PUT") return Method::put;
  if (token == "POST") return Method::post;
  if (token == "HEAD") return Method::head;
  if (token == "DELETE") return Method::del;
  return Method::other;
}

}  // namespace

RequestReader::State RequestReader::feed(std::string_view bytes) {
  buffer_.append(bytes);
  return state_ == State::ready || state_ == State::refused ? state_ : advance();
}

RequestReader::State RequestReader::next() {
  buffer_.erase(0, end_);
  scanned_ = body_at_ = length_ = chunk_at_ = end_ = 0;
  chunked_ = http_1_0_ = expects_continue_ = false;
  // An idle connection must not keep what its largest request needed.
  if (buffer_.empty() && buffer_.capacity() > kKeptBytesMax) std::string().swap(buffer_);
  if (chunks_.capacity() > kKeptBytesMax) std::string().swap(chunks_);
  chunks_.clear();
  state_ = State::idle;
  return advance();
}

RequestReader::State RequestReader::refuse(int status, std::string_view message) {
  error_status_ = status;
  error_message_ = message;
  keep_alive_ = false;
  return state_ = State::refused;
}

RequestReader::State RequestReader::advance() {
  if (body_at_ == 0) {
    // RFC 9112 2.2: empty lines before the request line are passed over.
    std::size_t empty = 0;
    while (scanned_ < 2 && buffer_.compare(empty, 2, "\r\n") == 0) empty += 2;
    if (empty > 0) {
      buffer_.erase(0, empty);
      scanned_ = 0;
    }
    if (buffer_.empty()) return state_ = State::idle;
    const auto end = buffer_.find("\r\n\r\n", scanned_ > 3 ? scanned_ - 3 : 0);
    const auto searched = std::exchange(scanned_, buffer_.size());
    if (end == std::string::npos) {
      const auto line_end = buffer_.find("\r\n");
      if (line_end == std::string::npos && buffer_.size() > kRequestLineBytesMax + 1) {  // its CR is here
        return refuse(414, "The request line is longer than 2048 bytes.");
      }
      if (buffer_.size() >= kHeadBytesMax) {
        return refuse(431, "The headers are larger than 16384 bytes.");
      }
      // Refused at once rather than at the deadline.
      for (auto lf = buffer_.find('\n', searched); lf != std::string::npos; lf = buffer_.find('\n', lf + 1)) {
        if (lf == 0 || buffer_[lf - 1] != '\r') return refuse(400, "Lines must end with CR LF.");
      }
      return state_ = State::headers;
    }
    body_at_ = chunk_at_ = end + 4;
    if (!read_head() || !read_framing()) return state_;
  }
  if (chunked_) return read_chunks();
  if (buffer_.size() - body_at_ < length_) return state_ = State::body;
  return complete(std::string_view(buffer_).substr(body_at_, length_), body_at_ + length_);
}

RequestReader::State RequestReader::complete(std::string_view body, std::size_t end) {
  // The body's bytes may have moved the buffer; a head that was good once is good again.
  if (buffer_.data() != head_read_in_) (void)read_head();
  request_.body = body;
  end_ = end;
  expects_continue_ = false;
  return state_ = State::ready;
}

bool RequestReader::read_head() {
  head_read_in_ = buffer_.data();
  // The request line and the header lines, each with its CR LF.
  auto head = std::string_view(buffer_).substr(0, body_at_ - 2);
  const auto line_end = head.find("\r\n");
  if (line_end > kRequestLineBytesMax) {
    refuse(414, "The request line is longer than 2048 bytes.");
    return false;
  }
  if (!read_request_line(head.substr(0, line_end))) return false;
  head.remove_prefix(line_end + 2);
  if (head.size() > kHeaderBytesMax) {
    refuse(431, "The headers are larger than 16384 bytes.");
    return false;
  }
  request_.headers.clear();
  lower_names_.clear();
  lower_names_.reserve(head.size());  // so that the views into it stay valid
  while (!head.empty()) {
    const auto end = head.find("\r\n");
    const auto line = head.substr(0, end);
    head.remove_prefix(end + 2);
    if (const auto fault = fault_of(line); !fault.empty()) {
      refuse(400, fault);
      return false;
    }
    if (request_.headers.size() == kHeaderCountMax) {
      refuse(431, "There are more than 64 headers.");
      return false;
    }
    const auto at = lower_names_.size();
    const auto colon = line.find(':');
    std::ranges::transform(line.substr(0, colon), std::back_inserter(lower_names_), lower);
    request_.headers.emplace_back(std::string_view(lower_names_).substr(at), trim(line.substr(colon + 1)));
  }
  return true;
}

bool RequestReader::read_request_line(std::string_view line) {
  const auto malformed = [&] {
    refuse(400, "The request line is malformed.");
    return false;
  };
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last || !is_token(line.substr(0, first)))
    return malformed();
  const auto version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    if (!version.starts_with("HTTP/") || version.size() > 8) return malformed();
    refuse(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
    return false;
  }
  http_1_0_ = version == "HTTP/1.0";
  auto target = line.substr(first + 1, last - first - 1);
  if (std::ranges::any_of(target, [](unsigned char c) { return c <= 0x20 || c >= 0x7f; })) return malformed();
  if (target.find('#') != std::string_view::npos) return malformed();
  if (target.starts_with("http://") || target.starts_with("https://")) {  // RFC 9112 3.2.2: absolute-form
    target.remove_prefix(target.find("://") + 3);
    const auto host_bytes = std::min(target.find_first_of("/?"), target.size());
    if (host_bytes == 0) return malformed();
    target.remove_prefix(host_bytes);
  } else if (!target.starts_with('/')) {
    return malformed();
  }
  request_.method = method_of(line.substr(0, first));
  const auto question = target.find('?');
  request_.path = target.substr(0, question);
  if (request_.path.empty()) request_.path = "/";
  request_.query = question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
  return true;
}

bool RequestReader::read_framing() {
  const std::string_view* length = nullptr;
  const std::string_view* coding = nullptr;
  int hosts = 0;
  keep_alive_ = !http_1_0_;
  for (const auto& [name, value] : request_.headers) {
    if (name == "content-length") {
      if (length) {
        refuse(400, "Content-Length is given twice.");
        return false;
      }
      length = &value;
    } else if (name == "transfer-encoding") {
      if (coding) {
        refuse(400, "Transfer-Encoding is given twice.");
        return false;
      }
      coding = &value;
    } else if (name == "host") {
      ++hosts;
    } else if (name == "connection") {
      if (lists(value, "close")) keep_alive_ = false;
      if (http_1_0_ && lists(value, "keep-alive")) keep_alive_ = true;
    } else if (name == "expect") {
      if (!equals_lower(value, "100-continue")) {
        refuse(417, "Expect knows only 100-continue.");
        return false;
      }
      expects_continue_ = !http_1_0_;
    }
  }
  if (hosts != 1 && (hosts > 1 || !http_1_0_)) {
    refuse(400, "There must be exactly one Host header.");
    return false;
  }
  if (coding) {
    if (length || http_1_0_) {
      refuse(400, "Transfer-Encoding can't stand beside Content-Length or in HTTP/1.0.");
      return false;
    }
    if (!equals_lower(*coding, "chunked")) {
      refuse(501, "Transfer-Encoding knows only chunked.");
      return false;
    }
    chunked_ = true;
  } else if (length) {
    const auto [end, ec] = std::from_chars(length->data(), length->data() + length->size(), length_);
    if (length->empty() || end != length->data() + length->size() || ec == std::errc::invalid_argument) {
      refuse(400, "Content-Length is not a number.");
      return false;
    }
    if (ec != std::errc() || length_ > kBodyBytesMax) {
      refuse(413, "The body is larger than 16384 bytes.");
      return false;
    }
  }
  return true;
}

// RFC 9112 7.1. What well-formed extensions and trailers say is passed over.
RequestReader::State RequestReader::read_chunks() {
  const std::string_view all = buffer_;
  for (;;) {
    const auto framing = chunk_at_ - body_at_ - chunks_.size();
    if (framing > kChunkFramingBytesMax) return refuse(413, "The chunks are too many for their content.");
    const auto line_end = all.find("\r\n", chunk_at_);
    if (line_end == std::string_view::npos) {
      if (all.size() - chunk_at_ > kChunkLineBytesMax + 1) return refuse(400, "A chunk size is malformed.");
      return state_ = State::body;
    }
    const auto line = all.substr(chunk_at_, line_end - chunk_at_);
    std::size_t size = 0;
    const auto digits = line.substr(0, line.find_first_of("; \t"));
    const auto extensions = trim(line.substr(digits.size()));
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
    if (line.size() > kChunkLineBytesMax || digits.empty() || end != digits.data() + digits.size() ||
        ec == std::errc::invalid_argument || (line.size() > digits.size() && !extensions.starts_with(';')) ||
        std::ranges::any_of(extensions, is_control)) {
      return refuse(400, "A chunk size is malformed.");
    }
    if (ec != std::errc() || size > kBodyBytesMax - chunks_.size()) {
      return refuse(413, "The body is larger than 16384 bytes.");
    }
    if (size == 0) {
      // The trailer section ends with an empty line.
      const auto trailer_end = all.find("\r\n\r\n", line_end);
      // All but the last byte of that empty line may be here.
      if (std::min(trailer_end, all.size() - 3) > line_end + kHeaderBytesMax)
        return refuse(431, "The trailers are too large.");
      if (trailer_end == std::string_view::npos) return state_ = State::body;
      for (auto at = line_end + 2; at < trailer_end + 2;) {
        const auto next = all.find("\r\n", at);
        if (const auto fault = fault_of(all.substr(at, next - at)); !fault.empty()) return refuse(400, fault);
        at = next + 2;
      }
      return complete(chunks_, trailer_end + 4);
    }
    const auto data_at = line_end + 2;
    if (all.size() < data_at + size + 2) return state_ = State::body;
    if (all.substr(data_at + size, 2) != "\r\n") return refuse(400, "A chunk is longer than its size says.");
    chunks_.append(all.substr(data_at, size));
    chunk_at_ = data_at + size + 2;
  }
}

}  // namespace otpgw::http
