#include "fake_http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace otpgw::test {
namespace {

// The bytes of the first whole request in `text`; 0 when there is none yet.
std::size_t request_bytes(const std::string& text, bool heads_only) {
  const auto end = text.find("\r\n\r\n");
  if (end == text.npos) return 0;
  if (heads_only) return end + 4;
  const auto length = text.find("Content-Length: ");
  const auto body = length < end ? std::stoul(text.substr(length + 16)) : 0;
  return text.size() >= end + 4 + body ? end + 4 + body : 0;
}

}  // namespace

FakeHttpServer::FakeHttpServer(Answerer answerer, bool heads_only)
    : answerer_(std::move(answerer)), heads_only_(heads_only), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("the fake server can't listen");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

FakeHttpServer::~FakeHttpServer() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    std::lock_guard lock(mutex_);
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  for (auto& thread : threads_) thread.join();
  for (const int socket : sockets_) ::close(socket);
  ::close(listener_);
}

std::vector<std::string> FakeHttpServer::requests() const {
  std::lock_guard lock(mutex_);
  return requests_;
}

bool FakeHttpServer::write(int socket, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto sent = ::send(socket, text.data() + at, text.size() - at, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    at += static_cast<std::size_t>(sent);
  }
  return true;
}

void FakeHttpServer::accept_all() {
  for (;;) {
    const int socket = ::accept(listener_, nullptr, nullptr);
    if (socket < 0) return;
    ++connections_;
    std::lock_guard lock(mutex_);
    sockets_.push_back(socket);
    threads_.emplace_back([this, socket] { serve(socket); });
  }
}

void FakeHttpServer::serve(int socket) {
  std::string text;
  char buffer[16384];
  for (;;) {
    const auto size = ::recv(socket, buffer, sizeof buffer, 0);
    if (size <= 0) break;
    text.append(buffer, static_cast<std::size_t>(size));
    const auto bytes = request_bytes(text, heads_only_);
    if (bytes == 0) continue;
    const auto request = text.substr(0, bytes);
    text.erase(0, bytes);
    {
      std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    if (!answerer_(socket, request)) break;
    if (heads_only_) return;  // the body stays unread
  }
  ::shutdown(socket, SHUT_RDWR);
}

}  // namespace otpgw::test
