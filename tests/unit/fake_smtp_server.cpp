#include "fake_smtp_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <stdexcept>

namespace otpgw::test {
namespace {

using namespace std::chrono_literals;

// Reads lines from a socket.
class Lines {
 public:
  explicit Lines(int socket) : socket_(socket) {}
  std::optional<std::string> next() {
    while (true) {
      if (const auto end = buffer_.find("\r\n"); end != buffer_.npos) {
        auto line = buffer_.substr(0, end);
        buffer_.erase(0, end + 2);
        return line;
      }
      char bytes[16384];
      const auto size = ::recv(socket_, bytes, sizeof bytes, 0);
      if (size <= 0) return {};
      buffer_.append(bytes, static_cast<std::size_t>(size));
    }
  }

 private:
  const int socket_;
  std::string buffer_;
};

std::string verb_of(const std::string& line) { return line.substr(0, line.find(' ')); }

}  // namespace

FakeSmtpServer::FakeSmtpServer(Script script)
    : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), script_(std::move(script)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("the fake SMTP server has no port");
  port_ = ::ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

FakeSmtpServer::~FakeSmtpServer() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  drop_connections();
  for (auto& thread : threads_) thread.join();
  ::close(listener_);
}

void FakeSmtpServer::follow(Script script) {
  const std::lock_guard lock(mutex_);
  script_ = std::move(script);
}

void FakeSmtpServer::drop_connections() {
  const std::lock_guard lock(mutex_);
  for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
}

std::vector<std::string> FakeSmtpServer::mails() const {
  const std::lock_guard lock(mutex_);
  return mails_;
}

std::vector<std::string> FakeSmtpServer::commands() const {
  const std::lock_guard lock(mutex_);
  return commands_;
}

void FakeSmtpServer::accept_all() {
  while (!stopping_) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    ++connections_;
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const std::lock_guard lock(mutex_);
    sockets_.push_back(socket);
    threads_.emplace_back([this, socket] {
      serve(socket);
      const std::lock_guard forget(mutex_);
      std::erase(sockets_, socket);
      ::close(socket);
    });
  }
}

bool FakeSmtpServer::react(int socket, const std::string& stage, const std::string& otherwise) {
  Behaviour behaviour{.text = otherwise};
  {
    const std::lock_guard lock(mutex_);
    if (const auto told = script_.find(stage); told != script_.end()) behaviour = told->second;
  }
  switch (behaviour.reaction) {
    case Reaction::answer:
      return ::send(socket, behaviour.text.data(), behaviour.text.size(), MSG_NOSIGNAL) > 0;
    case Reaction::hang: {
      char byte;  // until the client or the test gives up; what comes is left in the socket
      while (!stopping_ && ::recv(socket, &byte, 1, MSG_PEEK) > 0) std::this_thread::sleep_for(5ms);
      return false;
    }
    case Reaction::reset: {
      const linger at_once{.l_onoff = 1, .l_linger = 0};
      ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      return false;  // the close that follows sends RST
    }
  }
  return false;
}

void FakeSmtpServer::serve(int socket) {
  Lines lines(socket);
  if (!react(socket, "CONNECT", "220 fake ESMTP\r\n")) return;
  while (const auto line = lines.next()) {
    const auto verb = verb_of(*line);
    {
      const std::lock_guard lock(mutex_);
      commands_.push_back(*line);
    }
    if (verb == "EHLO") {
      if (!react(socket, verb,
                 "250-fake\r\n250-PIPELINING\r\n250-AUTH PLAIN LOGIN CRAM-MD5\r\n250 8BITMIME\r\n"))
        return;
    } else if (verb == "AUTH") {
      if (line->ends_with("CRAM-MD5")) {
        if (!react(socket, verb, "334 PDEyMzRAZmFrZT4=\r\n") || !lines.next()) return;
      } else if (line->ends_with("LOGIN")) {
        if (!react(socket, verb, "334 VXNlcm5hbWU6\r\n") || !lines.next()) return;
        if (!react(socket, verb, "334 UGFzc3dvcmQ6\r\n") || !lines.next()) return;
      } else if (line->ends_with("PLAIN")) {
        if (!react(socket, verb, "334 \r\n") || !lines.next()) return;
      }
      if (!react(socket, "CREDENTIALS", "235 welcome\r\n")) return;
    } else if (verb == "DATA") {
      bool accepted = true;
      {
        const std::lock_guard lock(mutex_);
        accepted = !script_.contains("DATA");
      }
      if (!react(socket, verb, "354 go on\r\n")) return;
      if (!accepted) continue;
      std::string mail;
      while (true) {
        const auto text = lines.next();
        if (!text) return;
        if (*text == ".") break;
        mail += (text->starts_with('.') ? text->substr(1) : *text) + "\r\n";
      }
      {
        const std::lock_guard lock(mutex_);
        mails_.push_back(mail);
      }
      if (!react(socket, "MESSAGE", "250 2.0.0 Ok: queued as 4XyZ12\r\n")) return;
    } else {
      if (!react(socket, verb, "250 ok\r\n") || verb == "QUIT") return;
    }
  }
}

}  // namespace otpgw::test
