#include "worker/tool/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <thread>

#include "worker/exit_codes.h"

namespace otpgw::tool {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kTextBytesMax = 64 * 1024;

// Everything until the child's end of the pipe closes or the time is up.
std::string read_until(int pipe, Clock::time_point end) {
  std::string text;
  while (text.size() < kTextBytesMax) {
    using namespace std::chrono;
    const auto left = ceil<milliseconds>(end - Clock::now()).count();
    pollfd item{pipe, POLLIN, 0};
    if (left <= 0 || ::poll(&item, 1, static_cast<int>(left)) == 0) break;
    char buffer[4096];
    const auto size = ::read(pipe, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    text.append(buffer, static_cast<std::size_t>(size));
  }
  return text;
}

// The wait status; kills the child when the time is up, and says so.
std::pair<int, bool> wait_until(pid_t child, Clock::time_point end) {
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    if (Clock::now() >= end) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      return {status, true};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
  return {status, false};
}

}  // namespace

void Steps::write(char kind, std::string_view text) const {
  std::string line = kind + std::string(text);
  std::ranges::replace_if(
      line, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  line += '\n';
  [[maybe_unused]] const auto ignored = ::write(pipe_, line.data(), line.size());
}

Child Child::run(std::chrono::milliseconds limit, const std::function<std::string(const Steps&)>& work) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  std::fflush(nullptr);  // or the child would print it a second time
  const auto end = Clock::now() + limit;
  const pid_t pid = ::fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid == 0) {
    ::close(pipe[0]);
    const Steps steps(pipe[1]);
    steps.write('=', work(steps));
    std::exit(0);
  }
  ::close(pipe[1]);
  const auto text = read_until(pipe[0], end);
  ::close(pipe[0]);
  const auto [status, hung] = wait_until(pid, end);

  Child child;
  for (std::size_t at = 0; at < text.size();) {
    const auto line_end = std::min(text.find('\n', at), text.size());
    (text[at] == '=' ? child.result : child.last_step) = text.substr(at + 1, line_end - at - 1);
    at = line_end + 1;
  }
  if (hung) {
    child.end = End::hung;
  } else if (WIFSIGNALED(status)) {
    child.end = End::crashed;
    child.number = WTERMSIG(status);
  } else if (WEXITSTATUS(status) != 0 || child.result.empty()) {
    child.end = End::left;
    child.number = WEXITSTATUS(status);
  }
  return child;
}

std::string Child::sentence() const {
  std::string what;
  if (end == End::hung) {
    what = "it did not come back";
  } else if (end == End::crashed) {
    what = std::string("it crashed (") + ::strsignal(number) + ")";
  } else if (number == worker::kExitMemoryDamaged) {
    what = "it wrote beyond the end of a result";
  } else {
    what = "it ended the process with status " + std::to_string(number);
  }
  return what + (result.empty() ? ": " + last_step : ": at the process's end, after all was done");
}

}  // namespace otpgw::tool
