#include "core/http/tls.h"

#include <Poco/Exception.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

namespace otpgw::http {
namespace {

// TLS 1.2's; all of TLS 1.3's are as good.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

template <auto Free>
struct Freer {
  void operator()(auto* object) const { Free(object); }
};
using Bio = std::unique_ptr<BIO, Freer<&BIO_free>>;
using Certificate = std::unique_ptr<X509, Freer<&X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<&EVP_PKEY_free>>;

Bio reading(std::string_view pem) { return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))); }

// OpenSSL's default would ask for a passphrase at the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

std::unexpected<TlsError> refused(TlsError::Of of, std::string what) {
  ERR_clear_error();
  return std::unexpected(TlsError{of, std::move(what)});
}

std::string openssl_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason ? reason : "unknown reason";
}

// The end of the file is an error of OpenSSL's too.
bool at_end() { return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE; }

std::size_t ends_of_certificates(std::string_view pem) {
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  std::size_t count = 0;
  for (auto at = pem.find(kEnd); at != std::string_view::npos; at = pem.find(kEnd, at + kEnd.size())) ++count;
  return count;
}

// Served without it, only some clients would trust us.
std::unexpected<TlsError> refused_behind(const std::string& reason) {
  return refused(TlsError::Of::certificate,
                 "expected certificates in PEM; got one behind the first that OpenSSL refuses: " + reason);
}

std::string date_of(const ASN1_TIME* time) {
  const Bio out(BIO_new(BIO_s_mem()));
  ASN1_TIME_print(out.get(), time);
  char* text = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

void configure(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384");  // Poco leaves P-256 alone
  // A client that closes without saying goodbye in TLS has said so in TCP; where its request ends, HTTP
  // knows.
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_clear_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets: sessions stay with the clients
  // Unsent output moves and grows between tries; an idle connection gives its 32 KiB of buffers back.
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  // Or a read would not return while records without data come, and the loop would stand still.
  SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
}

}  // namespace

std::expected<Poco::Net::Context::Ptr, TlsError> make_tls(std::string_view certificate_pem,
                                                          std::string_view key_pem) {
  using enum TlsError::Of;
  Poco::Net::Context::Params params;
  params.verificationMode = Poco::Net::Context::VERIFY_NONE;  // of clients
  params.cipherList = kCiphers;
  Poco::Net::Context::Ptr context(new Poco::Net::Context(Poco::Net::Context::TLS_SERVER_USE, params));
  SSL_CTX* const ssl = context->sslContext();
  configure(ssl);

  const Bio certificates = reading(certificate_pem);
  const Certificate own(PEM_read_bio_X509(certificates.get(), nullptr, no_passphrase, nullptr));
  if (!own) {
    return refused(certificate,
                   "expected a certificate in PEM; got " +
                       (at_end() ? "a file without one" : "one that OpenSSL refuses: " + openssl_reason()));
  }
  if (X509_cmp_current_time(X509_get0_notBefore(own.get())) > 0) {
    return refused(certificate, "expected a certificate that is valid; got one that is not valid before " +
                                    date_of(X509_get0_notBefore(own.get())));
  }
  if (X509_cmp_current_time(X509_get0_notAfter(own.get())) < 0) {
    return refused(certificate, "expected a certificate that is valid; got one that expired on " +
                                    date_of(X509_get0_notAfter(own.get())));
  }
  if (SSL_CTX_use_certificate(ssl, own.get()) != 1) {
    return refused(certificate,
                   "expected a certificate for TLS; got one that OpenSSL refuses: " + openssl_reason());
  }
  std::size_t read = 1;
  while (const Certificate next{PEM_read_bio_X509(certificates.get(), nullptr, no_passphrase, nullptr)}) {
    if (SSL_CTX_add1_chain_cert(ssl, next.get()) != 1) return refused_behind(openssl_reason());
    ++read;
  }
  if (!at_end()) return refused_behind(openssl_reason());
  if (read < ends_of_certificates(certificate_pem))  // OpenSSL passes over what has no proper first line
    return refused(certificate, "expected certificates in PEM; got one whose BEGIN line is damaged");

  const Key secret(PEM_read_bio_PrivateKey(reading(key_pem).get(), nullptr, no_passphrase, nullptr));
  if (!secret)
    return refused(key, "expected a private key in PEM without a passphrase; got a file without one");
  if (X509_check_private_key(own.get(), secret.get()) != 1) {
    return refused(key, "expected the private key of the certificate; got another one's");
  }
  if (SSL_CTX_use_PrivateKey(ssl, secret.get()) != 1) {
    return refused(key, "expected a private key for TLS; got one that OpenSSL refuses: " + openssl_reason());
  }
  ERR_clear_error();  // the end of the file is one
  return context;
}

}  // namespace otpgw::http
