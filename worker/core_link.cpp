#include "worker/core_link.h"

#include <array>
#include <utility>

#include "worker/log.h"

namespace otpgw::worker {
namespace {

// Far above any credit; what piles up beyond it while the core is away is remembered in the ledger.
constexpr int kMessagesWaitingMax = 4096;
constexpr int kLingerMs = 500;  // for the last results and BYE
constexpr int kReconnectMs = 100;
constexpr auto kSilenceMax = wire::kHeartbeatInterval * wire::kHeartbeatsMissedMax;

bool is_known_version(const zmq::message_t& frame) {
  if (frame.size() != 1) return false;
  const auto version = *frame.data<uint8_t>();
  return version != 0 && (version == wire::kVersion || version == wire::kVersion - 1);
}

}  // namespace

CoreLink::CoreLink(std::string endpoint, wire::Ready ready)
    : endpoint_(std::move(endpoint)), ready_(std::move(ready)) {
  open(Clock::now());
}

void CoreLink::open(Clock::time_point now) {
  socket_ = zmq::socket_t(context_, zmq::socket_type::dealer);
  socket_.set(zmq::sockopt::linger, kLingerMs);
  socket_.set(zmq::sockopt::maxmsgsize, static_cast<int64_t>(wire::kFrameBytesMax));
  socket_.set(zmq::sockopt::sndhwm, kMessagesWaitingMax);
  socket_.set(zmq::sockopt::rcvhwm, kMessagesWaitingMax);
  socket_.set(zmq::sockopt::reconnect_ivl, kReconnectMs);
  const auto monitor_name = "inproc://connections-" + std::to_string(++opened_);
  if (::zmq_socket_monitor(socket_.handle(), monitor_name.c_str(), ZMQ_EVENT_HANDSHAKE_SUCCEEDED) != 0)
    throw zmq::error_t();
  monitor_ = zmq::socket_t(context_, zmq::socket_type::pair);
  monitor_.set(zmq::sockopt::linger, 0);
  monitor_.connect(monitor_name);
  socket_.connect(endpoint_);
  heard_ = false;
  last_heard_ = now;
  next_ping_ = now + wire::kHeartbeatInterval;
}

void CoreLink::take_no_more() {
  ready_.capacity = 0;
  send(ready_);
}

void CoreLink::greet() {
  zmq::message_t frame;  // each event is two; which one it is was chosen in open()
  while (monitor_.recv(frame, zmq::recv_flags::dontwait)) {
  }
  send(ready_);
}

std::optional<wire::Message> CoreLink::receive() {
  while (true) {
    std::array<zmq::message_t, 3> frames;  // version, command, body
    std::size_t count = 0;
    bool more = true;
    while (more) {
      zmq::message_t frame;
      if (!socket_.recv(frame, zmq::recv_flags::dontwait)) return {};
      more = frame.more();
      if (count < frames.size()) frames[count] = std::move(frame);
      ++count;
    }
    std::optional<wire::Message> message;
    if (count == frames.size() && is_known_version(frames[0]))
      message = wire::decode(frames[1].to_string_view(), frames[2].to_string_view());
    if (!message) {
      if (!std::exchange(malformed_, true))
        log(LogLevel::warning, "ignoring messages from the core that this worker does not understand");
      continue;
    }
    last_heard_ = Clock::now();
    if (!std::exchange(heard_, true)) log(LogLevel::info, "connected to the core");
    if (!std::holds_alternative<wire::Ping>(*message)) return message;
  }
}

void CoreLink::send(const wire::Message& message) {
  const auto frames = wire::encode(message);
  const auto flags = zmq::send_flags::dontwait;
  // Once the first frame of a message was taken, the others are too.
  if (!socket_.send(zmq::buffer(&wire::kVersion, 1), flags | zmq::send_flags::sndmore)) return;
  socket_.send(zmq::buffer(frames.command), flags | zmq::send_flags::sndmore);
  socket_.send(zmq::buffer(frames.body), flags);
}

void CoreLink::tick(Clock::time_point now) {
  if (now < next_ping_) return;
  if (now - last_heard_ >= kSilenceMax) {
    if (heard_) log(LogLevel::warning, "the core is silent; connecting again");
    socket_.set(zmq::sockopt::linger, 0);  // nobody will read what is left in it
    open(now);
    return;
  }
  send(wire::Ping{});
  next_ping_ = now + wire::kHeartbeatInterval;
}

}  // namespace otpgw::worker
