// The event loop: one thread that runs handlers, timers and what other threads post to it. epoll and an
// eventfd; the sockets themselves are Poco's (front.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace otpgw::http {

class Loop {
 public:
  using Task = std::move_only_function<void()>;
  using Clock = std::chrono::steady_clock;

  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs until stop(). The calling thread becomes the loop's thread.
  void run();
  // Any thread. The loop ends after its current turn.
  void stop();
  // After run() has returned: drops what was posted and all timers, unrun.
  void clear();
  // Any thread. Tasks run in the order posted, before the turn's sockets; many posts cost one wake-up.
  void post(Task task);

  // Loop's thread. Runs `task` once after `delay`; cancel() with an id that has run does nothing.
  using TimerId = uint64_t;
  TimerId after(std::chrono::milliseconds delay, Task task);
  void cancel(TimerId id);

  // Loop's thread. Called at the end of each turn: closes the turn's read transaction.
  void at_turn_end(std::function<void()> hook) { turn_end_hooks_.push_back(std::move(hook)); }

  // Loop's thread. The watcher gets the descriptor's epoll events (level-triggered) until unwatch(). A
  // watcher may unwatch any descriptor from inside on_events(), its own included; it must outlive the turn in
  // which it does.
  class Watcher {
   public:
    virtual void on_events(uint32_t events) = 0;

   protected:
    ~Watcher() = default;
  };
  void watch(int fd, uint32_t events, Watcher& watcher);
  void rewatch(int fd, uint32_t events);
  void unwatch(int fd);

  // Loop's thread: when this turn began.
  [[nodiscard]] Clock::time_point now() const { return now_; }

 private:
  void run_posted();
  void run_timers();
  [[nodiscard]] int wait_ms() const;

  int epoll_;
  int wake_;  // eventfd; its event only ends the wait
  std::mutex mutex_;
  std::vector<Task> posted_;  // mutex_
  bool woken_ = false;        // mutex_: the eventfd has been written for posted_
  bool stop_ = false;
  std::vector<Task> running_;
  std::multimap<Clock::time_point, std::pair<TimerId, Task>> timers_;
  std::unordered_map<TimerId, Clock::time_point> timer_times_;
  TimerId last_timer_ = 0;
  std::vector<Watcher*> watchers_;  // by descriptor
  std::vector<std::function<void()>> turn_end_hooks_;
  Clock::time_point now_ = Clock::now();
};

}  // namespace otpgw::http
