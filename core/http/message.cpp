#include "core/http/message.h"

#include "core/http/answer.h"

namespace otpgw::http {

std::string_view Request::header(std::string_view lower_case_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_case_name) return value;
  }
  return {};
}

Response& Response::header(std::string_view name, std::string_view value) {
  headers.append(name).append(": ");
  for (char c : value) {
    if (c != '\r' && c != '\n' && c != '\0') headers.push_back(c);
  }
  headers.append("\r\n");
  return *this;
}

Reply::~Reply() {
  if (sink_) send(error(500, "Internal error."));
}

void Reply::send(Response&& response) {
  auto sink = std::exchange(sink_, nullptr);
  if (!sink) return;
  if (metrics_) metrics_->request(route_, response.status, Clock::now() - began_);
  sink(std::move(response));
}

}  // namespace otpgw::http
