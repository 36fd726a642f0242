// Reads HTTP/1.1 requests off a byte stream, strictly (RFC 9112): what is ambiguous is refused, so that no
// proxy in front can be made to disagree with us about where a request ends (request smuggling).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "core/http/message.h"

namespace otpgw::http {

// SECURITY.md, "Inputs".
inline constexpr std::size_t kRequestLineBytesMax = 2048;
inline constexpr std::size_t kHeaderCountMax = 64;
inline constexpr std::size_t kHeaderBytesMax = 16 * 1024;
inline constexpr std::size_t kBodyBytesMax = 16 * 1024;
// A chunked body's framing may not cost more than this on top of the body.
inline constexpr std::size_t kChunkFramingBytesMax = 16 * 1024;

// One connection's reader. Feed bytes, then take whole requests one by one.
class RequestReader {
 public:
  enum class State {
    idle,     // nothing of a request yet
    headers,  // some bytes of a request line or headers
    body,     // headers are whole, the body is not
    ready,    // request() holds a whole one
    refused   // error_status(), error_message(); the connection must be closed
  };

  // Appends and reads on. While a request is ready, bytes only accumulate.
  State feed(std::string_view bytes);
  [[nodiscard]] State state() const { return state_; }
  // Valid while state() is ready, up to the next feed(); views into the reader.
  [[nodiscard]] Request& request() { return request_; }
  [[nodiscard]] bool keep_alive() const { return keep_alive_; }
  // True once per request: the client waits for "100 Continue" before it sends the body.
  [[nodiscard]] bool take_expects_continue() { return std::exchange(expects_continue_, false); }
  // Forgets the ready request and reads on in what has already arrived.
  State next();
  [[nodiscard]] int error_status() const { return error_status_; }
  [[nodiscard]] std::string_view error_message() const { return error_message_; }
  [[nodiscard]] std::size_t buffered() const { return buffer_.size(); }
  // Bytes have come behind the ready request.
  [[nodiscard]] bool has_more() const { return buffer_.size() > end_; }

 private:
  State advance();
  State refuse(int status, std::string_view message);
  bool read_head();
  State complete(std::string_view body, std::size_t end);
  bool read_request_line(std::string_view line);
  bool read_framing();
  State read_chunks();

  std::string buffer_;                  // from the current request's first byte on
  std::size_t scanned_ = 0;             // bytes of buffer_ searched for the end of the head
  std::size_t body_at_ = 0;             // where the body starts; 0 while the head is not whole
  const char* head_read_in_ = nullptr;  // where buffer_ was when request_'s views were made
  std::size_t length_ = 0;              // Content-Length
  bool chunked_ = false;
  std::size_t chunk_at_ = 0;  // how far chunks were decoded
  std::string chunks_;        // their content
  std::size_t end_ = 0;       // of the ready request in buffer_
  State state_ = State::idle;
  Request request_;
  std::string lower_names_;  // header names in lower case; request_'s views point into it
  bool http_1_0_ = false;
  bool keep_alive_ = true;
  bool expects_continue_ = false;
  int error_status_ = 0;
  std::string_view error_message_;
};

}  // namespace otpgw::http
