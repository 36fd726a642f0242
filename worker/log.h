// The worker's log: one line per event on stderr, each written at once, so that lines of several threads do
// not mix. No code, secret or address belongs into it.
#pragma once

#include <string>
#include <string_view>

#include "core/wire/redaction.h"

namespace otpgw::worker {

enum class LogLevel { debug, info, warning, error };

// Before any thread is started. `name` begins each line; debug lines appear only with `debug`; what a plug-in
// or a library says is redacted.
void configure_log(std::string name, bool debug, wire::Redaction redaction = {});

// Any thread. Control characters become '?', and a line is cut at 1,000 bytes.
void log(LogLevel level, std::string_view message);

}  // namespace otpgw::worker
