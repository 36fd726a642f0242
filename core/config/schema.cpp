#include "core/config/schema.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <sstream>
#include <vector>

#include "core/config/config.h"

namespace otpgw::config {
namespace {

constexpr int64_t kSecond = 1000;
constexpr Key boolean(std::string_view path) { return {path, Type::boolean}; }
constexpr Key text(std::string_view path) { return {path, Type::text}; }
constexpr Key required_text(std::string_view path) { return {path, Type::text, 1}; }
constexpr Key secret(std::string_view path, int64_t length_min = 0) {
  return {.path = path, .type = Type::text, .low = length_min, .secret = true};
}
constexpr Key integer(std::string_view path, int64_t low, int64_t high) {
  return {path, Type::integer, low, high};
}
constexpr Key choice(std::string_view path, std::string_view choices) {
  return {.path = path, .type = Type::choice, .choices = choices};
}
constexpr Key ignored(std::string_view path) {
  return {.path = path, .type = Type::anything, .standing = Standing::ignored};
}

constexpr int64_t kTebibyte = int64_t{1} << 40;
constexpr int64_t kCountMax = 1000;  // of attempts or generations: above it a 6-digit code is no protection

constexpr Key kKeys[] = {
    text("app.address"),
    {"app.server_timeout", Type::duration, kSecond, 300 * kSecond},
    boolean("app.enable_debug_logs"),
    {"app.otp_ttl", Type::seconds, 1, kOtpTtlMax.count()},
    {"app.otp_ttl_max", Type::seconds, 1, kOtpTtlMax.count()},
    integer("app.otp_max_attempts", 1, kCountMax),
    integer("app.otp_max_attempts_max", 1, kCountMax),
    integer("app.otp_max_generate", 1, kCountMax),
    integer("app.otp_max_generate_max", 1, kCountMax),
    ignored("app.otp_max_resends"),
    {"app.send_wait", Type::duration, 0, 30 * kSecond},
    text("app.root_url"),
    text("app.logo_url"),
    text("app.favicon_url"),
    {"app.trusted_proxies", Type::texts},
    {"app.tls_certificate", Type::path},
    {"app.tls_key", Type::path},
    required_text("app.data_dir"),
    required_text("app.plugins_dir"),
    required_text("app.locale"),

    choice("store.engine", "sqlite|redis"),
    required_text("store.sqlite.path"),
    {"store.redis", Type::section},
    {"store.min_free", Type::size, 0, kTebibyte},
    {"store.key_file", Type::path, 1},

    required_text("auth.*.namespace"),
    secret("auth.*.secret", 1),
    {.path = "auth.*.secrets", .type = Type::texts, .secret = true},
    {.path = "auth.*.secret_sha256", .type = Type::texts, .secret = true},
    {"auth.*.origins", Type::texts},
    boolean("auth.*.return_otp"),
    boolean("auth.*.view_key"),
    {"auth.*.allow_ips", Type::texts},
    text("auth.*.name"),
    text("auth.*.logo_url"),
    text("auth.*.accent"),

    boolean("workers.spawn"),
    required_text("workers.endpoint"),

    {"providers.*", Type::section},  // a plug-in of somebody else's: it checks its further keys
    boolean("providers.*.enabled"),
    text("providers.*.subject"),
    {"providers.*.subjects", Type::section},
    text("providers.*.subjects.*"),
    text("providers.*.template"),
    text("providers.*.plugin"),
    integer("providers.*.max_conns", 1, 256),
    {"providers.*.timeout", Type::duration, kSecond, 300 * kSecond},

    text("providers.smtp.host"),
    integer("providers.smtp.port", 1, 65535),
    choice("providers.smtp.auth_protocol", "login|cram|plain|none|"),
    text("providers.smtp.username"),
    secret("providers.smtp.password"),
    text("providers.smtp.from_email"),
    choice("providers.smtp.tls_type", "none|STARTTLS|TLS|"),
    boolean("providers.smtp.tls_skip_verify"),

    text("providers.pinpoint_sms.application_id"),
    secret("providers.pinpoint_sms.access_key"),
    secret("providers.pinpoint_sms.secret_key"),
    text("providers.pinpoint_sms.region"),
    text("providers.pinpoint_sms.sms_sender_id"),
    text("providers.pinpoint_sms.sms_entity_id"),
    text("providers.pinpoint_sms.sms_template_id"),
    choice("providers.pinpoint_sms.sms_message_type", "TRANSACTIONAL|PROMOTIONAL|"),
    text("providers.pinpoint_sms.default_phone_code"),
    choice("providers.pinpoint_sms.api", "pinpoint|sms-voice"),
    text("providers.pinpoint_sms.endpoint"),
    text("providers.pinpoint_sms.origination_identity"),
    text("providers.pinpoint_sms.configuration_set"),
    text("providers.pinpoint_sms.max_price"),
    boolean("providers.pinpoint_sms.dry_run"),

    secret("providers.kaleyra_sms.api_key"),
    text("providers.kaleyra_sms.sid"),
    text("providers.kaleyra_sms.sender"),
    text("providers.kaleyra_sms.default_phone_code"),
    text("providers.kaleyra_sms.sms_entity_id"),
    text("providers.kaleyra_sms.sms_template_id"),
    text("providers.kaleyra_sms.host"),
    choice("providers.kaleyra_sms.scheme", "https|http"),

    secret("providers.kaleyra_whatsapp.api_key"),
    text("providers.kaleyra_whatsapp.sid"),
    text("providers.kaleyra_whatsapp.sender"),
    text("providers.kaleyra_whatsapp.default_phone_code"),
    text("providers.kaleyra_whatsapp.template_name"),
    text("providers.kaleyra_whatsapp.host"),
    choice("providers.kaleyra_whatsapp.scheme", "https|http"),

    {"webhooks.*", Type::section},
    boolean("webhooks.*.enabled"),
    text("webhooks.*.subject"),
    {"webhooks.*.subjects", Type::section},
    text("webhooks.*.subjects.*"),
    text("webhooks.*.template"),
    integer("webhooks.*.max_conns", 1, 256),
    {"webhooks.*.timeout", Type::duration, kSecond, 300 * kSecond},
    secret("webhooks.*.url", 1),  // some companies have the secret in the address, some in the body
    text("webhooks.*.username"),
    secret("webhooks.*.password"),
    secret("webhooks.*.secret"),
    choice("webhooks.*.method", "GET|POST|PUT|PATCH"),
    {"webhooks.*.headers", Type::section},
    text("webhooks.*.content_type"),
    secret("webhooks.*.body"),
    text("webhooks.*.success_pattern"),
    text("webhooks.*.reject_pattern"),
    text("webhooks.*.retry_pattern"),
    boolean("webhooks.*.idempotent"),
    {"webhooks.*.ca_file", Type::path},
    choice("webhooks.*.channel_kind", "email|sms|whatsapp|voice|other"),
    text("webhooks.*.channel_name"),
    text("webhooks.*.address_name"),
    text("webhooks.*.address_pattern"),
    text("webhooks.*.default_phone_code"),
    integer("webhooks.*.max_address_len", 1, 254),
    integer("webhooks.*.max_otp_len", 1, 64),

    {"fallback.step_timeout", Type::duration, kSecond, 3600 * kSecond},

    {"limits.address_sends", Type::texts},
    {"limits.address_guesses", Type::texts},
    {"limits.client_sends", Type::texts},
    {"limits.namespace_sends", Type::texts},
    {"limits.prefix_sends", Type::texts},
    integer("limits.prefix_digits", 1, 15),
    {"limits.ip_posts", Type::texts},
    {"limits.countries", Type::texts},
    {"limits.resend_cooldown", Type::duration, 0, 3600 * kSecond},
    choice("limits.mode", "enforce|monitor"),

    required_text("web.templates_dir"),
    text("admin.address"),
};

std::vector<std::string_view> parts(std::string_view path) {
  std::vector<std::string_view> out;
  for (auto dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
    out.push_back(path.substr(0, dot));
    path.remove_prefix(dot + 1);
  }
  out.push_back(path);
  return out;
}

// Whether the first names of `pattern` are those of `path`; a star is any.
bool starts_with(const std::vector<std::string_view>& pattern, std::span<const std::string> path) {
  return pattern.size() >= path.size() && std::equal(path.begin(), path.end(), pattern.begin(),
                                                     [](const std::string& name, std::string_view part) {
                                                       return part == "*" || part == name;
                                                     });
}

// Letters to insert, delete, replace or swap with their neighbour until `a` is `b`.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::string listed(std::string_view choices) {
  std::ostringstream out;
  out << "one of";
  std::string separator = " ";
  std::istringstream names{std::string(choices)};
  for (std::string name; std::getline(names, name, '|'); separator = ", ")
    out << separator << '"' << name << '"';
  return out.str();
}

}  // namespace

std::span<const Key> keys() { return kKeys; }

const Key* find_key(std::span<const std::string> path) {
  const Key* found = nullptr;
  for (const Key& key : kKeys) {
    const auto pattern = parts(key.path);
    if (pattern.size() != path.size() || !starts_with(pattern, path)) continue;
    if (found == nullptr || key.path.find('*') == std::string_view::npos) found = &key;
  }
  return found;
}

bool is_section(std::span<const std::string> path) {
  return std::ranges::any_of(kKeys, [&](const Key& key) {
    const auto pattern = parts(key.path);
    return pattern.size() > path.size() && starts_with(pattern, path);
  });
}

bool is_open_section(std::span<const std::string> path) {
  if (path.size() != 2 || path[0] != "providers") return false;
  const std::string named = path[0] + "." + path[1] + ".";
  return std::ranges::none_of(kKeys, [&](const Key& key) { return key.path.starts_with(named); });
}

bool is_secret(std::span<const std::string> path) {
  if (const Key* key = find_key(path); key != nullptr) return key->secret;
  if (path.size() == 4 && path[0] == "webhooks" && path[2] == "headers") return true;
  if (path.size() != 3 || !is_open_section(path.first(2))) return false;
  constexpr std::string_view kWords[] = {"password", "passphrase", "secret", "key", "token"};
  return std::ranges::count(kWords, std::string_view(path[2]).substr(path[2].rfind('_') + 1)) > 0;
}

std::string nearest_name(std::span<const std::string> path) {
  const std::string& name = path.back();
  // A third of the letters wrong is still a typing error; more is another word.
  std::size_t best = std::max<std::size_t>(1, name.size() / 3) + 1;
  std::string_view nearest;
  for (const Key& key : kKeys) {
    const auto pattern = parts(key.path);
    if (pattern.size() < path.size() || !starts_with(pattern, path.first(path.size() - 1))) continue;
    const std::string_view candidate = pattern[path.size() - 1];
    if (candidate == "*") continue;
    if (const auto distance = edit_distance(name, candidate); distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return std::string(nearest);
}

std::string expectation(const Key& key) {
  std::ostringstream out;
  switch (key.type) {
    case Type::text:
      out << (key.low > 0 ? "a text that is not empty" : "a text in quotes");
      break;
    case Type::path:
      out << "the path of a file";
      break;
    case Type::integer:
      out << "a number from " << key.low << " to " << key.high;
      break;
    case Type::boolean:
      out << "true or false";
      break;
    case Type::seconds:
      out << "seconds from " << key.low << " to " << key.high << ", or a duration like \"5m\"";
      break;
    case Type::duration:
      out << "a duration like \"5s\", or seconds, from " << key.low / kSecond << " to " << key.high / kSecond;
      break;
    case Type::size:
      out << "a size like \"64MiB\", or bytes, up to " << (key.high >> 40) << "TiB";
      break;
    case Type::choice:
      // A trailing "|" means that empty is fine too; nobody needs to be told.
      out << listed(key.choices.ends_with('|') ? key.choices.substr(0, key.choices.size() - 1) : key.choices);
      break;
    case Type::texts:
      out << "a list of texts";
      break;
    case Type::section:
    case Type::anything:
      break;
  }
  return out.str();
}

}  // namespace otpgw::config
