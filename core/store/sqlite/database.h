// The database file: opening it for the one writer, its schema, its migrations.
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <utility>

#include "core/store/sqlite/sql.h"

namespace otpgw::store::sqlite {

// Holds the exclusive lock of "<database>.lock" as long as it lives: one core per database.
class FileLock {
 public:
  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();
  [[nodiscard]] static std::expected<FileLock, std::string> take(const std::filesystem::path& database);

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

// The writing connection: WAL (checked), synchronous=FULL, schema made or migrated. Throws SqlError; a file
// of another program or of a later version is refused and not touched, and so is a damaged one if it is small
// or under suspicion.
[[nodiscard]] Connection open_writer(const std::filesystem::path& file);

// Puts the database under suspicion: the next open_writer reads all of it before it trusts it. That takes a
// second or more for each hundred megabytes, so not every start does it.
void suspect(const std::filesystem::path& file);

// A read-only connection that never checkpoints. The writer must be open.
[[nodiscard]] Connection open_reader(const std::filesystem::path& file);

}  // namespace otpgw::store::sqlite
