#include "web/renderer.h"

#include <Poco/String.h>

#include <algorithm>
#include <utility>

#include "core/http/params.h"
#include "core/otp/rules.h"
#include "web/mask.h"

namespace otpgw::web {
namespace {

constexpr const char* kHtml = "text/html; charset=utf-8";

std::string path_of(const Sites& sites, const View& view) {
  return sites.base + "/otp/" + http::percent_encode(view.name_space) + "/" + http::percent_encode(view.id);
}

std::string query_of(const View& view) {
  std::string query;
  const auto add = [&query](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    query.append(query.empty() ? "?" : "&").append(name).append("=").append(http::percent_encode(value));
  };
  if (view.popup) add("view", "popup");
  add("lang", view.lang);
  add("key", view.key);
  return query;
}

std::string two_digits(int64_t number) { return (number < 10 ? "0" : "") + std::to_string(number); }

// "4:59", "1:00:00".
std::string clock_face(int64_t seconds) {
  const std::string tail = ":" + two_digits(seconds % 60);
  if (seconds < 3600) return std::to_string(seconds / 60) + tail;
  return std::to_string(seconds / 3600) + ":" + two_digits(seconds / 60 % 60) + tail;
}

// Pages have texts of their own for the kinds of channel that they know; a provider's names and descriptions
// are for the other kind.
Flags kind_flags(const wire::Descriptor* descriptor) {
  switch (descriptor ? descriptor->channel_kind : wire::ChannelKind::other) {
    case wire::ChannelKind::email:
      return {Flag::email};
    case wire::ChannelKind::sms:
      return {Flag::sms, Flag::phone};
    case wire::ChannelKind::whatsapp:
      return {Flag::whatsapp, Flag::phone};
    case wire::ChannelKind::voice:
      return {Flag::voice, Flag::phone};
    case wire::ChannelKind::other:
      break;
  }
  const bool named = descriptor && !descriptor->address_name.empty();
  return {Flag::other, named ? Flag::named : Flag::unnamed};
}

// The application's description, else (for the other kind) the provider's, else the template's own.
std::string description(const std::string& of_otp, const wire::Descriptor* descriptor,
                        std::string wire::Descriptor::*of_provider) {
  if (!of_otp.empty() || !descriptor || descriptor->channel_kind != wire::ChannelKind::other) return of_otp;
  return descriptor->*of_provider;
}

void set_fault(Flags& flags, otp::AddressFault fault, bool english) {
  using enum otp::AddressFault;
  // About an address of a kind that we know we have words of our own. Providers speak English.
  const bool known = !flags.has(Flag::other);
  flags.set(fault != changed && known ? Flag::bad_address : Flag::alert);
  flags.set(Flag::unusable, fault == unusable);
  flags.set(Flag::explained, fault == unusable && (english || !known));
  flags.set(Flag::too_long, fault == too_long);
  flags.set(Flag::changed, fault == changed);
}

void set_complaint(Flags& flags, Values& values, const Complaint& complaint, Flag when_empty,
                   std::string_view language) {
  flags.set(when_empty, complaint.kind == Complaint::Kind::empty);
  flags.set(Flag::wrong_code, complaint.kind == Complaint::Kind::wrong);
  if (complaint.kind == Complaint::Kind::address) {
    set_fault(flags, complaint.fault, language == kEnglish || language.starts_with("en-"));
  }
  const bool refused = complaint.kind == Complaint::Kind::refused;
  flags.set(Flag::alert, refused);
  flags.set(Flag::refused, refused);
  flags.set(Flag::bad_country, complaint.kind == Complaint::Kind::bad_country);
  flags.set(Flag::sends_limited, complaint.kind == Complaint::Kind::sends_limited);
  flags.set(Flag::guesses_limited, complaint.kind == Complaint::Kind::guesses_limited);
  flags.set(Flag::too_early, complaint.kind == Complaint::Kind::too_early);
  values[Field::alert_text] = complaint.sentence;
  values[Field::wait] = clock_face(complaint.wait_seconds);
}

}  // namespace

Renderer::Renderer(Translations translations, config::Languages languages, Sites sites,
                   const otp::Clock& clock)
    : translations_(std::move(translations)),
      languages_(std::move(languages)),
      sites_(std::move(sites)),
      clock_(&clock) {}

std::expected<Renderer, std::string> Renderer::load(const Folders& folders, const Locales& locales,
                                                    const config::App& app, Sites sites,
                                                    const otp::Clock& clock) {
  Translations translations;
  std::set<std::string, std::less<>> tags;
  for (const auto& [tag, texts] : locales) {
    auto code = PageTemplate::load(folders, "code", texts);
    if (!code) return std::unexpected(std::move(code.error()));
    auto address = PageTemplate::load(folders, "address", texts);
    if (!address) return std::unexpected(std::move(address.error()));
    auto verified = PageTemplate::load(folders, "verified", texts);
    if (!verified) return std::unexpected(std::move(verified.error()));
    auto message = PageTemplate::load(folders, "message", texts);
    if (!message) return std::unexpected(std::move(message.error()));
    translations.emplace(
        tag, Templates{std::move(*code), std::move(*address), std::move(*verified), std::move(*message)});
    tags.insert(tag);
  }
  config::Languages languages(tags, std::string(kEnglish));
  const std::string fallback = languages.find(app.locale);
  if (fallback.empty()) {
    return std::unexpected(app.locale_origin + ": expected one of " +
                           Poco::cat(std::string(", "), tags.begin(), tags.end()) +
                           ", or a language of web.templates_dir; got \"" + app.locale + "\"");
  }
  languages = config::Languages(std::move(tags), fallback);
  return Renderer(std::move(translations), std::move(languages), std::move(sites), clock);
}

const Renderer::Templates& Renderer::templates(const View& view) const {
  const auto found = translations_.find(view.language);
  return found == translations_.end() ? translations_.find(kEnglish)->second : found->second;
}

Values Renderer::values_of(const View& view) const {
  const Site& site = sites_.of(view.name_space);
  Values values;
  values[Field::base] = sites_.base;
  values[Field::path] = path_of(sites_, view);
  values[Field::query] = query_of(view);
  values[Field::favicon] = sites_.favicon;
  values[Field::logo] = site.logo;
  values[Field::theme] = site.theme_url;
  values.style = site.style;
  values[Field::namespace_] = site.name;
  values[Field::id] = view.id;
  values[Field::origins] = site.origins;
  values[Field::return_url] = view.return_url;
  return values;
}

Flags Renderer::with_view(Flags flags, const View& view) const {
  flags.set(Flag::popup, view.popup);
  const Site& site = sites_.of(view.name_space);
  flags.set(Flag::themed, !site.theme_url.empty());
  flags.set(Flag::own_logo, site.own_logo);
  flags.set(Flag::returnable, !view.popup && !view.return_url.empty());
  return flags;
}

http::Response Renderer::page(int status, const View& view, std::string body) const {
  return {status, kHtml, sites_.of(view.name_space).headers, std::move(body)};
}

http::Response Renderer::code_page(int status, const View& view, const otp::Otp& otp,
                                   const wire::Descriptor* descriptor, std::string_view code,
                                   const Complaint& complaint) const {
  Values values = values_of(view);
  values[Field::description] =
      description(otp.channel_description, descriptor, &wire::Descriptor::channel_description);
  values[Field::address] = mask_address(otp.to);
  values[Field::code] = code;
  values[Field::code_length] = std::to_string(otp.code_length);
  // Room for what pasting brings along: spaces, dashes, two UTF-16 units for one code point.
  values[Field::code_maxlength] = std::to_string(2 * otp.code_length + 8);
  values[Field::attempt] = std::to_string(otp.attempts);
  values[Field::max_attempts] = std::to_string(otp.max_attempts);
  const int64_t seconds = otp.ttl_seconds(clock_->now());
  values[Field::seconds] = std::to_string(seconds);
  values[Field::left] = clock_face(seconds);
  values[Field::delivery] = retrying(otp) ? "retrying" : otp::to_string(otp.delivery.state);
  values[Field::cooldown] =
      std::to_string((otp.resend_wait_ms(clock_->now(), sites_.resend_cooldown) + 999) / 1000);
  values[Field::step] = std::to_string(otp.fallback.current);

  Flags flags = with_view(kind_flags(descriptor), view);
  flags.set(Flag::described, !values[Field::description].empty());
  flags.set(Flag::digits, otp.code_is_digits);
  // Another address takes another sending.
  flags.set(Flag::changeable, otp.to_from_page && otp.generate < otp.max_generate);
  flags.set(Flag::resendable, otp.generate < otp.max_generate);
  flags.set(Flag::another, otp.has_fallback());
  flags.set(Flag::filled, !code.empty());
  set_complaint(flags, values, complaint, Flag::no_code, view.language);
  return page(status, view, templates(view).code.render(flags, values));
}

http::Response Renderer::address_page(int status, const View& view, const otp::Otp& otp,
                                      const wire::Descriptor* descriptor, std::string_view address,
                                      const Complaint& complaint) const {
  Values values = values_of(view);
  values[Field::description] =
      description(otp.address_description, descriptor, &wire::Descriptor::address_description);
  values[Field::address] = address;
  values[Field::expected] = otp::address_token(otp);
  if (descriptor) values[Field::address_name] = descriptor->address_name;

  Flags flags = with_view(kind_flags(descriptor), view);
  flags.set(Flag::described, !values[Field::description].empty());
  flags.set(Flag::changeable, !otp.to.empty());
  set_complaint(flags, values, complaint, Flag::no_address, view.language);
  return page(status, view, templates(view).address.render(flags, values));
}

http::Response Renderer::verified_page(const View& view, const wire::Descriptor* descriptor) const {
  Values values = values_of(view);
  if (descriptor) values[Field::address_name] = descriptor->address_name;
  const Flags flags = with_view(kind_flags(descriptor), view);
  return page(200, view, templates(view).verified.render(flags, values));
}

http::Response Renderer::message_page(int status, const View& view, Message message,
                                      std::string_view sentence) const {
  constexpr auto kFlags = std::to_array({Flag::expired, Flag::locked, Flag::busy, Flag::invalid,
                                         Flag::invalid, Flag::forbidden, Flag::internal});
  Values values = values_of(view);
  values[Field::alert_text] = sentence;
  Flags flags = with_view({kFlags[static_cast<std::size_t>(message)]}, view);
  flags.set(Flag::fixed, message == Message::fixed_address);
  return page(status, view, templates(view).message.render(flags, values));
}

http::Response Renderer::posts_limited_page(const View& view, int64_t seconds_left) const {
  Values values = values_of(view);
  values[Field::wait] = clock_face(seconds_left);
  const Flags flags = with_view({Flag::posts_limited}, view);
  http::Response response = page(429, view, templates(view).message.render(flags, values));
  response.header("Retry-After", std::to_string(seconds_left));
  return response;
}

http::Response Renderer::locked_page(const View& view, int64_t seconds_left) const {
  Values values = values_of(view);
  values[Field::seconds] = std::to_string(seconds_left);
  values[Field::left] = clock_face(seconds_left);
  const Flags flags = with_view({Flag::locked}, view);
  http::Response response = page(429, view, templates(view).message.render(flags, values));
  response.header("Retry-After", values[Field::seconds]);
  return response;
}

http::Response Renderer::redirect(const View& view, std::string_view page_name) const {
  http::Response response = page(303, view, {});
  response.content_type = {};
  response.header("Location", path_of(sites_, view).append(page_name).append(query_of(view)));
  return response;
}

}  // namespace otpgw::web
