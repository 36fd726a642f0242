#include "core/message/composer.h"

#include "core/http/params.h"

namespace otpgw::message {
namespace {

// "example.com" of "https://example.com:8443/x".
std::string_view host_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  return url.substr(0, url.find_first_of(":/"));
}

// The last line of an SMS that binds the code to a site: "@host #code", and the frame's host when the
// gateway's differs (https://wicg.github.io/sms-one-time-codes/).
std::string bound_line(const config::Config& config, std::string_view name_space, std::string_view code) {
  const auto found = config.namespaces.find(name_space);
  if (found == config.namespaces.end() || found->second.origins.empty()) return {};
  const auto host = host_of(found->second.origins.front());
  const auto gateway = host_of(config.app.root_url);
  std::string line = "@";
  line.append(host).append(" #").append(code);
  if (gateway != host) line.append(" @").append(gateway);
  return line;
}

}  // namespace

std::expected<Composer::AllTemplates, std::string> Composer::compile(const config::Config& config) {
  AllTemplates all;
  for (const auto& [id, provider] : config.providers) {
    auto templates = Templates::compile(provider.subject, provider.body, provider.webhook);
    if (!templates) return std::unexpected(templates.error());
    all.emplace(id, std::move(*templates));
  }
  return all;
}

Message Composer::compose(const otp::Otp& otp, std::string_view code, const wire::Descriptor& descriptor,
                          const otp::CodeVault& vault, otp::UnixMs now) const {
  Fields fields;
  fields.to = otp.to;
  fields.name_space = otp.name_space;
  fields.channel = otp.provider;
  fields.channel_name = descriptor.channel_name;
  fields.code = code;
  fields.url =
      page_url(config_, otp.name_space, otp.id, "otp=" + http::percent_encode(code) + "&action=check",
               config_.has_view_key(otp.name_space) ? vault.view_key(otp.name_space, otp.id) : "");
  fields.ttl_seconds = otp.ttl_seconds(now);
  fields.bound_line = bound_line(config_, otp.name_space, code);
  return templates_.find(otp.provider)->second->render(fields, descriptor.channel_kind);
}

std::string page_url(const config::Config& config, std::string_view name_space, std::string_view id,
                     std::string query, std::string_view view_key) {
  if (!view_key.empty()) query.append(query.empty() ? "key=" : "&key=").append(view_key);
  return config.app.root_url + "/otp/" + http::percent_encode(name_space) + "/" + http::percent_encode(id) +
         (query.empty() ? "" : "?" + query);
}

}  // namespace otpgw::message
