// SQLite's C API with owners: a connection, its kept statements, and errors as exceptions (which stay inside
// the engine).
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace otpgw::store::sqlite {

class SqlError : public std::runtime_error {
 public:
  SqlError(int code, const std::string& what) : std::runtime_error(what), code_(code) {}
  [[nodiscard]] int code() const { return code_; }  // extended result code
  [[nodiscard]] int primary() const { return code_ & 0xff; }
  // The file can't be trusted to take or give anything: the supervisor starts us anew, and the start checks
  // it.
  [[nodiscard]] bool fatal() const;

 private:
  int code_;
};

class Connection {
 public:
  // `flags` of sqlite3_open_v2.
  Connection(const std::filesystem::path& file, int flags);
  void exec(const char* sql);
  // The first column of the first row, as text; "" without a row.
  [[nodiscard]] std::string ask(const char* sql);
  [[nodiscard]] sqlite3* get() const { return handle_.get(); }
  [[noreturn]] void fail(const std::string& doing) const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

// Bind these bytes as a BLOB. Borrowed until the Run ends.
struct AsBlob {
  std::string_view bytes;
};

// A prepared statement, kept for the connection's life. Bind all, step, read, reset:
//   Statement::Run run(statement, ns, id); if (run.row()) … run.text(0) …
class Statement {
 public:
  Statement(Connection& connection, const char* sql);

  class Run {
   public:
    template <class... Values>
    explicit Run(Statement& statement, const Values&... values) : statement_(statement) {
      int index = 0;
      (statement_.bind(++index, values), ...);
    }
    ~Run() { sqlite3_reset(statement_.handle_.get()); }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    // Steps: true when there is a (next) row.
    bool row();
    // Steps to the end.
    void done() {
      while (row()) {
      }
    }
    [[nodiscard]] int64_t integer(int column) const {
      return sqlite3_column_int64(statement_.handle_.get(), column);
    }
    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] bool is_null(int column) const {
      return sqlite3_column_type(statement_.handle_.get(), column) == SQLITE_NULL;
    }

   private:
    Statement& statement_;
  };

 private:
  void bind(int index, int64_t value);
  void bind(int index, int value) { bind(index, int64_t{value}); }
  void bind(int index, bool value) { bind(index, int64_t{value}); }
  void bind(int index, std::string_view text);
  void bind(int index, const std::string& text) { bind(index, std::string_view(text)); }
  void bind(int index, const AsBlob& blob);

  struct Finalize {
    void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
  };
  Connection& connection_;
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

}  // namespace otpgw::store::sqlite
