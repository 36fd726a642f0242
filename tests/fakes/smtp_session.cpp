#include "tests/fakes/smtp_session.h"

#include <strings.h>

namespace otpgw::fakes {
namespace {

// Case does not matter in SMTP's verbs and in header names.
bool starts_with_ci(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && ::strncasecmp(text.data(), prefix.data(), prefix.size()) == 0;
}

std::string between_angles(std::string_view text) {
  const auto open = text.find('<');
  const auto close = text.find('>', open == std::string_view::npos ? 0 : open);
  if (open == std::string_view::npos || close == std::string_view::npos) return {};
  return std::string(text.substr(open + 1, close - open - 1));
}

}  // namespace

bool SmtpSession::command(std::string_view line, std::string& out) {
  if (starts_with_ci(line, "EHLO")) {
    out += "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n";
  } else if (starts_with_ci(line, "MAIL FROM:")) {
    mail_ = {};
    out += "250 2.1.0 OK\r\n";
  } else if (starts_with_ci(line, "RCPT TO:")) {
    if (mail_.recipient.empty()) mail_.recipient = between_angles(line);
    out += "250 2.1.5 OK\r\n";
  } else if (starts_with_ci(line, "DATA")) {
    in_data_ = true;
    out += "354 go on\r\n";
  } else if (starts_with_ci(line, "RSET") || starts_with_ci(line, "NOOP") || starts_with_ci(line, "HELO")) {
    mail_ = {};
    out += "250 2.0.0 OK\r\n";
  } else if (starts_with_ci(line, "QUIT")) {
    out += "221 2.0.0 bye\r\n";
    return false;
  } else {
    out += "502 5.5.1 unknown command\r\n";
  }
  return true;
}

std::string SmtpSession::message_id_of(std::string_view mail) {
  while (!mail.empty() && !mail.starts_with("\r\n")) {
    const auto end = mail.find("\r\n");
    if (starts_with_ci(mail, "Message-ID:")) return between_angles(mail.substr(0, end));
    if (end == std::string_view::npos) break;
    mail.remove_prefix(end + 2);
  }
  return {};
}

}  // namespace otpgw::fakes
