// A result that a plug-in fills in, between two margins that show when it wrote beyond it.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <array>

#include "worker/exit_codes.h"
#include "worker/log.h"

namespace otpgw::worker {

template <class Result>
class GuardedResult {
 public:
  GuardedResult() {
    before_.fill(kMark);
    after_.fill(kMark);
    result_.struct_size = sizeof result_;
  }

  [[nodiscard]] Result* get() { return &result_; }
  Result* operator->() { return &result_; }

  // After the call. Ends the process when a margin has changed: what else has been overwritten nobody knows,
  // and the next message must not go through such memory.
  void check(const char* function) const {
    const auto whole = [](const auto& margin) {
      return std::ranges::all_of(margin, [](unsigned char byte) { return byte == kMark; });
    };
    if (whole(before_) && whole(after_)) return;
    log(LogLevel::error,
        std::string("the plug-in's ") + function + " wrote beyond its result; ending this process");
    ::_exit(kExitMemoryDamaged);
  }

 private:
  static constexpr unsigned char kMark = 0xA5;
  std::array<unsigned char, 64> before_;
  Result result_{};
  std::array<unsigned char, 256> after_;
};

}  // namespace otpgw::worker
