// The gateway's configuration: TOML files, OTP_GATEWAY_ environment variables and options, laid over each
// other and checked into one struct. Nothing else in the program reads a file of the user's configuration. A
// struct that was read never changes: SIGHUP reads another one (core/message/setup.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/ip/ip.h"

namespace otpgw::config {

// A PEM file's content and where it came from, for messages about it: "config.toml:12: app.tls_key".
struct PemFile {
  std::string text, origin;
};
struct Tls {
  PemFile certificate, key;
};

// No code lives longer, whatever app.otp_ttl_max says.
inline constexpr std::chrono::seconds kOtpTtlMax{86400};

struct App {
  std::string host = "127.0.0.1";  // of app.address
  uint16_t port = 9000;
  std::chrono::milliseconds server_timeout{
      5000};  // bounds reading a request's headers; the whole takes twice that
  bool debug_logs = false;
  std::chrono::seconds otp_ttl{300}, otp_ttl_max = kOtpTtlMax;
  int otp_max_attempts = 5, otp_max_attempts_max = 20;
  int otp_max_generate = 3, otp_max_generate_max = 20;
  std::chrono::milliseconds send_wait{0};
  std::string root_url;  // no trailing slash
  std::string logo_url, favicon_url;
  std::optional<Tls> tls;                    // app.address speaks HTTPS
  ip::Ranges trusted_proxies;                // whose X-Forwarded-For counts
  std::string locale = "en";                 // of people and messages whose language nobody knows
  std::string locale_origin = "app.locale";  // for messages about it: "config.toml:12: app.locale"
  std::filesystem::path data_dir;
  std::filesystem::path plugins_dir;
};

struct Sqlite {
  std::filesystem::path path;  // of the database
  // store.min_free: with less than this free on its file system no new OTP is taken, so that checks go on.
  int64_t min_free_bytes = int64_t{32} << 20;
};

// One [auth.NAME] section: an application.
struct Namespace {
  std::string name;  // auth.NAME.namespace: the BasicAuth user
  // Any of these is the BasicAuth password: itself, or its SHA-256 in lower-case hexadecimal.
  std::vector<std::string> secrets = {}, secret_sha256 = {};
  // Who may frame the pages and gets the callback: "https://app.example", "http://localhost:*". Empty: the
  // gateway's own.
  std::vector<std::string> origins;
  bool return_otp = true;     // `otp` in the answers to PUT and to a successful check or status
  bool view_key = false;      // its pages are shown to links alone that carry a key
  ip::Ranges allow_ips = {};  // from which its API may be called; none: from everywhere
  // How its pages look. Empty: the namespace, app.logo_url, our colours.
  std::string display_name = {}, logo_url = {};
  std::string accent = {};  // "#2450d6", in lower case
};

// A template file's text and where it came from, for error messages. Not yet compiled.
struct TemplateSource {
  std::string text;
  std::string
      origin;  // "config/messages/smtp.tpl" or "config.toml:12: providers.smtp.subject"; empty: built in
};

// What a message says in one language; an empty text is the provider's own.
struct MessageTexts {
  TemplateSource subject, body;
};

// One enabled [providers.NAME] or [webhooks.NAME] section.
struct Provider {
  std::string id;                // NAME
  std::string section;           // "providers.smtp", "webhooks.crm"
  std::string where;             // "config.toml:12": where the section begins
  std::filesystem::path plugin;  // the .so
  bool webhook = false;          // its messages have no built-in texts, and nothing in them is escaped
  TemplateSource subject;        // text empty: the built-in default
  TemplateSource body;           // text empty: the built-in default
  std::map<std::string, MessageTexts> translations = {};  // by the language's tag in lower case
  int max_conns = 10;                                     // threads of its worker
  std::chrono::milliseconds timeout{5000};
  std::string plugin_config;  // JSON object: every key of the section, as the plug-in's create() gets it
  std::vector<std::string> secrets = {};  // those in plugin_config
};

// When several providers are named for one OTP.
struct Fallback {
  std::chrono::milliseconds step_timeout{20'000};  // then the next one is tried
};

struct Workers {
  bool spawn = true;
  // Where the ROUTER socket listens. Empty with spawn = true: in a 0700 directory of the core's own.
  std::string endpoint;
};

// Where metrics and readiness are served: [admin].
struct Admin {
  bool enabled = true;      // admin.address = "" switches it off
  bool configured = false;  // admin.address is given: then it must be had
  std::string host = "127.0.0.1";
  uint16_t port = 9001;
};

// At most `count` within `period`, which begins with the first one.
struct Rate {
  int64_t count = 0;
  std::chrono::milliseconds period{0};
  bool operator==(const Rate&) const = default;
};
using Rates = std::vector<Rate>;  // all of them hold; none: no limit
inline constexpr std::chrono::milliseconds kRatePeriodMax = std::chrono::hours{24 * 31};

// [limits]. All but ip_posts count within a namespace.
struct Limits {
  bool enforce = true;  // limits.mode; else what is over a limit is counted, logged, and passes
  Rates address_sends{{5, std::chrono::minutes{10}}, {20, std::chrono::hours{24}}};
  Rates address_guesses{{20, std::chrono::hours{24}}};  // wrong ones
  Rates client_sends;                                   // by PUT's client_ip
  Rates namespace_sends;
  Rates prefix_sends;                             // by the first prefix_digits of a phone number
  Rates ip_posts{{60, std::chrono::minutes{1}}};  // POSTs to pages that failed, by the client's address
  int prefix_digits = 7;
  std::set<std::string, std::less<>> countries;  // ISO 3166-1 alpha-2; empty: all
  std::chrono::milliseconds resend_cooldown{30'000};
};

// [web]
struct Web {
  std::filesystem::path templates_dir;  // whose files come before ours (web/README.md); or empty
};

struct Config {
  App app;
  Web web;
  Admin admin;
  Sqlite sqlite;
  std::map<std::string, Namespace, std::less<>> namespaces;  // by Namespace::name
  std::map<std::string, Provider, std::less<>> providers;    // enabled ones, by id
  Fallback fallback;
  Limits limits;
  Workers workers;
  std::filesystem::path key_file;     // that codes are sealed with
  std::vector<std::string> warnings;  // one line each: unknown keys, missing origins

  [[nodiscard]] bool has_view_key(std::string_view name_space) const {
    const auto found = namespaces.find(name_space);
    return found != namespaces.end() && found->second.view_key;
  }
};

struct Sources {
  std::vector<std::filesystem::path> files;        // in order; later ones win
  std::map<std::string, std::string> environment;  // only the OTP_GATEWAY_ variables count
  // Where the program's own files are: message templates (<share_dir>/messages), and plug-ins when
  // app.plugins_dir is not given.
  std::filesystem::path share_dir, plugins_dir;
  // A worker that reads its configuration itself names its provider here: that section must be enabled, the
  // other providers and [auth] are passed over (their secrets' files may be closed to its user).
  std::string only_provider;
  // A command that is about the database and its key: [app] and [store] alone count. Who types it may have
  // none of the unit's credentials and environment.
  bool only_data = false;
};

// Reads and checks everything. The error is one line that names file, line, key and what is expected:
//   config.toml:14: app.otp_ttl: expected seconds from 1 to 86400, or a duration like "5m"; got "soon"
[[nodiscard]] std::expected<Config, std::string> load(const Sources& sources);

}  // namespace otpgw::config
