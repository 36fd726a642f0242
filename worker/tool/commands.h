// What otpgateway-provider does. Each returns the process's exit code.
#pragma once

#include "worker/tool/options.h"

namespace otpgw::tool {

inline constexpr int kExitGood = 0, kExitWrong = 1, kExitUsage = 2;

[[nodiscard]] int info(const Options& options);
[[nodiscard]] int check(const Options& options);
[[nodiscard]] int send(const Options& options);

}  // namespace otpgw::tool
