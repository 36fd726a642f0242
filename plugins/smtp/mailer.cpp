#include "mailer.h"

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>
#include <stdexcept>

#include "conversation.h"
#include "header_text.h"

namespace otpgw::smtp {
namespace {

constexpr long kIdleSecondsMax = 60;  // servers close idle connections after a few minutes
constexpr long kQuitSeconds = 1;      // libcurl's smallest unit; the watchdog comes 2 s after the deadline

struct FreeList {
  void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
};
struct FreeMime {
  void operator()(curl_mime* mime) const { ::curl_mime_free(mime); }
};
using List = std::unique_ptr<curl_slist, FreeList>;
using Mime = std::unique_ptr<curl_mime, FreeMime>;

void append(List& list, const std::string& line) {
  auto* longer = ::curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  list.release();  // the same list, or its first item
  list.reset(longer);
}

// As data, not as a callback: libcurl would send a callback's part in pieces of 256 bytes.
void add_part(curl_mime* mime, std::string_view text, const char* type) {
  const auto lines = with_crlf(text);
  // Encoding goes byte by byte in libcurl and was what a mail cost most in it; most bodies need none.
  const char* const encoder = travels_as_it_is(lines) ? "7bit" : "quoted-printable";
  auto* part = ::curl_mime_addpart(mime);
  if (part == nullptr || ::curl_mime_type(part, type) != CURLE_OK ||
      ::curl_mime_encoder(part, encoder) != CURLE_OK ||
      ::curl_mime_data(part, lines.data(), lines.size()) != CURLE_OK)
    throw std::bad_alloc();
}

// What the callbacks of one perform need.
struct Exchange {
  CURL* curl;
  Conversation conversation;
};

int on_debug(CURL*, curl_infotype type, char* data, std::size_t size, void* argument) {
  auto& conversation = static_cast<Exchange*>(argument)->conversation;
  if (type == CURLINFO_HEADER_OUT) conversation.client_said({data, size});
  if (type == CURLINFO_DATA_OUT) conversation.client_sent({data, size});
  return 0;
}

std::size_t on_answer(char* data, std::size_t size, std::size_t count, void* argument) {
  auto& exchange = *static_cast<Exchange*>(argument);
  const bool go_on = exchange.conversation.server_said({data, size * count});
  // After a refusal libcurl says QUIT and would wait two minutes for the answer, far beyond the job's
  // deadline.
  if (exchange.conversation.refused())
    ::curl_easy_setopt(exchange.curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, kQuitSeconds);
  return go_on ? size * count : 0;
}

const char* login_options(Auth auth) {
  switch (auth) {
    case Auth::login:
      return "AUTH=LOGIN";
    case Auth::plain:
      return "AUTH=PLAIN";
    case Auth::cram:
      return "AUTH=CRAM-MD5";
    case Auth::none:
      break;
  }
  return nullptr;
}

std::string domain_of(const std::string& address) { return address.substr(address.rfind('@') + 1); }

}  // namespace

Mailer::Mailer(const Settings& settings)
    : settings_(settings),
      from_header_("From: " + encode_mailbox(settings.from_name, settings.from_address)),
      from_domain_(domain_of(settings.from_address)),
      curl_(::curl_easy_init()) {
  if (!curl_) throw std::runtime_error("libcurl has no handle to give");
  CURL* curl = curl_.get();
  const bool implicit = settings_.tls == Tls::implicit;
  const auto url =
      (implicit ? "smtps://" : "smtp://") + settings_.host + ":" + std::to_string(settings_.port);
  ::curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  ::curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  ::curl_easy_setopt(curl, CURLOPT_PROXY, "");  // none from the environment either
  ::curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);  // a name server that hangs is not waited for
  ::curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, kIdleSecondsMax);
  ::curl_easy_setopt(curl, CURLOPT_USE_SSL,
                     settings_.tls == Tls::starttls ? CURLUSESSL_ALL : CURLUSESSL_NONE);
  ::curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  ::curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, settings_.tls_skip_verify ? 0L : 1L);
  ::curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, settings_.tls_skip_verify ? 0L : 2L);
  if (settings_.auth != Auth::none) {
    ::curl_easy_setopt(curl, CURLOPT_USERNAME, settings_.username.c_str());
    ::curl_easy_setopt(curl, CURLOPT_PASSWORD, settings_.password.c_str());
    ::curl_easy_setopt(curl, CURLOPT_LOGIN_OPTIONS, login_options(settings_.auth));
  }
  ::curl_easy_setopt(curl, CURLOPT_MAIL_FROM, ("<" + settings_.from_address + ">").c_str());
  ::curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);  // on_debug keeps nothing of what it sees
  ::curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, on_debug);
  ::curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_answer);
}

Mailer::~Mailer() { hang_up(); }

// libcurl then finds the connection dead: it neither uses it again nor waits for an answer to QUIT on it.
void Mailer::hang_up() {
  curl_socket_t socket = CURL_SOCKET_BAD;
  if (::curl_easy_getinfo(curl_.get(), CURLINFO_ACTIVESOCKET, &socket) == CURLE_OK &&
      socket != CURL_SOCKET_BAD)
    ::shutdown(socket, SHUT_RDWR);
}

Result Mailer::send(const Job& job, const std::string& address) {
  const auto left = job.time_left();
  if (left.count() == 0) return Result::retry("no time left before the deadline");
  CURL* curl = curl_.get();
  Exchange exchange{
      curl, Conversation({.auth = settings_.auth != Auth::none, .starttls = settings_.tls == Tls::starttls})};

  const std::string to = "<" + address + ">";
  List recipients;
  append(recipients, to);
  List headers;
  append(headers, from_header_);
  append(headers, "To: " + to);
  append(headers, "Subject: " + encode_header_text(job.subject, std::strlen("Subject: ")));
  append(headers, "Date: " + date_text(std::chrono::system_clock::now()));
  append(headers, "Message-ID: " + message_id(job.id, from_domain_));
  append(headers, "Auto-Submitted: auto-generated");
  append(headers, "Content-Type: multipart/alternative");

  const Mime mime(::curl_mime_init(curl));
  if (!mime) throw std::bad_alloc();
  if (!job.text_body.empty()) add_part(mime.get(), job.text_body, "text/plain; charset=utf-8");
  add_part(mime.get(), job.body, "text/html; charset=utf-8");

  ::curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(left.count()));
  ::curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, 0L);
  ::curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients.get());
  ::curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  ::curl_easy_setopt(curl, CURLOPT_MIMEPOST, mime.get());
  ::curl_easy_setopt(curl, CURLOPT_DEBUGDATA, &exchange);
  ::curl_easy_setopt(curl, CURLOPT_HEADERDATA, &exchange);
  const auto code = ::curl_easy_perform(curl);
  // A late answer to this mail must never be taken for one to the next.
  if (code != CURLE_OK) hang_up();
  return exchange.conversation.result(code);
}

}  // namespace otpgw::smtp
