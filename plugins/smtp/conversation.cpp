#include "conversation.h"

#include <strings.h>

#include <algorithm>

namespace otpgw::smtp {
namespace {

constexpr int kOk = 250, kStartMail = 354;
constexpr std::size_t kQueueIdBytesMax = 64;
constexpr std::string_view kMessageEnd = "--\r\n";  // of the closing boundary of every multipart message

bool starts_with_word(std::string_view line, std::string_view word) {
  return line.size() >= word.size() && ::strncasecmp(line.data(), word.data(), word.size()) == 0;
}

// Postfix, Exim and others name their queue's id in the last answer: an operator finds the mail in the
// server's log by it. Letters and digits alone: nothing else of the answer is passed on.
std::string queue_id(std::string_view line) {
  for (const std::string_view before : {"queued as ", "id="}) {
    const auto at = line.find(before);
    if (at == line.npos) continue;
    const auto rest = line.substr(at + before.size());
    const auto end = std::ranges::find_if_not(rest, [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
    });
    return std::string(rest.begin(), std::min(end, rest.begin() + std::min(rest.size(), kQueueIdBytesMax)));
  }
  return {};
}

// RFC 4954's answers that say "authenticate first" or "not like this", whatever command they answer.
bool is_about_authentication(int status) {
  return status == 530 || status == 534 || status == 535 || status == 538;
}

}  // namespace

void Conversation::client_said(std::string_view line) {
  struct Command {
    std::string_view start;
    Stage stage;
  };
  // With what follows the word, so that a base64 line of AUTH is never taken for one.
  static constexpr Command kCommands[] = {
      {"EHLO ", Stage::hello}, {"HELO ", Stage::hello},       {"STARTTLS\r", Stage::starttls},
      {"AUTH ", Stage::auth},  {"MAIL FROM:", Stage::sender}, {"RCPT TO:", Stage::recipient},
      {"DATA\r", Stage::data},
  };
  quitting_ = line.starts_with("QUIT\r");
  if (quitting_) return;
  for (const auto& command : kCommands)
    if (line.starts_with(command.start)) stage_ = command.stage;
  waiting_ = true;
  if (stage_ == Stage::hello) auth_offered_ = false;
}

void Conversation::client_sent(std::string_view piece) {
  last_sent_.append(piece.substr(piece.size() - std::min(piece.size(), kMessageEnd.size())));
  if (last_sent_.size() > kMessageEnd.size()) last_sent_.erase(0, last_sent_.size() - kMessageEnd.size());
}

// May hold too early for a text that has such a line just where a piece ended, never too late.
bool Conversation::message_left() const { return last_sent_ == kMessageEnd; }

bool Conversation::server_said(std::string_view line) {
  if (quitting_) return true;
  if (line.size() < 3 ||
      !std::all_of(line.begin(), line.begin() + 3, [](char c) { return c >= '0' && c <= '9'; }))
    return true;
  const bool last = line.size() == 3 || line[3] != '-';
  if (stage_ == Stage::hello && line.size() > 4 && starts_with_word(line.substr(4), "AUTH"))
    auth_offered_ = true;
  if (!last) return true;
  status_ = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  waiting_ = false;
  switch (stage_) {
    case Stage::data:
      if (status_ != kStartMail) return true;
      stage_ = Stage::message;
      waiting_ = true;
      return true;
    case Stage::message:
      if (status_ == kOk) queue_id_ = queue_id(line);
      return true;
    case Stage::starttls:
      tls_started_ = status_ < 400;
      return true;
    case Stage::hello:
      auth_missing_ =
          wants_.auth && (tls_started_ || !wants_.starttls) && !auth_offered_ && status_ / 100 != 4;
      // After 4xx libcurl would try HELO, as after 5xx.
      return !auth_missing_ && status_ / 100 != 4;
    default:
      return true;
  }
}

Result Conversation::result(CURLcode code) const {
  if (code == CURLE_OK) return Result::sent(queue_id_);
  if (auth_missing_) return Result::broken("the server offers no authentication");
  if (is_refusal()) return refusal();
  if (code == CURLE_LOGIN_DENIED)
    return Result::broken("the server does not offer the configured auth_protocol");
  return failure(code);
}

Result Conversation::refusal() const {
  const auto detail = "the server answered " + std::to_string(status_) + " to " + name(stage_);
  const bool for_now = status_ < 500;
  // STARTTLS refused is a failure of TLS, which is an attacker's to cause and never ends a job.
  auto result = for_now || stage_ == Stage::starttls                        ? Result::retry(detail)
                : stage_ == Stage::auth || is_about_authentication(status_) ? Result::broken(detail)
                                                                            : Result::rejected(detail);
  result.upstream_status = status_;
  return result;
}

Result Conversation::failure(CURLcode code) const {
  // libcurl's words for its codes: they know nothing of this mail.
  const std::string why = code == CURLE_OPERATION_TIMEDOUT ? "time-out" : ::curl_easy_strerror(code);
  if (message_left()) return Result::unknown(why + " while waiting for the answer to the message");
  return Result::retry(why + " at " + name(stage_));
}

const char* Conversation::name(Stage stage) {
  switch (stage) {
    case Stage::connect:
      return "the connection";
    case Stage::hello:
      return "EHLO";
    case Stage::starttls:
      return "STARTTLS";
    case Stage::auth:
      return "AUTH";
    case Stage::sender:
      return "MAIL FROM";
    case Stage::recipient:
      return "RCPT TO";
    case Stage::data:
      return "DATA";
    case Stage::message:
      return "the message";
  }
  return "";
}

}  // namespace otpgw::smtp
