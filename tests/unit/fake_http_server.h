// An HTTP server for tests that does on each request what the test says. Real sockets on loopback, one thread
// for each connection.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace otpgw::test {

class FakeHttpServer {
 public:
  // Called when a whole request (or only its head, with `heads_only`) is read; writes to the socket what it
  // likes. False: close the connection. Each connection's thread calls it.
  using Answerer = std::function<bool(int socket, const std::string& request)>;
  explicit FakeHttpServer(Answerer answerer, bool heads_only = false);
  ~FakeHttpServer();
  FakeHttpServer(const FakeHttpServer&) = delete;
  FakeHttpServer& operator=(const FakeHttpServer&) = delete;

  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }
  [[nodiscard]] std::vector<std::string> requests() const;  // as they came
  [[nodiscard]] int connections() const { return connections_; }

  static bool write(int socket, const std::string& text);  // false: nobody reads any more

 private:
  void accept_all();
  void serve(int socket);

  const Answerer answerer_;
  const bool heads_only_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;  // under mutex_, like all below
  std::vector<int> sockets_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace otpgw::test
