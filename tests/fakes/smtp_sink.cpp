// smtp_sink: a fast SMTP server that accepts every mail and forgets it. For benches and crash tests.
//
//   smtp_sink [--port N] [--record FILE] [--per-second]
//
// Listens on 127.0.0.1 (port 0, the default: any free one) and prints "port N" once it does; ends with an
// error when the port is taken. --record appends one line per mail before it is answered:
//   <nanoseconds since 1970> TAB <first recipient> TAB <Message-ID>
// --per-second prints how many mails each second brought. SIGTERM and SIGINT end it; it then prints "mails
// N".
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>

#include "tests/fakes/smtp_session.h"

namespace {

using otpgw::fakes::AcceptedMail;
using otpgw::fakes::SmtpSession;

struct Options {
  uint16_t port = 0;
  std::string record_path;
  bool per_second = false;
};

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "smtp_sink: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

Options read_options(int count, char** words) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--per-second") {
      options.per_second = true;
    } else if (word == "--port" && i + 1 < count) {
      options.port = static_cast<uint16_t>(std::strtoul(words[++i], nullptr, 10));
    } else if (word == "--record" && i + 1 < count) {
      options.record_path = words[++i];
    } else {
      std::fprintf(stderr, "usage: smtp_sink [--port N] [--record FILE] [--per-second]\n");
      std::exit(2);
    }
  }
  return options;
}

// No SO_REUSEPORT: a port that is taken must be an error, or a bench measures somebody else's sink.
int listen_on(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) fail("cannot bind the port");
  if (::listen(fd, SOMAXCONN) != 0) fail("cannot listen");
  socklen_t size = sizeof(address);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("port %d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return fd;
}

// Appends one line per mail; flushed once per turn of the loop, before the answers of that turn go out.
class Record {
 public:
  explicit Record(const std::string& path) {
    if (path.empty()) return;
    fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd_ < 0) fail(path);
  }
  void add(const AcceptedMail& mail) {
    if (fd_ < 0) return;
    const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    lines_ += std::to_string(now) + '\t' + mail.recipient + '\t' + mail.message_id + '\n';
  }
  void flush() {
    if (lines_.empty()) return;
    if (::write(fd_, lines_.data(), lines_.size()) != static_cast<ssize_t>(lines_.size())) fail("the record");
    lines_.clear();
  }

 private:
  int fd_ = -1;
  std::string lines_;
};

class Sink {
 public:
  explicit Sink(const Options& options) : options_(options), record_(options.record_path) {
    poll_ = ::epoll_create1(EPOLL_CLOEXEC);
    listener_ = listen_on(options.port);
    watch(listener_);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    signals_ = ::signalfd(-1, &signals, SFD_CLOEXEC);
    watch(signals_);
    if (options.per_second) {
      timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
      const itimerspec second{{1, 0}, {1, 0}};
      ::timerfd_settime(timer_, 0, &second, nullptr);
      watch(timer_);
    }
  }

  void run() {
    std::array<epoll_event, 256> events;
    for (;;) {
      const int count = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == signals_) {
          std::printf("mails %llu\n", static_cast<unsigned long long>(mails_));
          return;
        }
        if (fd == listener_) {
          accept_all();
        } else if (fd == timer_) {
          print_second();
        } else {
          serve(fd);
        }
      }
    }
  }

 private:
  void watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (::epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll");
  }

  void accept_all() {
    for (;;) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      sessions_[fd] = std::make_unique<SmtpSession>();
      watch(fd);
      send(fd, SmtpSession::kGreeting);
    }
  }

  void serve(int fd) {
    const auto size = ::recv(fd, buffer_.data(), buffer_.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) return close(fd);
    out_.clear();
    const bool go_on =
        sessions_[fd]->feed({buffer_.data(), static_cast<std::size_t>(size)}, out_, [this](const auto& mail) {
          ++mails_;
          record_.add(mail);
        });
    record_.flush();
    if (!send(fd, out_) || !go_on) close(fd);
  }

  // Answers are short: a client that does not take them has gone wrong, and is let go.
  static bool send(int fd, std::string_view text) {
    return ::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }

  void close(int fd) {
    sessions_.erase(fd);
    ::close(fd);
  }

  void print_second() {
    uint64_t ticks = 0;
    if (::read(timer_, &ticks, sizeof(ticks)) < 0) return;
    std::printf("%llu\n", static_cast<unsigned long long>(mails_ - printed_));
    std::fflush(stdout);
    printed_ = mails_;
  }

  const Options options_;
  Record record_;
  int poll_ = -1, listener_ = -1, signals_ = -1, timer_ = -1;
  uint64_t mails_ = 0, printed_ = 0;
  std::unordered_map<int, std::unique_ptr<SmtpSession>> sessions_;
  std::array<char, 65536> buffer_;
  std::string out_;
};

}  // namespace

int main(int count, char** words) {
  Sink(read_options(count, words)).run();
  return 0;
}
