// An SMTP server for tests that misbehaves as told: at any stage it answers what the test says, hangs, or
// drops the connection. Real sockets on loopback, one thread for each connection.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace otpgw::test {

class FakeSmtpServer {
 public:
  enum class Reaction { answer, hang, reset };
  struct Behaviour {
    Reaction reaction = Reaction::answer;
    std::string text;  // the whole answer, with CRLF
  };
  // Stages: CONNECT, EHLO, STARTTLS, AUTH, CREDENTIALS (each line after AUTH), MAIL, RCPT, DATA, MESSAGE,
  // QUIT.
  using Script = std::map<std::string, Behaviour>;

  explicit FakeSmtpServer(Script script = {});
  ~FakeSmtpServer();
  FakeSmtpServer(const FakeSmtpServer&) = delete;
  FakeSmtpServer& operator=(const FakeSmtpServer&) = delete;

  [[nodiscard]] uint16_t port() const { return port_; }
  // From now on.
  void follow(Script script);
  // Ends all connections that are open now, as an idle server does.
  void drop_connections();

  [[nodiscard]] std::vector<std::string> mails() const;     // headers and body as they came, dots unstuffed
  [[nodiscard]] std::vector<std::string> commands() const;  // of all connections, in order
  [[nodiscard]] int connections() const { return connections_; }

 private:
  void accept_all();
  void serve(int socket);
  // False: the connection is over.
  bool react(int socket, const std::string& stage, const std::string& otherwise);

  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  Script script_;  // under mutex_, like all below
  std::vector<std::string> mails_, commands_;
  std::vector<int> sockets_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace otpgw::test
