// The JSON API: one handler per route of the contract, each parsing its parameters, calling the OTP service,
// answering.
#pragma once

#include <functional>
#include <memory>

#include "core/config/config.h"
#include "core/http/router.h"
#include "core/otp/code.h"
#include "core/otp/service.h"

namespace otpgw::api {

struct Parts {
  const otp::CodeVault& vault;  // hashes Idempotency-Keys
  otp::Service& service;
  std::function<bool()> store_writable;
};

class Routes {
 public:
  virtual ~Routes() = default;
  // Loop's thread: requests that come from now on go by this; those under way end as they began.
  virtual void reconfigure(std::shared_ptr<const config::Config> config) = 0;
};

// Everything given must outlive the router. Handlers run on the loop's thread.
std::shared_ptr<Routes> add_api_routes(http::Router& router, const Parts& parts,
                                       std::shared_ptr<const config::Config> config);

}  // namespace otpgw::api
