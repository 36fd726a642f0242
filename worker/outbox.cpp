#include "worker/outbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace otpgw::worker {

Outbox::Outbox() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Outbox::~Outbox() { ::close(event_); }

void Outbox::put(wire::Message message) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = waiting_.empty();
    waiting_.push_back(std::move(message));
  }
  if (!first) return;
  const uint64_t one = 1;  // an eventfd fails only when its counter is full, and then it is readable anyway
  [[maybe_unused]] const auto ignored = ::write(event_, &one, sizeof one);
}

void Outbox::take(std::vector<wire::Message>& messages) {
  messages.clear();
  uint64_t count = 0;  // before the swap: a put after it writes again
  [[maybe_unused]] const auto ignored = ::read(event_, &count, sizeof count);
  const std::lock_guard lock(mutex_);
  waiting_.swap(messages);
}

}  // namespace otpgw::worker
