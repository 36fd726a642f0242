#include "core/front_rules.h"

#include <Poco/Net/NetException.h>
#include <sys/resource.h>

#include <cerrno>

#include "core/http/tls.h"
#include "core/ops/log.h"

namespace otpgw {
namespace {

// For the database, the workers' sockets, the log: what must work when all connections are taken.
constexpr std::size_t kDescriptorsKept = 128;

// Browsers that have once been here by HTTPS come by nothing else for a year. Not for localhost, where
// developers have other servers under the same name.
std::string tls_headers(const std::string& root_url) {
  constexpr std::string_view kScheme = "https://";
  if (!root_url.starts_with(kScheme)) return {};
  const auto host = std::string_view(root_url).substr(kScheme.size());
  if (host.substr(0, host.find_first_of(":/")) == "localhost") return {};
  return "Strict-Transport-Security: max-age=31536000\r\n";
}

std::string what_is_in_the_way(const Poco::Exception& error) {
  if (dynamic_cast<const Poco::Net::HostNotFoundException*>(&error))
    return "no such host; give an IP address";
  switch (error.code()) {
    case EADDRINUSE:
      return "it is in use; is another instance running? `ss -ltnp` shows who has it";
    case EADDRNOTAVAIL:
      return "this machine has no such address; 0.0.0.0 is all that it has";
    case EACCES:
      return "permission denied; a port below 1024 needs CAP_NET_BIND_SERVICE";
    default:
      return error.displayText();
  }
}

}  // namespace

std::expected<http::FrontRules, std::string> front_rules(const config::App& app) {
  http::FrontRules rules{.trusted_proxies = app.trusted_proxies, .tls = {}, .tls_headers = {}};
  if (!app.tls) return rules;
  auto tls = http::make_tls(app.tls->certificate.text, app.tls->key.text);
  if (!tls) {
    const bool of_key = tls.error().of == http::TlsError::Of::key;
    return std::unexpected((of_key ? app.tls->key : app.tls->certificate).origin + ": " + tls.error().what);
  }
  rules.tls = std::move(*tls);
  rules.tls_headers = tls_headers(app.root_url);
  return rules;
}

http::FrontLimits front_limits(const config::App& app) {
  http::FrontLimits limits;
  limits.head = limits.body = limits.handshake = app.server_timeout;
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return limits;
  const std::size_t most =
      files.rlim_cur > 2 * kDescriptorsKept ? files.rlim_cur - kDescriptorsKept : kDescriptorsKept;
  if (most < limits.connections) {
    limits.connections = most;
    ops::log_warning("at most " + std::to_string(most) + " connections, because the process may open only " +
                     std::to_string(files.rlim_cur) + " files (ulimit -n, LimitNOFILE)");
  }
  return limits;
}

std::string listen_error(std::string_view key, const std::string& host, uint16_t port,
                         const Poco::Exception& error) {
  return std::string(key) + ": can't listen on " + host + ":" + std::to_string(port) + ": " +
         what_is_in_the_way(error);
}

}  // namespace otpgw
