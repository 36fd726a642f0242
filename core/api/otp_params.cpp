#include "core/api/otp_params.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ranges>

#include "core/config/languages.h"
#include "core/config/web_address.h"
#include "core/http/json_text.h"
#include "core/limits/client_network.h"
#include "core/otp/text.h"

namespace otpgw::api {
namespace {

// SECURITY.md, "Inputs".
constexpr std::size_t kIdMin = 6, kIdMax = 128;
constexpr std::size_t kDescriptionBytesMax = 1024, kExtraBytesMax = 4096, kReturnUrlBytesMax = 1024;
constexpr int64_t kWaitSecondsMax = 30;
// More ways to reach one person than anybody has; each costs a validation.
constexpr std::size_t kProvidersMax = 5;

std::string quoted(std::string_view name) { return "`" + std::string(name) + "`"; }

// Nothing when the parameter was not given or is empty.
std::expected<std::optional<int64_t>, std::string> read_number(const http::Params& params,
                                                               std::string_view name, int64_t min,
                                                               int64_t max) {
  const auto& text = params.get(name);
  if (text.empty()) return std::nullopt;
  int64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end != text.data() + text.size() || value < min || value > max) {
    return std::unexpected("Invalid " + quoted(name) + " value. It must be a whole number from " +
                           std::to_string(min) + " to " + std::to_string(max) + ".");
  }
  return value;
}

std::expected<std::optional<bool>, std::string> read_boolean(const http::Params& params,
                                                             std::string_view name) {
  constexpr std::array<std::string_view, 6> kTrue = {"1", "t", "T", "TRUE", "true", "True"};
  constexpr std::array<std::string_view, 6> kFalse = {"0", "f", "F", "FALSE", "false", "False"};
  const auto& text = params.get(name);
  if (text.empty()) return std::nullopt;
  if (std::ranges::count(kTrue, text)) return true;
  if (std::ranges::count(kFalse, text)) return false;
  return std::unexpected("Invalid " + quoted(name) + " value. It must be true or false.");
}

// "kaleyra_whatsapp,kaleyra_sms": whether they exist is not looked at.
std::expected<std::vector<std::string>, std::string> read_providers(std::string_view list) {
  std::vector<std::string> providers;
  for (const auto part : std::views::split(list, ',')) {
    providers.emplace_back(std::string_view(part.begin(), part.end()));
  }
  if (providers.empty()) providers.emplace_back();  // splitting nothing gives nothing
  if (providers.size() > kProvidersMax) {
    return std::unexpected("Invalid `provider` value. It must name at most " + std::to_string(kProvidersMax) +
                           " providers.");
  }
  for (auto provider = providers.begin(); provider != providers.end(); ++provider) {
    if (std::find(providers.begin(), provider, *provider) != provider) {
      return std::unexpected("Invalid `provider` value. It names a provider twice.");
    }
  }
  return providers;
}

// Pages link to it, so it must be a page of those who may show ours.
std::optional<std::string> wrong_return_url(const config::Config& config, const config::Namespace& name_space,
                                            const std::string& url) {
  if (url.empty()) return {};
  if (url.size() > kReturnUrlBytesMax) return "Invalid `return_url` value. It must be at most 1024 bytes.";
  const auto origin = config::origin_of(url);
  if (!origin) return "Invalid `return_url` value. It must be an http:// or https:// address.";
  if (config::may_link_to(*origin, name_space.origins, config.app.root_url)) return {};
  return "Invalid `return_url` value. Its origin " + *origin + " is not in the `origins` of this namespace.";
}

}  // namespace

std::optional<std::string> wrong_id(std::string_view id) {
  const auto length = otp::code_points(id);
  if (length < kIdMin) return "ID should be min 6 chars.";
  if (length > kIdMax) return "ID should be max 128 chars.";
  if (id.find('/') != std::string_view::npos || otp::has_control(id)) {
    return "ID must not hold `/` or control characters.";
  }
  return {};
}

std::expected<otp::PutRequest, std::string> read_put(const config::Config& config,
                                                     const config::Namespace& name_space,
                                                     const http::Params& params) {
  otp::PutRequest request;
  auto providers = read_providers(params.get("provider"));
  if (!providers) return std::unexpected(providers.error());
  request.providers = std::move(*providers);
  request.to = params.get("to");
  request.code = params.get("otp");
  if (otp::has_control(request.code))
    return std::unexpected("Invalid `otp` value. It holds a control character.");

  const auto& app = config.app;
  auto ttl = read_number(params, "ttl", 1, app.otp_ttl_max.count());
  if (!ttl) return std::unexpected(ttl.error());
  request.ttl_seconds = *ttl;
  auto attempts =
      read_number(params, "max_attempts", 1, std::max(app.otp_max_attempts, app.otp_max_attempts_max));
  if (!attempts) return std::unexpected(attempts.error());
  request.max_attempts = *attempts;
  auto generate =
      read_number(params, "max_generate", 1, std::max(app.otp_max_generate, app.otp_max_generate_max));
  if (!generate) return std::unexpected(generate.error());
  request.max_generate = *generate;

  request.channel_description = params.get("channel_description");
  request.address_description = params.get("address_description");
  for (const auto* name : {"channel_description", "address_description"}) {
    if (params.get(name).size() > kDescriptionBytesMax) {
      return std::unexpected("Invalid " + quoted(name) + " value. It must be at most 1024 bytes.");
    }
  }
  if (const auto& extra = params.get("extra"); !extra.empty()) {
    if (extra.size() > kExtraBytesMax) {
      return std::unexpected("Invalid JSON in `extra`: It must be at most 4096 bytes.");
    }
    if (!http::is_json(extra)) return std::unexpected("Invalid JSON in `extra`: It is not one JSON value.");
    request.extra = extra;
  }
  if (const auto& client = params.get("client_ip"); !client.empty()) {
    auto network = limits::client_network(client);
    if (!network) return std::unexpected("Invalid `client_ip` value. It must be an IPv4 or IPv6 address.");
    request.client = std::move(*network);
  }
  request.locale = params.get("locale");
  if (!request.locale.empty() && !config::is_language_tag(request.locale)) {
    return std::unexpected(
        "Invalid `locale` value. It must be the tag of a language, like `en` or `pt-BR`, of at most 35 "
        "characters.");
  }
  request.return_url = params.get("return_url");
  if (auto wrong = wrong_return_url(config, name_space, request.return_url))
    return std::unexpected(std::move(*wrong));
  auto skip_delete = read_skip_delete(params);
  if (!skip_delete) return std::unexpected(skip_delete.error());
  request.skip_delete = skip_delete->value_or(false);
  auto wait = read_wait(config, params);
  if (!wait) return std::unexpected(wait.error());
  request.wait = *wait;
  return request;
}

std::expected<std::optional<bool>, std::string> read_skip_delete(const http::Params& params) {
  return read_boolean(params, "skip_delete");
}

std::expected<std::chrono::milliseconds, std::string> read_wait(const config::Config& config,
                                                                const http::Params& params) {
  auto seconds = read_number(params, "wait", 0, kWaitSecondsMax);
  if (!seconds) return std::unexpected(seconds.error());
  return *seconds ? std::chrono::milliseconds{**seconds * 1000} : config.app.send_wait;
}

}  // namespace otpgw::api
