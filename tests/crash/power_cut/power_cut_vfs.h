// A SQLite VFS that knows, at any moment, what a power cut would leave of each file: what was synced, and of
// what was written since then any part, in any order, torn at sectors. Everything else it hands to the
// system's VFS, without its syncs, which change nothing in what a living process reads.
//
// SQLite's own promises about a crash rest on the same model: https://www.sqlite.org/atomiccommit.html
// (hardware assumptions), https://www.sqlite.org/psow.html (a torn write harms no neighbouring bytes).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace otpgw::test {

class PowerCutVfs {
 public:
  // Becomes SQLite's default VFS for the life of the process; there can be one.
  static PowerCutVfs& instance();

  // Which syncs do what they should. The others do nothing, which is what synchronous = OFF makes of them.
  enum class Syncs : uint8_t { all, none, of_the_log };

  // From now on: the power fails at the `operations`th write, truncation, deletion or sync. Everything after
  // it fails with an I/O error.
  void arm(int64_t operations, Syncs syncs);
  [[nodiscard]] bool is_cut() const;
  // Since arm(): did the power fail in a checkpoint (while the database's file was written, or the log
  // emptied after that), and how often was the log emptied?
  [[nodiscard]] bool is_cut_in_checkpoint() const;
  [[nodiscard]] int times_emptied() const;

  // What is on the disk after the cut, one of the possible outcomes, as files in `folder` (made). All
  // databases must be closed; what was known of their files is forgotten.
  void restore(const std::filesystem::path& folder, std::minstd_rand& random);

  // For the VFS's own functions.
  struct File;
  [[nodiscard]] std::shared_ptr<File> file(const std::string& path, bool is_database);
  bool write(File& file, int64_t offset, const void* bytes, int size);
  bool truncate(File& file, int64_t size);
  bool sync(File& file);
  bool remove(const std::string& path, bool directory_synced);

 private:
  PowerCutVfs() = default;
  // One more operation; false: the power is gone. mutex_ is held.
  bool count(bool in_checkpoint = false);

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<File>> files_;  // by path
  int64_t operations_left_ = 0;
  Syncs syncs_ = Syncs::all;
  bool is_cut_in_checkpoint_ = false;
  int times_emptied_ = 0;
};

}  // namespace otpgw::test
