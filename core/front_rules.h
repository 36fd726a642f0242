// What [app] says of the front that everybody reaches, in the front's own terms.
#pragma once

#include <Poco/Exception.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "core/config/config.h"
#include "core/http/front.h"

namespace otpgw {

// The error is one line that names file, line and key: of a certificate or key that can't serve.
[[nodiscard]] std::expected<http::FrontRules, std::string> front_rules(const config::App& app);

// As many connections as there are descriptors for; fewer than usual are warned of.
[[nodiscard]] http::FrontLimits front_limits(const config::App& app);

// Why nobody can listen there, and what to do, in one line; `error` is what Front's constructor threw. `key`
// is the configuration's: "app.address".
[[nodiscard]] std::string listen_error(std::string_view key, const std::string& host, uint16_t port,
                                       const Poco::Exception& error);

}  // namespace otpgw
