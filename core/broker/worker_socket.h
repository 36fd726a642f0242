// Where the core listens for its workers: a unix socket, named as ZeroMQ wants it ("ipc:///path"). Whoever
// can connect to it can say that messages have been sent, so it is the file system that says who can.
#pragma once

#include <expected>
#include <filesystem>
#include <string>

namespace otpgw::broker {

// For workers that the core starts itself: in a folder of mode 0700, so that nobody else can. Beside the
// data, where the next start finds and reuses it; elsewhere when that path is too long for a socket. The
// error is one line, also below.
[[nodiscard]] std::expected<std::string, std::string> private_endpoint(const std::filesystem::path& data_dir);

// For workers that run as another user: `endpoint`, when nobody else can put a socket of his own there.
[[nodiscard]] std::expected<std::string, std::string> shared_endpoint(const std::string& endpoint);

// Does another core listen on it? ZeroMQ would take its socket file over without a word.
[[nodiscard]] std::expected<void, std::string> check_free(const std::string& endpoint);

// Once the core listens on it: the group that the socket has been given may connect too, nobody else.
[[nodiscard]] std::expected<void, std::string> let_group_in(const std::string& endpoint);

}  // namespace otpgw::broker
