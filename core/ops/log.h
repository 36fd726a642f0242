// The process's log: lines on standard error, with time and level, or as sd-daemon(3) has them for the
// journal. Never a code, a secret or an address in them. Control characters become '?': words of a worker or
// a library may stand in a line.
#pragma once

#include <functional>
#include <string>

namespace otpgw::ops {

// Before any thread is started.
void start_log(bool debug, bool to_journal);
// Each line is what this makes of it, from now on.
void filter_lines(std::function<std::string(std::string)> filter);  // any thread
// Whether debug lines appear from now on.
void set_debug(bool debug);  // any thread
void log_debug(const std::string& line);
void log_info(const std::string& line);
void log_warning(const std::string& line);
void log_error(const std::string& line);

}  // namespace otpgw::ops
