// Runs a piece of work in a process of its own, because a plug-in may crash or hang in it.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace otpgw::tool {

// The child's way to say what it is about to do, so that its parent knows what it crashed or hung in.
class Steps {
 public:
  explicit Steps(int pipe) : pipe_(pipe) {}
  void begin(std::string_view step) const { write('@', step); }

 private:
  friend struct Child;
  void write(char kind, std::string_view text) const;
  const int pipe_;
};

// The end of a child.
struct Child {
  enum class End {
    returned,
    crashed,  // by a signal
    left,     // with an exit status of its own: the plug-in or the guard around it ended the process
    hung      // killed when its time was up
  };
  End end = End::returned;
  int number = 0;         // of the signal, or the status
  std::string result;     // what the work returned
  std::string last_step;  // begun, perhaps not ended

  // What went wrong, one sentence; not for one that returned.
  [[nodiscard]] std::string sentence() const;

  // `work` returns some text. Forks; to be called by a process that has one thread and no plug-in loaded.
  // Control characters in what the work returns become spaces. The child ends with exit(), so that what a
  // library does at the end is run too.
  [[nodiscard]] static Child run(std::chrono::milliseconds limit,
                                 const std::function<std::string(const Steps&)>& work);
};

}  // namespace otpgw::tool
