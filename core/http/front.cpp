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

#include "core/http/answer.h"
#include "core/http/request_reader.h"

namespace otpgw::http {
namespace {

constexpr int kBacklog = 4096;
constexpr int kAcceptsPerTurn = 256;
constexpr std::chrono::milliseconds kSweepInterval{250};  // how late a deadline may be noticed
constexpr int kReadBytes = 16 * 1024;
// While an answer is pending or unsent, a client may pipeline this much; then we stop reading from it.
constexpr std::size_t kReadAheadBytesMax = 64 * 1024;
// Answers to pipelined requests gather up to this before they must be taken.
constexpr std::size_t kUnsentBytesMax = 256 * 1024;
constexpr std::size_t kKeptBytesMax = 4096;  // of a buffer between answers

}  // namespace

// One client: reads, has one request handled at a time, writes the answers in order.
class Front::Connection final : private Loop::Watcher {
 public:
  Connection(Front& front, uint64_t id, Poco::Net::StreamSocket socket, const ip::Address& peer)
      : front_(front),
        id_(id),
        socket_(std::move(socket)),
        peer_(peer),
        party_(front.parties_[peer.party()]) {
    place_ = queue(wait_).insert(queue(wait_).end(), this);
    place_in_party_ = party_.insert(party_.end(), this);
    wait_for(Wait::head);
    front_.loop_.watch(fd(), events_, *this);
  }
  // Nothing is waited for any more.
  void leave() {
    front_.loop_.unwatch(fd());
    queue(wait_).erase(place_);
    party_.erase(place_in_party_);
  }

  [[nodiscard]] int fd() const { return socket_.impl()->sockfd(); }
  [[nodiscard]] uint64_t id() const { return id_; }
  [[nodiscard]] const ip::Address& peer() const { return peer_; }
  // Idle, or not all that it wants to ask has come.
  [[nodiscard]] bool is_evictable() const { return wait_ != Wait::reply && wait_ != Wait::write; }
  [[nodiscard]] Loop::Clock::time_point deadline() const { return deadline_; }

  // Leaves its queue: closed, or writing why.
  void timed_out() {
    if (reader_.state() == RequestReader::State::idle || wait_ == Wait::write || wait_ == Wait::linger) {
      return front_.close(*this);
    }
    refuse(408, "The request took too long to arrive.");
    if (flush()) front_.close(*this);
  }

  void answer(Response&& response) {
    append(response);
    answered_ = true;
    if (!processing_) process();
  }

 private:
  void on_events(uint32_t events) override {
    if (events & (EPOLLERR | EPOLLHUP)) return front_.close(*this);  // nobody is left to answer
    try {
      if (events & EPOLLOUT) {
        if (flush()) process();
      } else if (events & EPOLLIN) {
        receive();
      }
    } catch (const Poco::Exception&) {  // reset by the peer and the like
      front_.close(*this);
    }
  }

  void receive() {
    char bytes[kReadBytes];
    const int count = socket_.receiveBytes(bytes, sizeof bytes);
    if (count < 0) return;  // nothing there after all
    if (count == 0) {
      // The client has no more to say but may still read: answers that are under way go out first.
      if (!pending_ && out_.empty()) return front_.close(*this);
      client_done_ = true;
      return set_events(events_ & ~uint32_t{EPOLLIN});
    }
    if (wait_ == Wait::linger) return;
    reader_.feed({bytes, static_cast<std::size_t>(count)});
    process();
  }

  // Handles what has been read, request by request, until one waits for its answer or for more bytes; then
  // sends.
  void process() {
    do {
      processing_ = true;
      while (step()) {
      }
      processing_ = false;
      if (!flush()) return;
      // step() also stops when much is unsent; once that is out, the next request is still to be looked at.
    } while (!pending_ && !last_ && reader_.state() == RequestReader::State::ready);
    if (!pending_ && (last_ || client_done_)) return finish();
    // A client that pipelines far ahead of its answers is not read from until they are out.
    const bool read_ahead_full = pending_ && reader_.buffered() > kReadAheadBytesMax;
    set_events(read_ahead_full || client_done_ || last_ ? 0 : uint32_t{EPOLLIN});
  }

  // True when the next request can be looked at.
  bool step() {
    if (pending_) {
      if (!answered_) return false;
      pending_ = answered_ = false;
      if (last_) return false;
      wait_for(Wait::keep_alive);
      reader_.next();
    }
    if (out_.size() > kUnsentBytesMax) return false;
    switch (reader_.state()) {
      case RequestReader::State::idle:
        return false;
      case RequestReader::State::headers:
        if (wait_ != Wait::head) wait_for(Wait::head);
        return false;
      case RequestReader::State::body:
        if (wait_ != Wait::body) wait_for(Wait::body);
        if (reader_.take_expects_continue()) out_.append("HTTP/1.1 100 Continue\r\n\r\n");
        return false;
      case RequestReader::State::refused:
        refuse(reader_.error_status(), reader_.error_message());
        return false;
      case RequestReader::State::ready:
        break;
    }
    pending_ = true;
    wait_for(Wait::reply);
    auto& request = reader_.request();
    front_.clients_.name_client(request, peer_);
    head_only_ = request.method == Method::head;
    if (!reader_.keep_alive()) last_ = true;
    front_.dispatch_(request, Reply([front = &front_, id = id_](Response&& response) {
                       const auto found = front->connections_.find(id);
                       if (found != front->connections_.end()) found->second->answer(std::move(response));
                     }));
    return true;
  }

  void refuse(int status, std::string_view message) {
    last_ = true;
    if (front_.metrics_) front_.metrics_->request_refused(status);
    append(error(status, message));
  }

  void append(const Response& response) {
    if (front_.draining_) last_ = true;
    out_.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
    out_.append(reason_phrase(response.status)).append("\r\n").append(front_.date_line());
    if (!response.content_type.empty()) {
      out_.append("Content-Type: ").append(response.content_type).append("\r\n");
    }
    out_.append(response.headers);
    if (response.status != 304) {
      out_.append("Content-Length: ").append(std::to_string(response.body.size())).append("\r\n");
    }
    out_.append(last_ ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n");
    if (!std::exchange(head_only_, false) && response.status != 304) out_.append(response.body);
  }

  // False when the client does not take it all now, or is gone.
  bool flush() {
    if (!out_.empty()) {
      try {
        const int sent = socket_.sendBytes(out_.data(), static_cast<int>(out_.size()), MSG_NOSIGNAL);
        if (sent > 0) out_.erase(0, static_cast<std::size_t>(sent));
      } catch (const Poco::Exception&) {
        front_.close(*this);
        return false;
      }
    }
    if (!out_.empty()) {
      if (wait_ != Wait::write) wait_for(Wait::write);
      set_events(EPOLLOUT);
      return false;
    }
    if (out_.capacity() > kKeptBytesMax) std::string().swap(out_);  // many idle connections add up
    if (events_ & EPOLLOUT) set_events(client_done_ ? 0 : uint32_t{EPOLLIN});
    if (wait_ == Wait::write) wait_for(pending_ ? Wait::reply : Wait::keep_alive);
    return true;
  }

  // The last answer is out. A client that is still sending would be reset and lose the answer, so its bytes
  // are read and dropped until it closes.
  void finish() {
    if (reader_.state() != RequestReader::State::refused) return front_.close(*this);
    try {
      socket_.shutdownSend();
    } catch (const Poco::Exception&) {
      return front_.close(*this);
    }
    wait_for(Wait::linger);
    set_events(EPOLLIN);
  }

  void set_events(uint32_t events) {
    if (events == events_) return;
    events_ = events;
    front_.loop_.rewatch(fd(), events_);
  }

  void wait_for(Wait wait) {
    queue(wait).splice(queue(wait).end(), queue(wait_), place_);
    party_.splice(party_.end(), party_, place_in_party_);
    wait_ = wait;
    deadline_ = front_.loop_.now() + front_.duration(wait);
  }
  [[nodiscard]] Queue& queue(Wait wait) const { return front_.queues_[static_cast<std::size_t>(wait)]; }

  Front& front_;
  uint64_t id_;
  Poco::Net::StreamSocket socket_;
  ip::Address peer_;
  Queue& party_;
  RequestReader reader_;
  std::string out_;
  uint32_t events_ = EPOLLIN;
  Wait wait_ = Wait::head;
  Queue::iterator place_, place_in_party_;
  Loop::Clock::time_point deadline_;
  bool processing_ = false;
  bool pending_ = false;      // a request has been handed out
  bool answered_ = false;     // and answered; its views are let go when its handler has returned
  bool last_ = false;         // close after the current answer
  bool client_done_ = false;  // it has shut its side down: close once what it asked is answered
  bool head_only_ = false;    // the current answer goes without its body
};

Front::Front(Loop& loop, const std::string& host, uint16_t port, const FrontLimits& limits, Dispatch dispatch,
             ops::Metrics* metrics)
    : loop_(loop),
      limits_(limits),
      dispatch_(std::move(dispatch)),
      metrics_(metrics),
      spare_fd_(open("/dev/null", O_RDONLY | O_CLOEXEC)) {
  // Poco's default of SO_REUSEPORT would let a second instance take half of the clients, unnoticed.
  listener_.bind(Poco::Net::SocketAddress(host, port), true, false);
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

void Front::on_events(uint32_t) {
  for (int i = 0; i < kAcceptsPerTurn && accept_one(); ++i) {
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
  if (connections_.size() >= limits_.connections) evict_one();
  const auto id = ++last_id_;
  connections_.emplace(id, std::make_unique<Connection>(*this, id, std::move(socket), peer));
  return true;
}

void Front::evict_one() {
  for (const auto wait : {Wait::keep_alive, Wait::linger, Wait::head, Wait::body, Wait::write}) {
    auto& queue = queues_[static_cast<std::size_t>(wait)];
    if (!queue.empty()) return close(*queue.front());
  }
}

bool Front::evict_one_of(Queue& party) {
  const auto found = std::ranges::find_if(party, &Connection::is_evictable);
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
  for (const auto wait : {Wait::head, Wait::body, Wait::keep_alive, Wait::write, Wait::linger}) {
    auto& queue = queues_[static_cast<std::size_t>(wait)];
    while (!queue.empty() && queue.front()->deadline() <= loop_.now()) queue.front()->timed_out();
  }
  loop_.after(kSweepInterval, [this] { sweep(); });
}

std::chrono::milliseconds Front::duration(Wait wait) const {
  switch (wait) {
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

void Front::drain(std::function<void()> done) {
  draining_ = true;
  drained_ = std::move(done);
  loop_.unwatch(listener_.impl()->sockfd());
  listener_.close();
  for (const auto wait : {Wait::keep_alive, Wait::head}) {
    auto& queue = queues_[static_cast<std::size_t>(wait)];
    for (auto next = queue.begin(); next != queue.end();) close(**next++);
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
