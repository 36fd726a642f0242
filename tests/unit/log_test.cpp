// The core's log. Goal: one event is one line, whatever words of a worker or a library stand in it: nobody
// makes up an event by a line break, or steers the terminal that shows it. Method: what comes out on standard
// error.
#include "core/ops/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace otpgw::ops {
namespace {

TEST(Log, AnEventIsOneLine) {
  testing::internal::CaptureStderr();
  start_log(true, false);
  for (const auto log : {log_debug, log_info, log_warning, log_error})
    log("the worker of sms\n2026-07-21T12:00:00.000Z Error made up\r\x1B[2J\x7F in Köln");
  const auto text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::ranges::count(text, '\n'), 4);
  EXPECT_THAT(text,
              testing::HasSubstr("the worker of sms?2026-07-21T12:00:00.000Z Error made up??[2J? in Köln\n"));
}

}  // namespace
}  // namespace otpgw::ops
