// What was said between libcurl and an SMTP server during one mail, as far as it tells what became of the
// mail. libcurl's error codes alone don't: it reports a refused recipient and a broken connection alike. Free
// of network: the mailer feeds it lines.
#pragma once

#include <curl/curl.h>

#include <string>
#include <string_view>

#include "otpgw/provider.hpp"

namespace otpgw::smtp {

class Conversation {
 public:
  struct Wants {
    bool auth = false;      // go no further when the server offers no AUTH; libcurl would mail without
    bool starttls = false;  // AUTH counts only when offered after STARTTLS
  };
  explicit Conversation(Wants wants) : wants_(wants) {}

  void client_said(std::string_view line);
  // False: hang up.
  [[nodiscard]] bool server_said(std::string_view line);
  // A piece of the message has left. Once the whole of it has, the final dot may have left too.
  void client_sent(std::string_view piece);
  // The server's last whole answer is a refusal; what follows is libcurl's QUIT.
  [[nodiscard]] bool refused() const { return is_refusal() && stage_ >= Stage::auth; }

  // What became of the mail, when libcurl ended with `code`.
  [[nodiscard]] Result result(CURLcode code) const;

 private:
  enum class Stage { connect, hello, starttls, auth, sender, recipient, data, message };
  [[nodiscard]] static const char* name(Stage stage);
  [[nodiscard]] bool is_refusal() const { return !waiting_ && status_ >= 400 && status_ < 600; }
  [[nodiscard]] bool message_left() const;
  [[nodiscard]] Result refusal() const;
  [[nodiscard]] Result failure(CURLcode code) const;

  const Wants wants_;
  Stage stage_ = Stage::connect;
  bool waiting_ = true;  // for the answer to the stage's command
  int status_ = 0;       // of the last whole answer
  bool tls_started_ = false, auth_offered_ = false, auth_missing_ = false;
  std::string last_sent_;  // the message's last bytes that have left
  bool quitting_ = false;  // the answer to QUIT tells nothing
  std::string queue_id_;
};

}  // namespace otpgw::smtp
