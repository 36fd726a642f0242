// otp_load: what wrk can't do. All load goes to 127.0.0.1.
//
//   otp_load fill PORT AUTHORIZATION PREFIX COUNT FORM   PUTs the ids PREFIX0 ... PREFIX<COUNT-1>, each once
//   otp_load busy PORT CONNECTIONS SECONDS               GET /api/health on all connections at once; prints
//   the
//                                                        requests in all and of the least served connection
//   otp_load idle PORT CONNECTIONS                       opens them, asks once on each, prints "ready", holds
//   them
//                                                        until its standard input closes
//   otp_load mail PORT AUTHORIZATION RATE SECONDS        PUTs with an address of its own each, RATE a second;
//   prints
//                                                        <address> TAB <nanoseconds since 1970 of its answer>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/http_connection.h"

namespace {

using otpgw::bench::HttpConnection;
using otpgw::bench::put_request;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kFillConnections = 64;
constexpr std::size_t kMailConnections = 32;
constexpr int kSilenceMsMax = 30'000;
const std::string kHealth = "GET /api/health HTTP/1.1\r\nHost: bench\r\n\r\n";

// A set of connections and which of them has an answer.
class Connections {
 public:
  Connections(uint16_t port, std::size_t count) : poll_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (std::size_t i = 0; i < count; ++i) {
      all_.push_back(std::make_unique<HttpConnection>(port));
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.u64 = i;
      ::epoll_ctl(poll_, EPOLL_CTL_ADD, all_.back()->fd(), &event);
    }
  }
  ~Connections() { ::close(poll_); }
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  HttpConnection& operator[](std::size_t i) { return *all_[i]; }
  [[nodiscard]] std::size_t size() const { return all_.size(); }

  // Calls answered(index, status) for each whole answer. False when nothing came in that time.
  bool wait(int timeout_ms, const std::function<void(std::size_t, int)>& answered) {
    const int count = ::epoll_wait(poll_, events_.data(), static_cast<int>(events_.size()), timeout_ms);
    for (int i = 0; i < count; ++i) {
      const auto index = events_[static_cast<std::size_t>(i)].data.u64;
      const int status = all_[index]->receive();
      if (status < 0) throw std::runtime_error("the gateway closed a connection");
      if (status > 0) answered(index, status);
    }
    return count > 0;
  }

 private:
  int poll_;
  std::vector<std::unique_ptr<HttpConnection>> all_;
  std::array<epoll_event, 512> events_;
};

void expect_success(int status) {
  if (status != 200) throw std::runtime_error("answered " + std::to_string(status));
}

int fill(uint16_t port, const std::string& authorization, const std::string& prefix, std::size_t count,
         const std::string& form) {
  Connections connections(port, std::min(kFillConnections, count));
  std::size_t sent = 0, done = 0;
  const auto send = [&](std::size_t i) {
    connections[i].send(put_request(authorization, prefix + std::to_string(sent++), form));
  };
  for (std::size_t i = 0; i < connections.size(); ++i) send(i);
  while (done < count) {
    const bool any = connections.wait(kSilenceMsMax, [&](std::size_t i, int status) {
      expect_success(status);
      ++done;
      if (sent < count) send(i);
    });
    if (!any) throw std::runtime_error("no answer");
  }
  return 0;
}

int busy(uint16_t port, std::size_t count, int seconds) {
  Connections connections(port, count);
  std::vector<uint64_t> served(count);
  for (std::size_t i = 0; i < count; ++i) connections[i].send(kHealth);
  const auto end = Clock::now() + std::chrono::seconds(seconds);
  while (Clock::now() < end) {
    (void)connections.wait(100, [&](std::size_t i, int status) {
      expect_success(status);
      ++served[i];
      connections[i].send(kHealth);
    });
  }
  uint64_t total = 0;
  for (const auto one : served) total += one;
  std::printf("%llu %llu\n", static_cast<unsigned long long>(total),
              static_cast<unsigned long long>(*std::ranges::min_element(served)));
  return 0;
}

int idle(uint16_t port, std::size_t count) {
  Connections connections(port, count);
  std::size_t done = 0;
  for (std::size_t i = 0; i < count; ++i) connections[i].send(kHealth);
  while (done < count) {
    if (!connections.wait(kSilenceMsMax, [&](std::size_t, int status) {
          expect_success(status);
          ++done;
        }))
      throw std::runtime_error("no answer");
  }
  std::puts("ready");
  std::fflush(stdout);
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}

int mail(uint16_t port, const std::string& authorization, int rate, int seconds) {
  Connections connections(port, kMailConnections);
  std::deque<std::size_t> free;
  for (std::size_t i = 0; i < connections.size(); ++i) free.push_back(i);
  std::vector<std::string> addresses(connections.size());
  const auto start = Clock::now();
  const auto run = std::to_string(start.time_since_epoch().count());
  const std::size_t count = static_cast<std::size_t>(rate) * static_cast<std::size_t>(seconds);
  const auto step = std::chrono::nanoseconds(1'000'000'000 / rate);
  std::size_t sent = 0, done = 0;
  while (done < count) {
    const auto now = Clock::now();
    if (now - start > std::chrono::seconds(seconds + 30)) throw std::runtime_error("no answer");
    while (sent < count && !free.empty() && start + step * static_cast<int64_t>(sent) <= now) {
      const auto i = free.front();
      free.pop_front();
      const auto id = "mail-" + run + "-" + std::to_string(sent++);
      addresses[i] = id + "@bench.example";
      connections[i].send(put_request(authorization, id, "provider=smtp&to=" + addresses[i]));
    }
    (void)connections.wait(1, [&](std::size_t i, int status) {
      const auto at = std::chrono::duration_cast<std::chrono::nanoseconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
      expect_success(status);
      std::printf("%s\t%lld\n", addresses[i].c_str(), static_cast<long long>(at));
      ++done;
      free.push_back(i);
    });
  }
  return 0;
}

uint16_t port_of(const char* word) { return static_cast<uint16_t>(std::strtoul(word, nullptr, 10)); }
int number_of(const char* word) { return static_cast<int>(std::strtol(word, nullptr, 10)); }

int run(int count, char** words) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  const std::string mode = count > 2 ? words[1] : "";
  if (mode == "fill" && count == 7) {
    return fill(port_of(words[2]), words[3], words[4], static_cast<std::size_t>(number_of(words[5])),
                words[6]);
  }
  if (mode == "busy" && count == 5) {
    return busy(port_of(words[2]), static_cast<std::size_t>(number_of(words[3])), number_of(words[4]));
  }
  if (mode == "idle" && count == 4) {
    return idle(port_of(words[2]), static_cast<std::size_t>(number_of(words[3])));
  }
  if (mode == "mail" && count == 6) {
    return mail(port_of(words[2]), words[3], number_of(words[4]), number_of(words[5]));
  }
  std::fprintf(stderr, "usage: otp_load fill|busy|idle|mail PORT ... (see its source's first lines)\n");
  return 2;
}

}  // namespace

int main(int count, char** words) {
  try {
    return run(count, words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "otp_load: %s\n", error.what());
    return 1;
  }
}
