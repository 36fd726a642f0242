// One keep-alive connection of a load client: a request out, its answer in. Nothing is kept of an answer but
// its status.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace otpgw::bench {

class HttpConnection {
 public:
  // Connects to 127.0.0.1:port; throws std::system_error.
  explicit HttpConnection(uint16_t port);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  // Throws std::system_error when the server has gone.
  void send(std::string_view request);
  // Reads what is there. The status when the answer is whole, 0 while it is not, -1 when the server has
  // closed.
  [[nodiscard]] int receive();

 private:
  int fd_;
  std::string buffer_;
};

// A PUT of one OTP, a form with BasicAuth.
[[nodiscard]] std::string put_request(std::string_view authorization, std::string_view id,
                                      std::string_view form);

}  // namespace otpgw::bench
