// [fallback]
#include "core/config/section.h"
#include "core/config/sections.h"

namespace otpgw::config {

Fallback read_fallback(const Node& root) {
  const Section section(&root, "fallback", "fallback");
  Fallback fallback;
  fallback.step_timeout = section.duration("step_timeout", fallback.step_timeout);
  return fallback;
}

}  // namespace otpgw::config
