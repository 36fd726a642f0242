// http_sink: a fast HTTP server that gives every request the same answer and forgets it. For benches.
//
//   http_sink ANSWER-BODY
//
// Listens on a free port of 127.0.0.1 and prints "port N"; keeps connections, with a thread for each. Reads
// requests that have a Content-Length. SIGTERM ends it.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

namespace {

constexpr const char* kLength = "Content-Length: ";

// The bytes of the first whole request in `text`; 0 when there is none yet.
std::size_t request_bytes(const std::string& text) {
  const auto end = text.find("\r\n\r\n");
  if (end == text.npos) return 0;
  const auto length = text.find(kLength);
  const std::size_t body = length < end ? std::strtoul(text.c_str() + length + 16, nullptr, 10) : 0;
  return text.size() >= end + 4 + body ? end + 4 + body : 0;
}

void serve(int socket, const std::string& answer) {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  std::string text;
  char buffer[16384];
  for (;;) {
    const auto size = ::recv(socket, buffer, sizeof buffer, 0);
    if (size <= 0) break;
    text.append(buffer, static_cast<std::size_t>(size));
    while (const auto bytes = request_bytes(text)) {
      text.erase(0, bytes);
      if (::send(socket, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) break;
    }
  }
  ::close(socket);
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) {
    std::fputs("Usage: http_sink ANSWER-BODY\n", stderr);
    return 2;
  }
  const std::string body = words[1];
  const std::string answer =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + body;
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener, 256) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::perror("http_sink");
    return 1;
  }
  std::printf("port %d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  for (;;) {
    const int socket = ::accept(listener, nullptr, nullptr);
    if (socket < 0) return 1;
    std::thread(serve, socket, answer).detach();
  }
}
