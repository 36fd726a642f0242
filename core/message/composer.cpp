#include "core/message/composer.h"

#include <set>

#include "core/http/params.h"
#include "core/message/defaults.h"

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

// The languages that a provider has texts in besides its own, and the texts: those of its section, and where
// its texts are the built-in ones those in our languages. Texts whose language nobody names are taken for
// English.
std::map<std::string, config::MessageTexts> translations_of(const config::Provider& provider) {
  auto translations = provider.translations;
  const bool built_in = provider.body.text.empty() && !provider.webhook;
  if (built_in) {
    for (const auto language : kDefaultLanguages) translations.try_emplace(std::string(language));
  }
  translations.try_emplace("en");
  for (auto& [language, texts] : translations) {
    if (texts.subject.text.empty()) texts.subject = provider.subject;
    if (texts.body.text.empty()) texts.body = provider.body;
  }
  return translations;
}

std::expected<Composer::Translated, std::string> compile_all(const config::Provider& provider) {
  auto texts = translations_of(provider);
  texts[""] = {provider.subject, provider.body};
  std::map<std::string, std::shared_ptr<const Templates>, std::less<>> templates;
  std::set<std::string, std::less<>> tags;
  for (const auto& [language, text] : texts) {
    auto compiled = Templates::compile(text.subject, text.body, provider.webhook, language);
    if (!compiled) return std::unexpected(compiled.error());
    templates.emplace(language, std::move(*compiled));
    tags.insert(language);
  }
  return Composer::Translated{std::move(templates), config::Languages(std::move(tags), "")};
}

}  // namespace

std::expected<Composer::AllTemplates, std::string> Composer::compile(const config::Config& config) {
  AllTemplates all;
  for (const auto& [id, provider] : config.providers) {
    auto translated = compile_all(provider);
    if (!translated) return std::unexpected(translated.error());
    all.emplace(id, std::move(*translated));
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
  const auto& [templates, languages] = templates_.find(otp.provider)->second;
  const auto language = languages.choose({otp.locale, config_.app.locale}, {});
  return templates.find(language)->second->render(fields, descriptor.channel_kind);
}

std::string page_url(const config::Config& config, std::string_view name_space, std::string_view id,
                     std::string query, std::string_view view_key) {
  if (!view_key.empty()) query.append(query.empty() ? "key=" : "&key=").append(view_key);
  return config.app.root_url + "/otp/" + http::percent_encode(name_space) + "/" + http::percent_encode(id) +
         (query.empty() ? "" : "?" + query);
}

}  // namespace otpgw::message
