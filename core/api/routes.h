// The JSON API: one handler per route of the contract, each parsing its parameters, calling the OTP service,
// answering.
#pragma once

#include <functional>

#include "core/auth/basic_auth.h"
#include "core/config/config.h"
#include "core/http/router.h"
#include "core/otp/code.h"
#include "core/otp/service.h"

namespace otpgw::api {

struct Parts {
  const config::Config& config;
  const auth::BasicAuth& auth;
  const otp::CodeVault& vault;  // hashes Idempotency-Keys
  otp::Service& service;
  std::function<bool()> store_writable;
};

// Everything given must outlive the router. Handlers run on the loop's thread.
void add_api_routes(http::Router& router, const Parts& parts);

}  // namespace otpgw::api
