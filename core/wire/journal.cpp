#include "core/wire/journal.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace otpgw::wire {

bool stderr_is_journal() {
  static const bool is = [] {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat status {};
    return stream != nullptr && ::fstat(STDERR_FILENO, &status) == 0 &&
           stream == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
  }();
  return is;
}

std::string journal_prefix(int priority) {
  return stderr_is_journal() ? "<" + std::to_string(priority) + ">" : "";
}

}  // namespace otpgw::wire
