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
#include "web/site.h"

namespace otpgw::web {

class PageRoutes {
 public:
  virtual ~PageRoutes() = default;
  // Loop's thread: requests that come from now on go by this. `sites` is made of the same configuration.
  virtual void reconfigure(std::shared_ptr<const config::Config> config, Sites sites) = 0;
};

// Reads and compiles the templates of `templates_dir` (the web/ folder) once, and adds the page routes:
//   GET, POST /otp/:namespace/:id          GET, POST /otp/:namespace/:id/address
//   GET /otp/:namespace/:id/status
// Handlers run on the loop's thread. Service, guard and clock must outlive the router. The error is one line.
[[nodiscard]] std::expected<std::shared_ptr<PageRoutes>, std::string> add_page_routes(
    http::Router& router, std::shared_ptr<const config::Config> config, otp::Service& service,
    otp::PostGuard& guard, const otp::Clock& clock, const std::filesystem::path& templates_dir);

// Reads all files of `static_dir` (small, some dozens) into memory and adds GET /static/*: ETag, 304, gzip,
// caching; nothing outside the folder is reachable because nothing outside was read.
[[nodiscard]] std::expected<void, std::string> add_static_routes(http::Router& router,
                                                                 const std::filesystem::path& static_dir);

// Reads the API's OpenAPI document into memory and adds GET /api/openapi.yaml, for everybody.
[[nodiscard]] std::expected<void, std::string> add_api_document(http::Router& router,
                                                                const std::filesystem::path& file);

}  // namespace otpgw::web
