// What [app] says of the front that everybody reaches, in the front's own terms.
#pragma once

#include <expected>
#include <string>

#include "core/config/config.h"
#include "core/http/front.h"

namespace otpgw {

// The error is one line that names file, line and key: of a certificate or key that can't serve.
[[nodiscard]] std::expected<http::FrontRules, std::string> front_rules(const config::App& app);

// As many connections as there are descriptors for; fewer than usual are warned of.
[[nodiscard]] http::FrontLimits front_limits(const config::App& app);

}  // namespace otpgw
