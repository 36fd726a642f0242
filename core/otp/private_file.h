// Small files that the gateway keeps beside its database and that no crash may leave half-written.
#pragma once

#include <sys/stat.h>

#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace otpgw::otp {

// Puts `bytes` in the place of `file`, durably and all at once: after a crash it holds what it held or this.
// It belongs to us alone (0600), or to whom `former` says and with that mode. The error is one line with the
// file's name.
//
// root may call it for a folder that is another user's (--rotate-key): what is written beside first is a file
// that this call has made, so that no link which waits there under its name is followed.
[[nodiscard]] std::expected<void, std::string> replace_file(const std::filesystem::path& file,
                                                            std::string_view bytes,
                                                            const std::optional<struct stat>& former = {});

}  // namespace otpgw::otp
