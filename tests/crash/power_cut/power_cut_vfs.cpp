#include "power_cut_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>

namespace otpgw::test {

namespace fs = std::filesystem;

// What a cut may leave of one file.
struct PowerCutVfs::File {
  struct Change {
    int64_t offset = 0;
    std::string bytes;
    bool truncates = false;  // to `offset`
  };
  bool is_database = false;           // else its log or its journal
  bool durable = false;               // its name is in the directory for good
  bool removed = false;               // deleted, the directory not yet synced
  std::optional<std::string> before;  // while it is not durable: the deleted file that had its name
  std::string synced;                 // its content then
  std::vector<Change> changes;        // since then
};

namespace {

constexpr std::size_t kSectorBytes = 512;

sqlite3_vfs* system_vfs = nullptr;

struct OpenFile {
  sqlite3_file base;
  PowerCutVfs::File* known;  // null: not a file that must survive
  std::shared_ptr<PowerCutVfs::File>* owner;
  [[nodiscard]] sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
OpenFile& of(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file); }
sqlite3_file* real(sqlite3_file* file) { return of(file).real(); }

int close(sqlite3_file* file) {
  const int code = real(file)->pMethods->xClose(real(file));
  delete of(file).owner;
  return code;
}
int read(sqlite3_file* file, void* to, int size, sqlite3_int64 offset) {
  return real(file)->pMethods->xRead(real(file), to, size, offset);
}
int write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
  if (of(file).known != nullptr && !PowerCutVfs::instance().write(*of(file).known, offset, from, size))
    return SQLITE_IOERR_WRITE;
  return real(file)->pMethods->xWrite(real(file), from, size, offset);
}
int truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (of(file).known != nullptr && !PowerCutVfs::instance().truncate(*of(file).known, size))
    return SQLITE_IOERR_TRUNCATE;
  return real(file)->pMethods->xTruncate(real(file), size);
}
int sync(sqlite3_file* file, int) {
  if (of(file).known == nullptr) return SQLITE_OK;
  return PowerCutVfs::instance().sync(*of(file).known) ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}
int lock(sqlite3_file* file, int level) { return real(file)->pMethods->xLock(real(file), level); }
int unlock(sqlite3_file* file, int level) { return real(file)->pMethods->xUnlock(real(file), level); }
int check_lock(sqlite3_file* file, int* held) {
  return real(file)->pMethods->xCheckReservedLock(real(file), held);
}
int control(sqlite3_file* file, int operation, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), operation, argument);
}
int sector_size(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
int characteristics(sqlite3_file* file) { return real(file)->pMethods->xDeviceCharacteristics(real(file)); }
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** at) {
  return real(file)->pMethods->xShmMap(real(file), page, size, extend, at);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}
void shm_barrier(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }
int shm_unmap(sqlite3_file* file, int remove) { return real(file)->pMethods->xShmUnmap(real(file), remove); }

const sqlite3_io_methods kMethods = {
    2,         close,      read,    write,       truncate,        sync,    file_size, lock,
    unlock,    check_lock, control, sector_size, characteristics, shm_map, shm_lock,  shm_barrier,
    shm_unmap, nullptr,    nullptr};

int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto* opened = new (file) OpenFile{};
  const int code = system_vfs->xOpen(system_vfs, name, opened->real(), flags, out_flags);
  if (code != SQLITE_OK) return code;
  constexpr int kKept = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL;
  if (name != nullptr && (flags & kKept) != 0) {
    opened->owner =
        new std::shared_ptr(PowerCutVfs::instance().file(name, (flags & SQLITE_OPEN_MAIN_DB) != 0));
    opened->known = opened->owner->get();
  }
  opened->base.pMethods = &kMethods;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs*, const char* name, int directory_synced) {
  if (!PowerCutVfs::instance().remove(name, directory_synced != 0)) return SQLITE_IOERR_DELETE;
  return system_vfs->xDelete(system_vfs, name, 0);
}

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

PowerCutVfs& PowerCutVfs::instance() {
  static PowerCutVfs vfs;
  static sqlite3_vfs registered = [] {
    system_vfs = sqlite3_vfs_find(nullptr);
    sqlite3_vfs own = *system_vfs;
    own.zName = "power-cut";
    own.szOsFile = static_cast<int>(sizeof(OpenFile)) + system_vfs->szOsFile;
    own.xOpen = open;
    own.xDelete = delete_file;
    return own;
  }();
  static const bool done = sqlite3_vfs_register(&registered, 1) == SQLITE_OK;
  if (!done) throw std::runtime_error("SQLite takes no VFS");
  return vfs;
}

void PowerCutVfs::arm(int64_t operations, Syncs syncs) {
  std::lock_guard lock(mutex_);
  operations_left_ = operations;
  syncs_ = syncs;
  is_cut_in_checkpoint_ = false;
  times_emptied_ = 0;
}

bool PowerCutVfs::is_cut() const {
  std::lock_guard lock(mutex_);
  return operations_left_ <= 0;
}

bool PowerCutVfs::is_cut_in_checkpoint() const {
  std::lock_guard lock(mutex_);
  return is_cut_in_checkpoint_;
}

int PowerCutVfs::times_emptied() const {
  std::lock_guard lock(mutex_);
  return times_emptied_;
}

bool PowerCutVfs::count(bool in_checkpoint) {
  if (--operations_left_ > 0) return true;
  is_cut_in_checkpoint_ = in_checkpoint;
  return false;
}

std::shared_ptr<PowerCutVfs::File> PowerCutVfs::file(const std::string& path, bool is_database) {
  std::lock_guard lock(mutex_);
  auto& known = files_[path];
  if (known != nullptr && known->removed) {
    const auto deleted = std::exchange(known, std::make_shared<File>());
    known->before = deleted->durable ? std::optional(deleted->synced) : deleted->before;
  }
  if (known == nullptr) {
    known = std::make_shared<File>();
    known->synced = content(path);  // what the last cut left
    known->is_database = is_database;
    // The store makes the database's file itself and syncs its folder.
    known->durable = is_database || !known->synced.empty();
  }
  return known;
}

bool PowerCutVfs::write(File& file, int64_t offset, const void* bytes, int size) {
  std::lock_guard lock(mutex_);
  if (operations_left_ <= 0) return false;
  file.changes.push_back(
      {offset, std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size)), false});
  // The very last write may be on the disk or not, but its caller hears of no success.
  return count(file.is_database);
}

bool PowerCutVfs::truncate(File& file, int64_t size) {
  std::lock_guard lock(mutex_);
  if (operations_left_ <= 0) return false;
  file.changes.push_back({size, {}, true});
  if (!file.is_database) ++times_emptied_;
  return count(true);
}

namespace {

void apply(std::string& content, const auto& change, std::size_t first, std::size_t count) {
  const auto offset = static_cast<std::size_t>(change.offset);
  if (change.truncates) {
    content.resize(offset);
    return;
  }
  if (content.size() < offset + first + count) content.resize(offset + first + count);
  std::memcpy(content.data() + offset + first, change.bytes.data() + first, count);
}

}  // namespace

bool PowerCutVfs::sync(File& file) {
  std::lock_guard lock(mutex_);
  if (operations_left_ <= 0 || !count(file.is_database)) return false;
  if (syncs_ == Syncs::none || (syncs_ == Syncs::of_the_log && file.is_database)) return true;
  for (const auto& change : file.changes) apply(file.synced, change, 0, change.bytes.size());
  file.changes.clear();
  if (file.durable) return true;
  // The first sync of a journal or a log syncs its folder too (SQLite's os_unix.c, UNIXFILE_DIRSYNC).
  for (auto entry = files_.begin(); entry != files_.end();) {
    entry->second->durable = true;
    entry->second->before.reset();
    entry = entry->second->removed ? files_.erase(entry) : std::next(entry);
  }
  return true;
}

bool PowerCutVfs::remove(const std::string& path, bool directory_synced) {
  std::lock_guard lock(mutex_);
  if (operations_left_ <= 0 || !count()) return false;
  const auto found = files_.find(path);
  if (found == files_.end()) return true;
  if (directory_synced && syncs_ != Syncs::none) {
    files_.erase(found);
  } else {
    found->second->removed = true;
  }
  return true;
}

void PowerCutVfs::restore(const fs::path& folder, std::minstd_rand& random) {
  std::lock_guard lock(mutex_);
  fs::create_directories(folder);
  // Some cuts lose all that can be lost, some nothing, most something.
  const auto losing = std::uniform_int_distribution(0, 4)(random);
  const auto kept = [&] { return losing == 0 ? false : losing == 1 || (random() / 7) % 2 == 0; };
  for (auto& [path, file] : files_) {
    const auto name = folder / fs::path(path).filename();
    if (!file->durable && !kept()) {
      if (file->before) std::ofstream(name, std::ios::binary) << *file->before;
      continue;
    }
    if (file->removed && !kept()) continue;
    auto left = file->synced;
    for (const auto& change : file->changes) {
      if (change.truncates) {
        if (kept()) apply(left, change, 0, 0);
        continue;
      }
      for (std::size_t at = 0; at < change.bytes.size();) {
        // Sectors are where they are in the file, not in the write.
        const auto inside = (static_cast<std::size_t>(change.offset) + at) % kSectorBytes;
        const auto size = std::min(kSectorBytes - inside, change.bytes.size() - at);
        if (kept()) apply(left, change, at, size);
        at += size;
      }
    }
    std::ofstream(name, std::ios::binary) << left;
  }
  files_.clear();
}

}  // namespace otpgw::test
