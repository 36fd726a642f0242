#include "core/store/sqlite/sql.h"

#include <cerrno>

namespace otpgw::store::sqlite {
namespace {

// To SQLite a read that the disk refused is SQLITE_CORRUPT once a statement runs (SQLITE_IOERR_CORRUPTFS);
// the file still knows better.
bool disk_refused(sqlite3* database) {
  for (const int which : {SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER}) {
    sqlite3_file* file = nullptr;
    int error = 0;
    if (sqlite3_file_control(database, "main", which, static_cast<void*>(&file)) == SQLITE_OK && file &&
        file->pMethods && file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error) == SQLITE_OK &&
        error == EIO) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool SqlError::fatal() const {
  switch (primary()) {
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return true;
    default:
      return false;
  }
}

Connection::Connection(const std::filesystem::path& file, int flags) {
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(file.c_str(), &handle, flags | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(handle);  // a failed open leaves a handle too
  if (code != SQLITE_OK)
    throw SqlError(code, "can't open the database: " + std::string(sqlite3_errstr(code)));
}

void Connection::exec(const char* sql) {
  if (sqlite3_exec(get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(sql);
}

std::string Connection::ask(const char* sql) {
  Statement statement(*this, sql);
  Statement::Run run(statement);
  return run.row() ? run.text(0) : std::string();
}

void Connection::fail(const std::string& doing) const {
  int code = sqlite3_extended_errcode(get());
  std::string what = sqlite3_errmsg(get());
  if ((code & 0xff) == SQLITE_CORRUPT && disk_refused(get())) {
    code = SQLITE_IOERR_READ;
    what = sqlite3_errstr(code);
  }
  throw SqlError(code, what + " (" + doing.substr(0, 60) + ")");
}

Statement::Statement(Connection& connection, const char* sql) : connection_(connection) {
  sqlite3_stmt* handle = nullptr;
  if (sqlite3_prepare_v3(connection.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, nullptr) !=
      SQLITE_OK) {
    connection.fail(sql);
  }
  handle_.reset(handle);
}

bool Statement::Run::row() {
  switch (sqlite3_step(statement_.handle_.get())) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      statement_.connection_.fail(sqlite3_sql(statement_.handle_.get()));
  }
}

std::string Statement::Run::text(int column) const {
  auto* const handle = statement_.handle_.get();
  const auto* const bytes = static_cast<const char*>(sqlite3_column_blob(handle, column));
  return bytes ? std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle, column)))
               : std::string();
}

void Statement::bind(int index, int64_t value) { sqlite3_bind_int64(handle_.get(), index, value); }

void Statement::bind(int index, std::string_view text) {
  // A null pointer would bind NULL.
  sqlite3_bind_text(handle_.get(), index, text.data() ? text.data() : "", static_cast<int>(text.size()),
                    SQLITE_STATIC);
}

void Statement::bind(int index, const AsBlob& blob) {
  sqlite3_bind_blob(handle_.get(), index, blob.bytes.data() ? blob.bytes.data() : "",
                    static_cast<int>(blob.bytes.size()), SQLITE_STATIC);
}

}  // namespace otpgw::store::sqlite
