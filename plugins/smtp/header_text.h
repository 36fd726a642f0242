// The text of a mail's headers and lines. Free of network and clock.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace otpgw::smtp {

// Text for an unstructured header: short ASCII as it is, anything else as encoded words (RFC 2047) of at most
// 75 characters, cut between code points and folded. `name_bytes`: what stands before it on its first line.
[[nodiscard]] std::string encode_header_text(std::string_view text, std::size_t name_bytes);

// `Name <a@b>`, the name quoted or encoded as it needs; `<a@b>` without a name.
[[nodiscard]] std::string encode_mailbox(std::string_view name, std::string_view address);

// "Tue, 01 Jul 2025 10:00:00 +0000"
[[nodiscard]] std::string date_text(std::chrono::system_clock::time_point when);

// `<JOB@DOMAIN>`; characters of the job id that a Message-ID can't have become '-'.
[[nodiscard]] std::string message_id(std::string_view job_id, std::string_view domain);

// With CRLF at each line's end, as mail has it, whichever of CRLF, LF and CR the text had.
[[nodiscard]] std::string with_crlf(std::string_view text);

// Can every server take the lines without an encoding? ASCII, and no line longer than 998 bytes (RFC
// 5322 2.1.1).
inline constexpr std::size_t kPlainLineBytesMax = 998;
[[nodiscard]] bool travels_as_it_is(std::string_view lines);

}  // namespace otpgw::smtp
