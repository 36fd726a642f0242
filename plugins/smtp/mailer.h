// One kept connection to an SMTP server, through one libcurl handle: a new handle for each mail would be
// eight times slower.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

#include "otpgw/provider.hpp"
#include "settings.h"

namespace otpgw::smtp {

class Mailer {
 public:
  // No network. Throws std::runtime_error when libcurl has no handle to give.
  explicit Mailer(const Settings& settings);
  // Never waits for the server.
  ~Mailer();
  Mailer(const Mailer&) = delete;
  Mailer& operator=(const Mailer&) = delete;

  // To `address`, which must be a checked one. Blocks until job.deadline_unix_ms at most. One thread at a
  // time.
  [[nodiscard]] Result send(const Job& job, const std::string& address);

 private:
  void hang_up();

  struct Close {
    void operator()(CURL* handle) const { ::curl_easy_cleanup(handle); }
  };
  const Settings settings_;
  const std::string from_header_, from_domain_;
  std::unique_ptr<CURL, Close> curl_;
};

}  // namespace otpgw::smtp
