#include "core/store/sqlite/database.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace otpgw::store::sqlite {
namespace {

constexpr int kApplicationId = 0x4f545047;  // "OTPG"
// A database up to this size is read whole at each start, which takes some tenths of a second at most: SQLite
// keeps no checksums, and a damaged index takes what is written and does not give it back.
constexpr std::uintmax_t kReadWholeBytesMax = std::uintmax_t{16} << 20;

// migrations[N] takes a database from user_version N to N + 1. Released ones never change.
constexpr std::array kMigrations = {
    R"(
CREATE TABLE otp (
  row INTEGER PRIMARY KEY,
  namespace TEXT NOT NULL, id TEXT NOT NULL,
  address TEXT NOT NULL, address_normalised TEXT NOT NULL, address_from_page INTEGER NOT NULL,
  provider TEXT NOT NULL, channel_description TEXT NOT NULL, address_description TEXT NOT NULL, extra TEXT NOT NULL,
  attempts INTEGER NOT NULL, max_attempts INTEGER NOT NULL, generate INTEGER NOT NULL, max_generate INTEGER NOT NULL,
  closed INTEGER NOT NULL, skip_delete INTEGER NOT NULL,
  code_is_digits INTEGER NOT NULL, code_length INTEGER NOT NULL, code_hash BLOB NOT NULL, code_sealed BLOB NOT NULL,
  expires_at INTEGER NOT NULL, keep_until INTEGER NOT NULL,
  job INTEGER NOT NULL               -- row of the current send job, 0 without one
) STRICT;
CREATE UNIQUE INDEX otp_id ON otp (namespace, id);
CREATE INDEX otp_end ON otp (keep_until);

CREATE TABLE job (
  row INTEGER PRIMARY KEY,           -- given by the writer; never reused while anything names it
  key TEXT NOT NULL,                 -- the job id that workers and upstreams see
  otp INTEGER NOT NULL,              -- its otp row; a job is live only while that row is open and points back
  provider TEXT NOT NULL,
  state INTEGER NOT NULL,            -- otp::DeliveryState
  due_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
  attempt INTEGER NOT NULL,          -- leases so far
  tries INTEGER NOT NULL,            -- calls that came back
  deaths INTEGER NOT NULL,           -- workers that died under it
  detail TEXT NOT NULL, upstream_id TEXT NOT NULL
) STRICT;
CREATE INDEX job_due ON job (provider, due_at) WHERE state = 1;
CREATE INDEX job_queued_end ON job (expires_at) WHERE state = 1;
CREATE INDEX job_end ON job (expires_at);

CREATE TABLE answer (                -- what an Idempotency-Key has been answered
  scope BLOB PRIMARY KEY, parameters BLOB NOT NULL, snapshot BLOB NOT NULL, job INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX answer_end ON answer (expires_at);

CREATE TABLE descriptor (provider TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;
)",
    "ALTER TABLE job ADD COLUMN queued_at INTEGER NOT NULL DEFAULT 0",
    R"(
ALTER TABLE otp ADD COLUMN fallback BLOB NOT NULL DEFAULT x'';          -- encode_fallback(): a list of providers
ALTER TABLE otp ADD COLUMN step_ends_at INTEGER NOT NULL DEFAULT 0;     -- otp::Fallback::ends_at
ALTER TABLE job ADD COLUMN first_job INTEGER NOT NULL DEFAULT 0;        -- of a list: the job its sending began with
CREATE INDEX otp_step_end ON otp (step_ends_at) WHERE step_ends_at > 0;
CREATE INDEX job_list ON job (first_job) WHERE first_job > 0;
)",
    R"(
CREATE TABLE counter (               -- what a limit has counted
  key BLOB PRIMARY KEY,              -- a keyed hash of what it counts for (core/limits/policy.h)
  windows BLOB NOT NULL,             -- limits::encode()
  ends_at INTEGER NOT NULL           -- of the last of them
) STRICT, WITHOUT ROWID;
CREATE INDEX counter_end ON counter (ends_at);
ALTER TABLE otp ADD COLUMN client BLOB NOT NULL DEFAULT x'';            -- otp::Otp::client
)",
    R"(
ALTER TABLE otp ADD COLUMN locale TEXT NOT NULL DEFAULT '';
ALTER TABLE otp ADD COLUMN return_url TEXT NOT NULL DEFAULT '';
)",
    // In the order in which they began, no more in that of their keys (DESIGN.md). The version before finds
    // all that it knows of.
    R"(
DROP INDEX counter_end;
ALTER TABLE counter RENAME TO counter_by_key;
CREATE TABLE counter (               -- what a limit has counted
  row INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE,          -- a keyed hash of what it counts for (core/limits/policy.h)
  windows BLOB NOT NULL,             -- limits::encode()
  ends_at INTEGER NOT NULL           -- of the last of them
) STRICT;
INSERT INTO counter (key, windows, ends_at) SELECT key, windows, ends_at FROM counter_by_key;
DROP TABLE counter_by_key;
CREATE INDEX counter_end ON counter (ends_at);
)"};

// The next version only adds to what this one knows (columns with defaults, tables, indexes), so that a
// program that was replaced by it can be put back.
constexpr std::size_t kReadableVersionMax = kMigrations.size() + 1;

void migrate(Connection& connection) {
  const auto version = std::stoul(connection.ask("PRAGMA user_version"));
  const auto application = std::stol(connection.ask("PRAGMA application_id"));
  const bool empty = connection.ask("SELECT count(*) FROM sqlite_schema") == "0";
  if (application != kApplicationId && !(empty && application == 0)) {
    throw SqlError(SQLITE_NOTADB,
                   "this is a database of another program; store.sqlite.path must name our own");
  }
  if (version > kReadableVersionMax) {
    throw SqlError(SQLITE_NOTADB,
                   "this database was written by a later version of the program; run that one");
  }
  for (auto from = version; from < kMigrations.size(); ++from) {
    connection.exec("BEGIN IMMEDIATE");
    connection.exec(kMigrations[from]);
    connection.exec(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
    connection.exec(("PRAGMA user_version = " + std::to_string(from + 1)).c_str());
    connection.exec("COMMIT");
  }
}

// integrity_check speaks of a page that the disk did not give as of a damaged one.
bool is_read_error(const std::string& finding) {
  constexpr std::string_view kCode = "error code=";
  const auto at = finding.find(kCode);
  if (at == std::string::npos) return finding.find("failed to get page") != std::string::npos;
  return (std::atoi(finding.c_str() + at + kCode.size()) & 0xff) == SQLITE_IOERR;
}

std::string suspicion_about(const std::filesystem::path& file) { return file.string() + ".suspect"; }

// Made by us so that nobody else can ever read it; SQLite gives -wal and -shm the same mode. Its name must be
// on the disk before anything in it counts: SQLite syncs the folder of its journals, not that of the
// database.
void make_file(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return;  // it is there, or SQLite says what is wrong
  ::close(fd);
  const int folder = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = folder >= 0 && ::fsync(folder) == 0;
  if (folder >= 0) ::close(folder);
  if (!synced)
    throw SqlError(SQLITE_IOERR, "the folder can't be synced: " + std::string(std::strerror(errno)));
}

}  // namespace

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);  // gives the lock up
}

std::expected<FileLock, std::string> FileLock::take(const std::filesystem::path& database) {
  const auto file = database.string() + ".lock";
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return std::unexpected(file + ": can't open the lock file: " + std::strerror(errno));
  FileLock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return std::unexpected(file + ": can't lock: " + std::strerror(errno));
  return std::unexpected(database.string() +
                         ": another instance is running on this database; stop it, or give this one another "
                         "store.sqlite.path");
}

Connection open_writer(const std::filesystem::path& file) {
  make_file(file);
  Connection connection(file, SQLITE_OPEN_READWRITE);
  // An fsync error at open leaves the connection in rollback mode without a word: the answer is what counts.
  if (const auto mode = connection.ask("PRAGMA journal_mode = WAL"); mode != "wal") {
    throw SqlError(SQLITE_IOERR,
                   "the file system can't hold a write-ahead log (journal mode is \"" + mode + "\")");
  }
  connection.exec("PRAGMA synchronous = FULL");
  connection.exec("PRAGMA wal_autocheckpoint = 1000");
  // What is removed is overwritten: addresses and sealed codes end with their OTP, in the file too.
  connection.exec("PRAGMA secure_delete = ON");
  // 8 MiB: with random ids the default of 2 MiB reads a page back for every other write.
  connection.exec("PRAGMA cache_size = -8192");
  if (std::filesystem::file_size(file) <= kReadWholeBytesMax ||
      std::filesystem::exists(suspicion_about(file))) {
    if (const auto found = connection.ask("PRAGMA integrity_check(1)"); found != "ok") {
      if (is_read_error(found))
        throw SqlError(SQLITE_IOERR, "the database can't be read; does its disk fail? (" + found + ")");
      throw SqlError(SQLITE_CORRUPT,
                     "the database is damaged; put a backup in its place, or move it away with its -wal "
                     "file to begin anew (" +
                         found + ")");
    }
    std::filesystem::remove(suspicion_about(file));
  }
  migrate(connection);
  return connection;
}

void suspect(const std::filesystem::path& file) {
  const int fd = ::open(suspicion_about(file).c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd >= 0) ::close(fd);  // on a disk that takes nothing there is nothing to be done
}

Connection open_reader(const std::filesystem::path& file) {
  Connection connection(file, SQLITE_OPEN_READONLY);
  // The writer alone checkpoints (DESIGN.md: the WAL-reset bug needs two).
  sqlite3_db_config(connection.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  return connection;
}

}  // namespace otpgw::store::sqlite
