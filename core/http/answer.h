// The JSON envelope of every API answer, and JSON text written by hand (FACTS: a fifth faster than a document
// tree, and `extra` goes out verbatim).
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/http/message.h"

namespace otpgw::http {

// Appends `text` as a JSON string, quotes included. Text is UTF-8.
void append_json(std::string& out, std::string_view text);

// The headers of every answer that is no page and no file: kept nowhere, run nowhere, framed nowhere.
inline constexpr std::string_view kPrivate =
    "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n";

// {"status":"success","data":DATA}
[[nodiscard]] Response success(std::string_view data_json);

// {"status":"error","message":"…"} and, when not empty, "data":DATA. A zero `retry_after` sends no header.
[[nodiscard]] Response error(int status, std::string_view message, std::string_view data_json = {},
                             std::chrono::seconds retry_after = std::chrono::seconds{0});

// "Not Found" for 404.
[[nodiscard]] std::string_view reason_phrase(int status);

}  // namespace otpgw::http
