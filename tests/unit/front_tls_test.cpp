// TLS that has to write before it can read on. Goal: it waits for room without taking the processor, and goes
// on when there is some. Method: a client that asks for new keys and doesn't read, against a send buffer that
// is full at once.

#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>

#include "core/http/answer.h"
#include "core/http/tls.h"
#include "tests/unit/front_fixture.h"

namespace otpgw::http {
namespace {

constexpr int kKeyUpdates = 50;  // far fewer than a connection may send
constexpr int kLeast = 1;        // the kernel makes it some KiB
const std::string kBody = std::string(12 * 1024, 'x') + "end";

std::string text_of(BIO* bio) {
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio, &text);
  return {text, static_cast<std::size_t>(size)};
}

Poco::Net::Context::Ptr self_signed_tls() {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  const std::unique_ptr<BIO, decltype(&BIO_free)> certificate_pem(BIO_new(BIO_s_mem()), BIO_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> key_pem(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_X509(certificate_pem.get(), certificate.get());
  PEM_write_bio_PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return make_tls(text_of(certificate_pem.get()), text_of(key_pem.get())).value();
}

class FrontTls : public FrontTest {
 protected:
  FrontTls() {
    front_.reconfigure({.trusted_proxies = {}, .tls = self_signed_tls(), .tls_headers = {}});
    start(front_);
  }
  ~FrontTls() override { stop(); }

  // The front's socket of a client.
  static int other_end(Poco::Net::StreamSocket& client) {
    for (int fd = 0; fd < 1024; ++fd) {
      sockaddr_in peer{};
      socklen_t size = sizeof peer;
      if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
          ntohs(peer.sin_port) == client.address().port()) {
        return fd;
      }
    }
    return -1;
  }

  Front front_{loop_, "127.0.0.1", 0, FrontLimits{}, [](const Request&, Reply reply) {
                 reply.send({.status = 200, .content_type = {}, .headers = {}, .body = kBody});
               }};
};

TEST_F(FrontTls, WaitsForRoomToAnswerInAndGoesOn) {
  auto socket = connected(kLeast);
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  const std::unique_ptr<SSL, decltype(&SSL_free)> client(SSL_new(context.get()), SSL_free);
  const auto asks = [&] {
    constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    return SSL_write(client.get(), kRequest.data(), static_cast<int>(kRequest.size())) > 0;
  };
  const auto is_answered = [&] {
    std::string answer;
    char bytes[1024];
    while (!answer.ends_with(kBody)) {
      const int count = SSL_read(client.get(), bytes, sizeof bytes);
      if (count <= 0) return false;
      answer.append(bytes, static_cast<std::size_t>(count));
    }
    return true;
  };
  SSL_set_fd(client.get(), socket.impl()->sockfd());
  ASSERT_EQ(SSL_connect(client.get()), 1);
  ASSERT_TRUE(asks() && is_answered());

  ASSERT_TRUE(asks());
  ASSERT_EQ(recv(socket.impl()->sockfd(), std::array<char, 1>().data(), 1, MSG_PEEK), 1);
  on_loop([] {});  // the whole answer has gone to the kernel, which keeps most of it
  const int other = other_end(socket);
  ASSERT_EQ(setsockopt(other, SOL_SOCKET, SO_SNDBUF, &kLeast, sizeof kLeast), 0);
  for (int i = 0; i < kKeyUpdates; ++i) {
    ASSERT_EQ(SSL_key_update(client.get(), SSL_KEY_UPDATE_REQUESTED), 1);
    ASSERT_EQ(SSL_do_handshake(client.get()), 1);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds{200});
  int unread = 0;
  ASSERT_EQ(ioctl(other, FIONREAD, &unread), 0);
  EXPECT_GT(unread, 0);  // it can't go on
  EXPECT_TRUE(is_answered());
  EXPECT_TRUE(asks() && is_answered());
}

}  // namespace
}  // namespace otpgw::http
