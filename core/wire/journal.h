// systemd's journal as what a program's lines go to.
#pragma once

#include <string>

namespace otpgw::wire {

// systemd.exec(5): $JOURNAL_STREAM.
[[nodiscard]] bool stderr_is_journal();
// What a line on standard error begins with to have this priority, one of syslog(3)'s, in the journal
// (sd-daemon(3)); "" elsewhere.
[[nodiscard]] std::string journal_prefix(int priority);

}  // namespace otpgw::wire
