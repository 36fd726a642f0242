// The server's half of one SMTP conversation, without sockets: bytes in, answers out. It accepts every mail
// and looks at as little of it as it can, so that a bench measures the gateway and not the sink.
#pragma once

#include <string>
#include <string_view>

namespace otpgw::fakes {

struct AcceptedMail {
  std::string recipient;   // the first one
  std::string message_id;  // without <>; empty when the mail has none
};

class SmtpSession {
 public:
  static constexpr std::string_view kGreeting = "220 sink ESMTP\r\n";

  // Takes what came, appends the answers to `out` and calls `accepted` for each mail before its answer is
  // appended. False: the client is done (QUIT) or no SMTP client at all; send `out` and close.
  template <typename Accepted>
  bool feed(std::string_view bytes, std::string& out, Accepted&& accepted) {
    buffer_.append(bytes);
    std::size_t at = 0;
    bool go_on = true;
    while (go_on) {
      const std::string_view rest = std::string_view(buffer_).substr(at);
      if (in_data_) {
        // The line before the final dot may be the DATA command's own.
        const auto end = rest.starts_with(".\r\n") ? 0 : rest.find("\r\n.\r\n", scanned_);
        if (end == std::string_view::npos) {
          scanned_ = rest.size() > 4 ? rest.size() - 4 : 0;
          break;
        }
        mail_.message_id = message_id_of(rest.substr(0, end));
        accepted(mail_);
        out += "250 2.0.0 accepted\r\n";
        in_data_ = false;
        scanned_ = 0;
        at += end + (end == 0 && rest.starts_with(".\r\n") ? 3 : 5);
        continue;
      }
      const auto line_end = rest.find("\r\n");
      if (line_end == std::string_view::npos) break;
      go_on = command(rest.substr(0, line_end), out);
      at += line_end + 2;
    }
    buffer_.erase(0, at);
    return go_on && buffer_.size() <= kBytesMax;
  }

 private:
  static constexpr std::size_t kBytesMax = std::size_t{4}
                                           << 20;  // of one mail: a body of 1 MiB twice, and room

  bool command(std::string_view line, std::string& out);
  static std::string message_id_of(std::string_view mail);

  std::string buffer_;
  std::size_t scanned_ = 0;  // of the mail's bytes: no need to look there again for its end
  bool in_data_ = false;
  AcceptedMail mail_;
};

}  // namespace otpgw::fakes
