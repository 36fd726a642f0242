// One process of otpgateway-worker: how the core starts it, what it is given, and what it says when it
// refuses.
//
// Its standard input is a socket. The core writes one line of JSON into it with the settings of that one
// provider - never argv, environment or the whole file, for they hold credentials - and the worker ends when
// it closes, so no worker outlives its core. A worker that can't begin writes why into it, in one line.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "core/config/config.h"

namespace otpgw::broker {

// Which file a path led to: another one of the same name is another plug-in.
struct FileIdentity {
  uint64_t device = 0, inode = 0;
  int64_t size = 0, changed_s = 0, changed_ns = 0;
  bool operator==(const FileIdentity&) const = default;
};

// All that a worker depends on: when it is equal, a running worker needs no other.
struct Launch {
  explicit Launch(const config::Provider& provider);
  bool operator==(const Launch&) const = default;
  // The plug-in file may be another one by now.
  void look_again();

  std::filesystem::path plugin;
  FileIdentity plugin_file;
  int max_conns = 0;
  std::chrono::milliseconds timeout{0};
  std::string plugin_config;
  std::vector<std::string> secrets;  // those in plugin_config
};

// "config.toml:12: providers.smtp": where to look when the plug-in complains.
[[nodiscard]] inline std::string section_of(const config::Provider& provider) {
  return provider.where + ": " + provider.section;
}

class WorkerProcess {
 public:
  enum class Task : uint8_t { serve, check };

  // What the worker is to know of itself.
  struct Place {
    std::string endpoint;  // of the core; empty for a check
    std::string provider;
    std::string section;   // "config.toml:12: providers.smtp", to begin a complaint with
    std::string instance;  // wire::Ready's
  };

  // Starts `program`. Throws std::system_error when that can't be done.
  WorkerProcess(const std::filesystem::path& program, Task task, const Place& place, const Launch& launch);
  // Closes the socket: a worker that serves ends then. The process must have been waited for.
  ~WorkerProcess();
  WorkerProcess(WorkerProcess&& other) noexcept;
  WorkerProcess& operator=(WorkerProcess&& other) noexcept;

  [[nodiscard]] pid_t pid() const { return pid_; }
  // Readable when it has said something or has ended.
  [[nodiscard]] int socket() const { return socket_; }
  // Closes the socket, which asks it to end.
  void hang_up();
  // The line that it has written until now; empty when it has said nothing. Never blocks.
  [[nodiscard]] std::string complaint() const;

 private:
  pid_t pid_ = 0;
  int socket_ = -1;
};

}  // namespace otpgw::broker
