// Finds out what is to be tried: the provider's name and its section.
#pragma once

#include <expected>
#include <string>

#include "worker/tool/options.h"
#include "worker/tool/trial.h"

namespace otpgw::tool {

// Loads the plug-in in a child for the ids that it offers; more than one need --provider. The error is one
// sentence; `exit_code` says whose fault it is.
struct NoTrial {
  std::string why;
  int exit_code;
};
[[nodiscard]] std::expected<Trial, NoTrial> trial_for(const Options& options);

inline constexpr std::chrono::seconds kLoadMax{10};  // what the worker grants

}  // namespace otpgw::tool
