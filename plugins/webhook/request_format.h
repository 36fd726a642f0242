// What the request of a job looks like: the Go program's JSON, or with `body` (or fields in `url`) whatever
// the upstream wants.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "endpoint.h"
#include "field_template.h"
#include "otpgw/http.hpp"
#include "otpgw/json_config.hpp"
#include "otpgw/provider.hpp"
#include "signature.h"

namespace otpgw::webhook {

// One thread at a time.
class RequestFormat {
 public:
  // Throws std::invalid_argument that names the key.
  RequestFormat(const JsonConfig& config, Endpoint endpoint);

  // Not the gateway's own request: an upstream that has never heard of its Idempotency-Key.
  [[nodiscard]] bool is_foreign() const { return body_ || url_; }
  // Of the message's text: a url must stay short.
  [[nodiscard]] uint32_t body_bytes_max() const { return url_ ? 2048 : 1 << 20; }
  [[nodiscard]] const Signer& signer() const { return signer_; }

  // To `address`, which must be a checked one.
  [[nodiscard]] http::Request request(const Job& job, std::string_view address);

 private:
  const Endpoint endpoint_;
  const std::string method_;
  std::string content_type_;
  const std::vector<std::string> extra_headers_;
  const Signer signer_;
  std::optional<FieldTemplate> url_, body_;
};

}  // namespace otpgw::webhook
