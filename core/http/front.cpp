#include "core/http/front.h"

#include <Poco/Exception.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/Net/StreamSocketImpl.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "core/http/connection.h"

namespace otpgw::http {
namespace {

constexpr int kBacklog = 4096;
constexpr int kAcceptsPerTurn = 256;
// Of answers that a client hasn't taken, in the kernel; it would let each have 4 MiB.
constexpr int kSendBufferBytes = 128 * 1024;
constexpr std::chrono::milliseconds kSweepInterval{250};  // how late a deadline may be noticed

}  // namespace

Front::Front(Loop& loop, const std::string& host, uint16_t port, const FrontLimits& limits, Dispatch dispatch,
             ops::Metrics* metrics)
    : loop_(loop),
      limits_(limits),
      dispatch_(std::move(dispatch)),
      metrics_(metrics),
      spare_fd_(open("/dev/null", O_RDONLY | O_CLOEXEC)) {
  // Poco's default of SO_REUSEPORT would let a second instance take half of the clients, unnoticed.
  listener_.bind(Poco::Net::SocketAddress(host, port), true, false);
  listener_.setSendBufferSize(kSendBufferBytes);  // its connections inherit it
  listener_.listen(kBacklog);
  listener_.setBlocking(false);
  fcntl(listener_.impl()->sockfd(), F_SETFD, FD_CLOEXEC);
  loop_.watch(listener_.impl()->sockfd(), EPOLLIN, *this);
  loop_.at_turn_end([this] { closed_.clear(); });
  sweep();
}

Front::~Front() {
  ::close(spare_fd_);
  connections_.clear();
  closed_.clear();
}

uint16_t Front::port() const { return listener_.address().port(); }

void Front::on_events(uint32_t) { accept(kAcceptsPerTurn); }

void Front::accept(int most) {
  for (int i = 0; i < most && accept_one(); ++i) {
  }
}

bool Front::accept_one() {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  const int fd = accept4(listener_.impl()->sockfd(), reinterpret_cast<sockaddr*>(&storage), &size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    if (errno != EMFILE && errno != ENFILE) return errno == ECONNABORTED || errno == EINTR;
    // Out of descriptors: make room, or the listener would wake us for ever with a client we can't take.
    evict_one();
    ::close(spare_fd_);
    ::close(::accept(listener_.impl()->sockfd(), nullptr, nullptr));
    spare_fd_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return false;
  }
  Poco::Net::StreamSocket socket(new Poco::Net::StreamSocketImpl(fd));
  socket.setBlocking(false);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto peer = ip::Address::of(storage);
  const auto party = parties_.find(peer.party());
  if (party != parties_.end() && party->second.size() >= limits_.connections_per_party &&
      clients_.is_limited(peer) && !evict_one_of(party->second)) {
    return true;  // dropped
  }
  if (connections_.size() >= limits_.connections && !evict_one()) return true;
  const auto id = ++last_id_;
  connections_.emplace(id, std::make_unique<Connection>(*this, id, std::move(socket), peer));
  return true;
}

// Whatever has been idle or incomplete for longest; else the slowest reader; never one that waits for its
// answer.
bool Front::evict_one() {
  Connection* longest = nullptr;
  for (const auto wait : {Wait::handshake, Wait::head, Wait::body, Wait::keep_alive, Wait::linger}) {
    const auto& queue = queues_[static_cast<std::size_t>(wait)];
    if (queue.empty() || (longest && longest->since() <= queue.front()->since())) continue;
    longest = queue.front();
  }
  const auto& slow_readers = queues_[static_cast<std::size_t>(Wait::write)];
  if (!longest && !slow_readers.empty()) longest = slow_readers.front();
  if (longest) close(*longest);
  return longest != nullptr;
}

bool Front::evict_one_of(Queue& party) {
  auto found = std::ranges::find_if(party, &Connection::is_evictable);
  if (found == party.end()) found = std::ranges::find_if(party, &Connection::is_slow_reader);
  if (found == party.end()) return false;
  close(**found);
  return true;
}

void Front::close(Connection& connection) {
  const auto found = connections_.find(connection.id());
  if (found == connections_.end()) return;
  connection.leave();
  const auto party = parties_.find(connection.peer().party());
  if (party->second.empty()) parties_.erase(party);
  closed_.push_back(std::move(found->second));
  connections_.erase(found);
  if (draining_ && connections_.empty() && drained_) std::exchange(drained_, nullptr)();
}

void Front::sweep() {
  for (const auto wait :
       {Wait::handshake, Wait::head, Wait::body, Wait::keep_alive, Wait::write, Wait::linger}) {
    auto& queue = queues_[static_cast<std::size_t>(wait)];
    while (!queue.empty() && queue.front()->deadline() <= loop_.now()) queue.front()->timed_out();
  }
  loop_.after(kSweepInterval, [this] { sweep(); });
}

std::chrono::milliseconds Front::duration(Wait wait) const {
  switch (wait) {
    case Wait::handshake:
      return limits_.handshake;
    case Wait::head:
      return limits_.head;
    case Wait::body:
      return limits_.body;
    case Wait::keep_alive:
      return limits_.keep_alive;
    case Wait::write:
      return limits_.write;
    case Wait::linger:
      return limits_.linger;
    default:
      return std::chrono::hours{24};  // a reply: bounded by whoever owes it
  }
}

void Front::reconfigure(FrontRules rules) {
  clients_.trust(rules.trusted_proxies);
  rules_ = std::move(rules);
}

void Front::drain(std::function<void()> done) {
  draining_ = true;
  drained_ = std::move(done);
  accept(kBacklog);  // who has connected before the stop is served; who keeps connecting doesn't put it off
  loop_.unwatch(listener_.impl()->sockfd());
  listener_.close();
  for (const auto wait : {Wait::handshake, Wait::keep_alive, Wait::head, Wait::write}) {
    auto& queue = queues_[static_cast<std::size_t>(wait)];
    for (auto next = queue.begin(); next != queue.end();) (*next++)->drain();
  }
  if (connections_.empty() && drained_) std::exchange(drained_, nullptr)();
}

const std::string& Front::date_line() {
  if (date_.empty() || loop_.now() - date_at_ >= std::chrono::seconds{1}) {
    date_at_ = loop_.now();
    const std::time_t time = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&time, &utc);
    char text[64];
    date_.assign(text, std::strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc));
  }
  return date_;
}

}  // namespace otpgw::http
