#include "core/http/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace otpgw::http {
namespace {

constexpr int kEventsPerTurn = 256;

int checked(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return fd;
}

}  // namespace

Loop::Loop()
    : epoll_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wake_(checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.fd = wake_}};  // edge-triggered: never read
  checked(epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event), "epoll_ctl");
}

Loop::~Loop() {
  close(wake_);
  close(epoll_);
}

void Loop::post(Task task) {
  bool wake;
  {
    std::lock_guard lock(mutex_);
    posted_.push_back(std::move(task));
    wake = !std::exchange(woken_, true);
  }
  const uint64_t one = 1;
  if (wake) (void)!write(wake_, &one, sizeof one);
}

void Loop::stop() {
  post([this] { stop_ = true; });
}

void Loop::clear() {
  // Taken out first: what a task holds may post or cancel while it goes.
  const auto posted = std::exchange(posted_, {});
  const auto timers = std::exchange(timers_, {});
  timer_times_.clear();
}

Loop::TimerId Loop::after(std::chrono::milliseconds delay, Task task) {
  const auto id = ++last_timer_;
  const auto time = Clock::now() + delay;
  timers_.emplace(time, std::pair(id, std::move(task)));
  timer_times_.emplace(id, time);
  return id;
}

void Loop::cancel(TimerId id) {
  const auto time = timer_times_.find(id);
  if (time == timer_times_.end()) return;
  const auto [first, last] = timers_.equal_range(time->second);
  const auto timer = std::find_if(first, last, [id](const auto& entry) { return entry.second.first == id; });
  timers_.erase(timer);
  timer_times_.erase(time);
}

void Loop::watch(int fd, uint32_t events, Watcher& watcher) {
  if (watchers_.size() <= static_cast<std::size_t>(fd)) watchers_.resize(static_cast<std::size_t>(fd) + 1);
  watchers_[static_cast<std::size_t>(fd)] = &watcher;
  epoll_event event{.events = events, .data = {.fd = fd}};
  checked(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

void Loop::rewatch(int fd, uint32_t events) {
  epoll_event event{.events = events, .data = {.fd = fd}};
  checked(epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event), "epoll_ctl");
}

void Loop::unwatch(int fd) {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  watchers_[static_cast<std::size_t>(fd)] = nullptr;
}

void Loop::run_posted() {
  {
    std::lock_guard lock(mutex_);
    running_.swap(posted_);
    woken_ = false;
  }
  for (auto& task : running_) task();
  running_.clear();
}

void Loop::run_timers() {
  while (!timers_.empty() && timers_.begin()->first <= now_) {
    auto task = std::move(timers_.begin()->second.second);
    timer_times_.erase(timers_.begin()->second.first);
    timers_.erase(timers_.begin());
    task();
  }
}

int Loop::wait_ms() const {
  if (timers_.empty()) return -1;
  const auto left = timers_.begin()->first - Clock::now();
  // Rounded up: waking a moment early would spin.
  return static_cast<int>(std::max<int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(left).count()));
}

void Loop::run() {
  std::array<epoll_event, kEventsPerTurn> events;
  while (!stop_) {
    const int count = epoll_wait(epoll_, events.data(), kEventsPerTurn, wait_ms());
    if (count < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "epoll_wait");
    now_ = Clock::now();
    run_posted();
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      const auto fd = static_cast<std::size_t>(event.data.fd);
      if (fd < watchers_.size() && watchers_[fd]) watchers_[fd]->on_events(event.events);
    }
    run_timers();
    for (const auto& hook : turn_end_hooks_) hook();
  }
}

}  // namespace otpgw::http
