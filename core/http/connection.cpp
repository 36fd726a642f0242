#include "core/http/connection.h"

#include <Poco/Exception.h>
#include <Poco/Net/SecureStreamSocket.h>
#include <Poco/Net/StreamSocketImpl.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "core/http/answer.h"

namespace otpgw::http {
namespace {

using Poco::Net::SecureStreamSocket;

// As much as TLS packs into one record: a read leaves nothing behind in OpenSSL, where epoll would not see
// it.
constexpr std::size_t kRecordBytesMax = 16 * 1024;
// A client's greeting comes in a record (RFC 8446, 5.1): its kind, which no method begins with, two bytes
// that mean nothing, two of its length.
constexpr unsigned char kTlsHandshake = 0x16;
constexpr int kRecordHeadBytes = 5;
// While an answer is pending or unsent, a client may pipeline this much; then we stop reading from it.
constexpr std::size_t kReadAheadBytesMax = 64 * 1024;
// Answers to pipelined requests gather up to this before they must be taken; who doesn't take them costs no
// more.
constexpr std::size_t kUnsentBytesMax = 16 * 1024;
constexpr std::size_t kKeptBytesMax = 4096;  // of a buffer between answers
// TLS's own records cost us as much as a request, and a client could send them without end; new keys take two
// reads. Half a record is a read without data too: the largest one may come in pieces of 64 bytes.
constexpr int kReadsWithoutDataMax = 256;

}  // namespace

Front::Connection::Connection(Front& front, uint64_t id, Poco::Net::StreamSocket socket,
                              const ip::Address& peer)
    : front_(front),
      id_(id),
      socket_(std::move(socket)),
      tls_(front.rules_.tls),
      peer_(peer),
      party_(front.parties_[peer.party()]),
      events_(EPOLLIN),
      wait_(tls_ ? Wait::handshake : Wait::head) {
  place_ = queue(wait_).insert(queue(wait_).end(), this);
  place_in_party_ = party_.insert(party_.end(), this);
  wait_for(wait_);
  front_.loop_.watch(fd(), events_, *this);
}

void Front::Connection::leave() {
  front_.loop_.unwatch(fd());
  queue(wait_).erase(place_);
  party_.erase(place_in_party_);
  // What it doesn't take would stay in the kernel for minutes.
  if (wait_ == Wait::write) return socket_.setLinger(true, 0);
  if (!secure_ || wait_ == Wait::handshake) return;
  try {
    socket_.shutdown();  // TLS's goodbye: nothing was cut off
  } catch (const Poco::Exception&) {
    // It has gone already.
  }
}

int Front::Connection::fd() const { return socket_.impl()->sockfd(); }

void Front::Connection::timed_out() {
  const bool nothing_asked = reader_.state() == RequestReader::State::idle;
  if (nothing_asked || wait_ == Wait::write || wait_ == Wait::linger) return front_.close(*this);
  refuse(408, "The request took too long to arrive.");
  if (flush()) front_.close(*this);
}

void Front::Connection::answer(Response&& response) {
  append(response);
  answered_ = true;
  if (!processing_) process();
}

void Front::Connection::drain() {
  on_events(EPOLLIN);
  if (wait_ == Wait::write) last_ = true;  // or it would be kept for more requests
  const bool asked = wait_ != Wait::head && wait_ != Wait::keep_alive && wait_ != Wait::handshake;
  if (!asked) front_.close(*this);
}

void Front::Connection::on_events(uint32_t events) {
  if (events & (EPOLLERR | EPOLLHUP)) return front_.close(*this);  // nobody is left to answer
  try {
    if (wait_ == Wait::handshake && !shake_hands()) return;
    if (events & EPOLLOUT) {
      if (flush() && wait_ != Wait::linger) process();
    } else if (events & EPOLLIN) {
      receive();
    }
  } catch (const Poco::Exception&) {  // reset by the peer, no TLS that we speak, and the like
    front_.close(*this);
  }
}

// True when TLS stands.
bool Front::Connection::shake_hands() {
  if (!secure_) {
    unsigned char head[kRecordHeadBytes];
    const int count = socket_.receiveBytes(head, sizeof head, MSG_PEEK);
    if (count < 0) return false;  // nothing there after all
    if (count == 0) {
      front_.close(*this);
      return false;
    }
    if (head[0] != kTlsHandshake) {
      refuse(400, "This port speaks HTTPS only.");
      process();
      return false;
    }
    const int body = count == kRecordHeadBytes ? head[3] << 8 | head[4] : 0;
    if (!await(kRecordHeadBytes + std::min(body, static_cast<int>(kRecordBytesMax)))) return false;
    socket_ = SecureStreamSocket::attach(socket_, tls_);
    secure_ = true;
  }
  ERR_clear_error();  // what another connection left would be taken for ours
  const int result = SecureStreamSocket(socket_).completeHandshake();
  if (result == 0) {  // the client has ended its side
    front_.close(*this);
    return false;
  }
  if (result < 0) {
    set_events(result == SecureStreamSocket::ERR_SSL_WANT_WRITE ? EPOLLOUT : EPOLLIN);
    return false;
  }
  set_events(EPOLLIN);
  wait_for(Wait::head);
  return true;
}

// True when so many bytes are there. Until then the kernel keeps them, cheaper than OpenSSL would, and wakes
// us when they are, or when the client has ended its side: then it is closed.
bool Front::Connection::await(int bytes) {
  const bool there = socket_.available() >= bytes;
  if (!there && wakes_at_ == bytes) {
    front_.close(*this);
    return false;
  }
  const int wakes_at = there ? 1 : bytes;
  if (wakes_at_ != wakes_at) socket_.setOption(SOL_SOCKET, SO_RCVLOWAT, wakes_at);
  wakes_at_ = wakes_at;
  return there;
}

void Front::Connection::receive() {
  char bytes[kRecordBytesMax];
  if (secure_) ERR_clear_error();
  const int count = socket_.receiveBytes(bytes, sizeof bytes);
  if (count < 0) {  // nothing there after all, half a record, or one of TLS's own
    if (secure_ && ++reads_without_data_ > kReadsWithoutDataMax) return front_.close(*this);
    // TLS answers before it reads on.
    if (count == SecureStreamSocket::ERR_SSL_WANT_WRITE) set_events(EPOLLOUT);
    return;
  }
  reads_without_data_ = 0;
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
void Front::Connection::process() {
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
bool Front::Connection::step() {
  if (pending_) {
    if (!answered_) return false;
    pending_ = answered_ = false;
    if (last_) return false;
    wait_for(Wait::keep_alive);
    reader_.next();
  }
  if (refused_ || out_.size() > kUnsentBytesMax) return false;
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

void Front::Connection::refuse(int status, std::string_view message) {
  last_ = refused_ = true;
  if (front_.metrics_) front_.metrics_->request_refused(status);
  append(error(status, message));
}

void Front::Connection::append(const Response& response) {
  if (front_.draining_) last_ = true;
  out_.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  out_.append(reason_phrase(response.status)).append("\r\n").append(front_.date_line());
  if (secure_) out_.append(front_.rules_.tls_headers);
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
bool Front::Connection::flush() {
  if (secure_) ERR_clear_error();
  try {
    while (!out_.empty()) {
      const int sent = socket_.sendBytes(out_.data(), static_cast<int>(out_.size()), MSG_NOSIGNAL);
      if (sent <= 0) break;
      out_.erase(0, static_cast<std::size_t>(sent));
      // TLS takes a record at a time; in the clear a short write means that there is no more room.
      if (!secure_ && !out_.empty()) break;
    }
  } catch (const Poco::Exception& error) {
    if (error.code() != EAGAIN) {  // which is how Poco says of a plain socket that there is no room at all
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

// The last answer is out. A client that is still sending would be reset and lose the answer (RFC 9112, 9.6),
// so its bytes are read and dropped until it closes.
void Front::Connection::finish() {
  int unread = 0;
  ioctl(fd(), FIONREAD, &unread);
  const bool is_sending = refused_ || reader_.has_more() || unread > 0;
  if (!is_sending) return front_.close(*this);
  try {
    if (secure_) {
      socket_.shutdown();  // TLS has but one goodbye, and it leaves the socket open
    } else {
      socket_.shutdownSend();
    }
  } catch (const Poco::Exception&) {
    return front_.close(*this);
  }
  wait_for(Wait::linger);
  set_events(EPOLLIN);
}

void Front::Connection::set_events(uint32_t events) {
  if (events == events_) return;
  events_ = events;
  front_.loop_.rewatch(fd(), events_);
}

void Front::Connection::wait_for(Wait wait) {
  queue(wait).splice(queue(wait).end(), queue(wait_), place_);
  party_.splice(party_.end(), party_, place_in_party_);
  wait_ = wait;
  deadline_ = front_.loop_.now() + front_.duration(wait);
}

}  // namespace otpgw::http
