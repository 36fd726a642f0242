// What TLS needs to serve: the certificate and its key, checked, as the context (Poco's, over OpenSSL's) that
// new connections begin with.
#pragma once

#include <Poco/Net/Context.h>

#include <expected>
#include <string>
#include <string_view>

namespace otpgw::http {

struct TlsError {
  enum class Of : uint8_t { certificate, key };
  Of of;
  std::string what;  // "expected ...; got ..."
};

// Both are PEM; behind the certificate may stand those that lead to the root. TLS 1.2 and 1.3, ciphers with
// forward secrecy and authentication only, no compression, no renegotiation; sessions resume by tickets whose
// keys live and die with the context. A certificate that has expired, or is not valid yet, is an error:
// no browser would talk to us. So is a damaged one of those behind it.
[[nodiscard]] std::expected<Poco::Net::Context::Ptr, TlsError> make_tls(std::string_view certificate_pem,
                                                                        std::string_view key_pem);

}  // namespace otpgw::http
