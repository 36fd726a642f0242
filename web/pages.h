// The web UI: server-rendered pages for people, and the static files of static/.
#pragma once

#include <expected>
#include <filesystem>
#include <memory>
#include <string>

#include "core/config/config.h"
#include "core/http/router.h"
#include "core/otp/otp.h"
#include "core/otp/post_guard.h"
#include "core/otp/service.h"
#include "web/assets.h"

namespace otpgw::web {

class PageRoutes {
 public:
  virtual ~PageRoutes() = default;
  // Loop's thread: requests that come from now on go by this. `assets` are of the same configuration.
  virtual void reconfigure(std::shared_ptr<const config::Config> config,
                           std::shared_ptr<const Assets> assets) = 0;
};

// Adds the routes of pages and of what they load:
//   GET, POST /otp/:namespace/:id          GET, POST /otp/:namespace/:id/address
//   GET /otp/:namespace/:id/status         GET /otp/:namespace/theme, which is too short for an id
//   GET /static/*
// Handlers run on the loop's thread. Service and guard must outlive the router.
[[nodiscard]] std::shared_ptr<PageRoutes> add_page_routes(http::Router& router,
                                                          std::shared_ptr<const config::Config> config,
                                                          std::shared_ptr<const Assets> assets,
                                                          otp::Service& service, otp::PostGuard& guard);

// Reads the API's OpenAPI document into memory and adds GET /api/openapi.yaml, for everybody.
[[nodiscard]] std::expected<void, std::string> add_api_document(http::Router& router,
                                                                const std::filesystem::path& file);

}  // namespace otpgw::web
