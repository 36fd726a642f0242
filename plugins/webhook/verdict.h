// What an answer says became of the message.
#pragma once

#include "otpgw/http.hpp"
#include "otpgw/json_config.hpp"
#include "otpgw/provider.hpp"
#include "pattern.h"

namespace otpgw::webhook {

// A value; any thread.
class Verdict {
 public:
  // Throws std::invalid_argument that names the key.
  explicit Verdict(const JsonConfig& config);

  // `detail` holds the status and words of ours: an upstream's own may quote the address or the code.
  [[nodiscard]] Result of(const http::Answer& answer) const;

 private:
  [[nodiscard]] Result by_patterns(const http::Answer& answer) const;
  [[nodiscard]] Result by_word(const http::Answer& answer) const;

  Pattern success_pattern_, reject_pattern_, retry_pattern_;
};

}  // namespace otpgw::webhook
