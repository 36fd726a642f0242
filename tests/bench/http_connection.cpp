#include "tests/bench/http_connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

namespace otpgw::bench {
namespace {

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

std::size_t content_length(std::string_view head) {
  constexpr std::string_view kName = "\r\ncontent-length:";
  for (auto at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
    auto line = head.substr(at);
    if (line.size() <= kName.size() || ::strncasecmp(line.data(), kName.data(), kName.size()) != 0) continue;
    line.remove_prefix(kName.size());
    while (line.starts_with(' ')) line.remove_prefix(1);
    std::size_t length = 0;
    std::from_chars(line.data(), line.data() + line.size(), length);
    return length;
  }
  return 0;
}

}  // namespace

HttpConnection::HttpConnection(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (fd_ < 0) fail("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    const int error = errno;
    ::close(fd_);
    errno = error;
    fail("connect");
  }
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
}

HttpConnection::~HttpConnection() { ::close(fd_); }

void HttpConnection::send(std::string_view request) {
  // Requests are a few hundred bytes and alone on the connection: they fit into the socket's buffer.
  if (::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    fail("send");
}

int HttpConnection::receive() {
  std::array<char, 16384> bytes;
  const auto size = ::recv(fd_, bytes.data(), bytes.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (size <= 0) return -1;
  buffer_.append(bytes.data(), static_cast<std::size_t>(size));
  const auto head_end = buffer_.find("\r\n\r\n");
  if (head_end == std::string::npos) return 0;
  if (buffer_.size() < head_end + 4 + content_length(std::string_view(buffer_).substr(0, head_end))) return 0;
  int status = 0;
  std::from_chars(buffer_.data() + 9, buffer_.data() + 12, status);
  buffer_.clear();
  return status;
}

std::string put_request(std::string_view authorization, std::string_view id, std::string_view form) {
  std::string request = "PUT /api/otp/";
  request.append(id).append(" HTTP/1.1\r\nHost: bench\r\nAuthorization: ").append(authorization);
  request.append("\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ");
  request.append(std::to_string(form.size())).append("\r\n\r\n").append(form);
  return request;
}

}  // namespace otpgw::bench
