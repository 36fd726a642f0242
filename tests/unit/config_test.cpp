// The configuration. Goal: what a user's file says arrives as it was meant, and what can't be meant ends with
// one line that names the place, the key and what is expected. Method: load() on real files in a folder of
// the test's own.
#include "core/config/config.h"

#include "config_fixture.h"
#include "core/config/reload.h"

namespace otpgw::config {
namespace {

using namespace std::chrono_literals;

std::string go_sample() {
  std::ifstream file(OTPGW_SOURCE_DIR "/tests/unit/go-config.toml");
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_F(ConfigTest, DefaultsNeedOnlyANamespace) {
  const auto config = loaded(kAuth);
  EXPECT_EQ(config.app.host, "127.0.0.1");
  EXPECT_EQ(config.app.port, 9000);
  EXPECT_EQ(config.app.root_url, "http://127.0.0.1:9000");
  EXPECT_EQ(config.app.otp_ttl, 300s);
  EXPECT_EQ(config.app.otp_ttl_max, 86400s);
  EXPECT_EQ(config.app.data_dir, folder_ / "data");
  EXPECT_EQ(config.sqlite.path, folder_ / "data/otpgateway.db");
  EXPECT_TRUE(config.workers.spawn);
  EXPECT_EQ(config.workers.endpoint, "");
  ASSERT_TRUE(config.namespaces.contains("app"));
  EXPECT_TRUE(config.namespaces.at("app").return_otp);
}

TEST_F(ConfigTest, TheGoProgramsSampleLoads) {
  const auto config = loaded("store.engine = \"sqlite\"\n" + go_sample());
  EXPECT_EQ(config.app.host, "0.0.0.0");
  EXPECT_TRUE(config.app.debug_logs);
  EXPECT_EQ(config.app.root_url, "http://localhost:9000");
  EXPECT_EQ(config.namespaces.size(), 2U);
  EXPECT_EQ(config.namespaces.at("MyOtherApp").secrets, std::vector<std::string>{"my_secret_token2"});
  ASSERT_EQ(config.providers.size(), 1U);
  const auto& smtp = config.providers.at("smtp");
  EXPECT_EQ(smtp.max_conns, 10);
  EXPECT_EQ(smtp.timeout, 5s);
  EXPECT_EQ(smtp.subject.text, "{{ .Namespace }}: {{ .Channel }} verification");
  EXPECT_EQ(smtp.body.text, "installed {{ .OTP }}");
  EXPECT_NE(smtp.plugin_config.find(R"("from_email":"OTP verification <yoursite@yoursite.com>")"),
            std::string::npos);
}

TEST_F(ConfigTest, AReloadKeepsWhatNeedsARestart) {
  const auto running = loaded(kAuth);
  auto same = running;
  EXPECT_TRUE(keep_until_restart(running, same).empty());

  auto fresh = loaded(
      "store.sqlite.path = \"other.db\"\nstore.min_free = \"1GiB\"\n[workers]\nspawn = false\n"
      "[app]\naddress = \"127.0.0.2:9001\"\nserver_timeout = \"7s\"\ndata_dir = \"elsewhere\"\n"
      "plugins_dir = \"share\"\notp_ttl = \"2m\"\n[admin]\naddress = \"\"\n" +
      std::string(kAuth));
  EXPECT_EQ(
      keep_until_restart(running, fresh),
      (std::vector<std::string>{"app.address", "admin.address", "app.server_timeout", "app.data_dir",
                                "store.sqlite.path", "store.min_free", "workers.spawn", "workers.endpoint"}));
  EXPECT_EQ(fresh.app.port, 9000);
  EXPECT_EQ(fresh.app.root_url, "http://127.0.0.1:9000");  // it follows the address that is listened on
  EXPECT_EQ(fresh.app.server_timeout, 5s);
  EXPECT_EQ(fresh.app.data_dir, running.app.data_dir);
  EXPECT_EQ(fresh.sqlite.path, running.sqlite.path);
  EXPECT_EQ(fresh.sqlite.min_free_bytes, running.sqlite.min_free_bytes);
  EXPECT_TRUE(fresh.workers.spawn);
  EXPECT_TRUE(fresh.admin.enabled);
  EXPECT_EQ(fresh.workers.endpoint, "");
  EXPECT_EQ(fresh.app.otp_ttl, 120s);
  EXPECT_EQ(fresh.app.plugins_dir, folder_ / "share");
}

TEST_F(ConfigTest, AReloadTakesOnARootUrl) {
  const auto running = loaded(kAuth);
  auto fresh = loaded("[app]\naddress = \"127.0.0.2:9001\"\nroot_url = \"https://otp.example\"\n" +
                      std::string(kAuth));
  EXPECT_EQ(keep_until_restart(running, fresh), std::vector<std::string>{"app.address"});
  EXPECT_EQ(fresh.app.root_url, "https://otp.example");
}

TEST_F(ConfigTest, RedisAloneNamesTheLineToAdd) {
  const std::string line =
      "a Redis store is not yet supported; for the built-in one, begin the file with the line: store.engine "
      "= \"sqlite\"";
  EXPECT_EQ(refusal(go_sample()), "config.toml:15: store.redis: " + line);
  EXPECT_EQ(refusal("[store]\nengine = \"redis\"\n"), "config.toml:2: store.engine: " + line);
}

TEST_F(ConfigTest, FilesAreMissingOrBroken) {
  EXPECT_EQ(without_folder(load(sources_).error()),
            "config.toml: expected a configuration file; no such file");
  EXPECT_TRUE(refusal("[app]\naddress = \n").starts_with("config.toml:2: not valid TOML: "));
  EXPECT_EQ(refusal("[app]\nenable_debug_logs = fa\n").find('\n'), std::string::npos);
  EXPECT_EQ(refusal("app = \"\xff\"\n"), "config.toml: expected a configuration file; it is not UTF-8 text");
  sources_.files.clear();
  EXPECT_EQ(load(sources_).error(), "expected a configuration file; give one with --config=FILE");
}

struct Refusal {
  const char* text;
  const char* error;
};

TEST_F(ConfigTest, OneLineSaysWhatIsWrong) {
  const Refusal kRefusals[] = {
      {"[app]\notp_ttl = \"soon\"\n",
       R"(config.toml:2: app.otp_ttl: expected seconds from 1 to 86400, or a duration like "5m"; got "soon")"},
      {"[app]\notp_ttl = \"1500ms\"\n",
       R"(config.toml:2: app.otp_ttl: expected seconds from 1 to 86400, or a duration like "5m"; got "1500ms")"},
      {"[app]\notp_ttl = 0\n",
       R"(config.toml:2: app.otp_ttl: expected seconds from 1 to 86400, or a duration like "5m"; got 0)"},
      {"[app]\nserver_timeout = \"1h\"\n",
       R"(config.toml:2: app.server_timeout: expected a duration like "5s", or seconds, from 1 to 300; got "1h")"},
      {"[app]\n\notp_max_attempts = -1\n",
       "config.toml:3: app.otp_max_attempts: expected a number from 1 to 1000; got -1"},
      {"[app]\nenable_debug_logs = \"maybe\"\n",
       "config.toml:2: app.enable_debug_logs: expected true or false; got \"maybe\""},
      {"[app]\naddress = \"nowhere\"\n",
       R"(config.toml:2: app.address: expected HOST:PORT like "127.0.0.1:9000"; got "nowhere")"},
      {"[app]\naddress = 9000\n", "config.toml:2: app.address: expected a text in quotes; got 9000"},
      {"[app]\nroot_url = \"http://a.example/?x\"\n",
       "config.toml:2: app.root_url: expected an http:// or https:// address without query, like "
       "\"https://otp.example.com\"; got \"http://a.example/?x\""},
      {"[app]\nlogo_url = \"javascript:x\"\n",
       "config.toml:2: app.logo_url: expected an http:// or https:// address (of a host without '_'), or a "
       "path "
       "that starts with /; got \"javascript:x\""},
      {"app = 5\n", "config.toml:1: app: expected a section [app]; got a value"},
      {"[store]\nengine = \"mysql\"\n",
       R"(config.toml:2: store.engine: expected one of "sqlite", "redis"; got "mysql")"},
      {"[workers]\nendpoint = \"ipc://x\"\n",
       "config.toml:2: workers.endpoint: expected ipc:// and the absolute path of a socket, at most 107 "
       "bytes, like "
       "\"ipc:///run/otpgateway/broker.sock\"; got \"ipc://x\""},
      {"[providers.acme]\nenabled = 7\n",
       "config.toml:2: providers.acme.enabled: expected true or false; got 7"},
      {"[providers.acme]\nenabled = true\nmax_conns = 257\n",
       "config.toml:3: providers.acme.max_conns: expected a number from 1 to 256; got 257"},
      {"[providers.smtp]\nenabled = true\ntls_type = \"ssl\"\n",
       R"(config.toml:3: providers.smtp.tls_type: expected one of "none", "STARTTLS", "TLS"; got "ssl")"},
      {"[providers.\"a,b\"]\nenabled = true\n",
       "config.toml:1: providers.a,b: expected a name of at most 64 letters, digits, \"_\", \"-\" and \".\""},
  };
  for (const auto& [text, error] : kRefusals) EXPECT_EQ(refusal(text + std::string(kAuth)), error);
}

TEST_F(ConfigTest, NamespacesAreChecked) {
  EXPECT_EQ(
      refusal("[app]\n"),
      "config.toml: auth: expected at least one section [auth.NAME] with namespace and secret; got none");
  EXPECT_EQ(
      refusal("[auth.app]\nnamespace = \"a:b\"\nsecret = \"s\"\n"),
      "config.toml:2: auth.app.namespace: expected a name of 1 to 128 bytes without \":\", \"/\" and control "
      "characters; got \"a:b\"");
  EXPECT_EQ(refusal("[auth.app]\nnamespace = \"app\"\n"),
            "config.toml:1: auth.app.secret: expected a secret, or secrets or secret_sha256 instead of it; "
            "got none");
  EXPECT_EQ(refusal("[auth.app]\nsecret = 5\n"),
            "config.toml:2: auth.app.secret: expected a text that is not empty; got something else");
  EXPECT_EQ(refusal(std::string(kAuth) + "[auth.b]\nnamespace = \"app\"\nsecret = \"t\"\n"),
            "config.toml:6: auth.b.namespace: expected a namespace of its own; got \"app\" a second time");
  EXPECT_TRUE(loaded("[auth.shop]\nsecret = \"s\"\n").namespaces.contains("shop"));
}

TEST_F(ConfigTest, OriginsAreWhatABrowserSends) {
  const auto with = [](const std::string& origin) {
    return "[auth.app]\nsecret = \"s\"\norigins = [\"" + origin + "\"]\n";
  };
  for (const char* origin :
       {"https://a.example", "http://localhost:*", "http://127.0.0.1:8080", "http://[::80]"}) {
    EXPECT_EQ(loaded(with(origin)).namespaces.at("app").origins, std::vector<std::string>{origin});
  }
  for (const char* origin : {"HTTPS://A.Example", "https://a.example:443", "https://a.example:0443"}) {
    EXPECT_EQ(loaded(with(origin)).namespaces.at("app").origins[0], "https://a.example");
  }
  EXPECT_EQ(loaded(with("http://[::1]:80")).namespaces.at("app").origins[0], "http://[::1]");
  EXPECT_EQ(loaded(with("http://a.example:443")).namespaces.at("app").origins[0], "http://a.example:443");
  for (const char* origin :
       {"a.example", "https://a.example/path", "https://a.example/", "*", "https://*", "http://a b",
        "https://u@a.example", "https://a.example:0", "https://a.example; script-src *", "'self'", "https://",
        "http://my_host:3000"}) {
    EXPECT_TRUE(refusal(with(origin)).starts_with("config.toml:3: auth.app.origins: expected SCHEME://HOST"))
        << origin;
  }
}

TEST_F(ConfigTest, TrustedProxies) {
  const auto with = [](const std::string& list) { return "[app]\ntrusted_proxies = " + list + "\n" + kAuth; };
  EXPECT_TRUE(loaded(kAuth).app.trusted_proxies.empty());
  EXPECT_EQ(loaded(with("[\"10.0.0.0/8\", \"::1\"]")).app.trusted_proxies,
            (ip::Ranges{*ip::Range::parse("10.0.0.0/8"), *ip::Range::parse("::1")}));
  EXPECT_EQ(refusal(with("[\"::1\", \"proxy\"]")),
            "config.toml:2: app.trusted_proxies: expected IP addresses and ranges like \"192.0.2.1\" or "
            "\"10.0.0.0/8\"; got \"proxy\"");
  const auto before = warnings(with("[]")).size();
  EXPECT_EQ(warnings(with("[\"10.0.0.0/8\"]")).size(), before);
  EXPECT_EQ(warnings(with("[\"10.0.0.0/8\", \"0.0.0.0/0\"]")).size(), before + 1);
}

TEST_F(ConfigTest, TlsNeedsTwoReadableFiles) {
  write("a.pem", "A");
  write("b.pem", "B");
  const auto with = [](const std::string& lines) { return "[app]\n" + lines + "\n" + kAuth; };
  const std::string both = "tls_certificate = \"a.pem\"\ntls_key = \"b.pem\"";
  const auto app = loaded(with(both)).app;
  ASSERT_TRUE(app.tls);
  EXPECT_EQ(app.tls->certificate.text + app.tls->key.text, "AB");
  EXPECT_EQ(without_folder(app.tls->key.origin), "config.toml:3: app.tls_key");
  EXPECT_EQ(app.root_url, "https://127.0.0.1:9000");
  EXPECT_FALSE(loaded(with("tls_certificate = \"\"\ntls_key = \"\"")).app.tls);
  EXPECT_EQ(refusal(with("tls_certificate = \"a.pem\"")),
            "config.toml:2: app.tls_certificate: expected app.tls_key beside it; got nothing");
  EXPECT_EQ(refusal(with("tls_key = \"b.pem\"")),
            "config.toml:2: app.tls_key: expected app.tls_certificate beside it; got nothing");
  EXPECT_EQ(refusal(with("tls_certificate = \"a.pem\"\ntls_key = \"c.pem\"")),
            "config.toml:3: app.tls_key: expected a PEM file; got \"c.pem\": no such file");
  const auto warned = warnings(with(both + "\nroot_url = \"http://otp.example\""));
  EXPECT_EQ(warned.size(), warnings(with(both)).size() + 1);
  sources_.only_provider = "console";  // a worker reads no key
  fs::remove(folder_ / "b.pem");
  EXPECT_FALSE(loaded(with(both) + kConsole).app.tls);
}

TEST_F(ConfigTest, WhatIsAboutTheDataNeedsNoSecret) {
  const std::string text =
      "[app]\ndata_dir = \"/srv/otp\"\ntls_certificate = \"none.pem\"\ntls_key = \"none.pem\"\n"
      "[auth.shop]\nnamespace = \"shop\"\nsecret_file = \"${CREDENTIALS_DIRECTORY}/shop\"\n"
      "[providers.smtp]\nenabled = true\npassword_file = \"none\"\n";
  EXPECT_NE(refusal(text), "");
  sources_.only_data = true;
  const auto config = loaded(text);
  EXPECT_EQ(config.key_file, "/srv/otp/otpgateway.key");
  EXPECT_TRUE(config.namespaces.empty());
  EXPECT_TRUE(config.providers.empty());
}

TEST_F(ConfigTest, WhatComesLaterIsRefused) {
  EXPECT_EQ(refusal(std::string(kAuth) + "[workers]\nendpoint = \"tcp://*:1\"\n"),
            "config.toml:6: workers.endpoint: workers on other machines (tcp://) are not yet supported; use "
            "ipc://");
}

TEST_F(ConfigTest, UnknownKeysWarnWithTheNearestName) {
  const std::string text = "[app]\notp_tll = 5\nsomething_else = 1\n[provider.smtp]\n";
  EXPECT_EQ(warnings(text + kAuth + kConsole),
            (std::vector<std::string>{
                "config.toml:2: app.otp_tll: unknown key, ignored; did you mean app.otp_ttl?",
                "config.toml:3: app.something_else: unknown key, ignored",
                "config.toml:4: provider: unknown key, ignored; did you mean providers?",
            }));
  // A third party's plug-in knows its keys; ours are known here.
  EXPECT_TRUE(warnings(kAuth + std::string("[providers.acme]\nenabled = true\ncolour = \"red\"\n")).empty());
  EXPECT_EQ(warnings(kAuth + std::string("[providers.smtp]\nenabled = true\nuser = \"x\"\n")),
            std::vector<std::string>{"config.toml:7: providers.smtp.user: unknown key, ignored"});
}

TEST_F(ConfigTest, OtherWarnings) {
  EXPECT_EQ(
      warnings("[app]\naddress = \":9001\"\n[auth.app]\nsecret = \"s\"\n[providers.smtp]\n"),
      (std::vector<std::string>{
          "config.toml:2: app.root_url: not set, so links lead to http://localhost:9001",
          "config.toml:3: auth.app.origins: not set, so no other site can show the pages of namespace app",
          "config.toml:5: providers.smtp.enabled: not set, taken as false",
          "config.toml: providers: none is enabled, so nothing can be sent",
      }));
}

TEST_F(ConfigTest, DurationsAndQuotedNumbers) {
  const auto app = loaded(
                       "[app]\notp_ttl = \"1m30s\"\notp_ttl_max = \"120\"\nserver_timeout = 2.5\n"
                       "send_wait = \"500ms\"\notp_max_attempts = \"7\"\notp_max_generate = 50\n" +
                       std::string(kAuth))
                       .app;
  EXPECT_EQ(app.otp_ttl, 90s);
  EXPECT_EQ(app.otp_ttl_max, 120s);
  EXPECT_EQ(app.server_timeout, 2500ms);
  EXPECT_EQ(app.send_wait, 500ms);
  EXPECT_EQ(app.otp_max_attempts, 7);
  EXPECT_EQ(app.otp_max_generate_max, 50) << "the configured default is always allowed";
  for (const char* text : {"", "s", "5x", "-5s", "5s5", "inf", "nan", "1e3", "5 s", "99999999999h"}) {
    EXPECT_NE(refusal("[app]\notp_ttl = \"" + std::string(text) + "\"\n" + kAuth), "loaded") << text;
  }
}

TEST_F(ConfigTest, SizesHaveUnits) {
  const auto min_free = [&](const std::string& value) {
    return loaded("[store]\nmin_free = " + value + "\n" + kAuth).sqlite.min_free_bytes;
  };
  EXPECT_EQ(loaded(kAuth).sqlite.min_free_bytes, 32 << 20);
  EXPECT_EQ(min_free("0"), 0);
  EXPECT_EQ(min_free("\"4096\""), 4096);
  EXPECT_EQ(min_free("\"512KiB\""), 512 << 10);
  EXPECT_EQ(min_free("\"64MiB\""), 64 << 20);
  EXPECT_EQ(min_free("\"2GiB\""), int64_t{2} << 30);
  for (const auto* value : {"-1", "\"64MB\"", "\"MiB\"", "\"-1MiB\"", "\"1.5GiB\"", "\"9999GiB\"", "true"}) {
    EXPECT_EQ(
        refusal(std::string("[store]\nmin_free = ") + value + "\n"),
        std::string(
            "config.toml:2: store.min_free: expected a size like \"64MiB\", or bytes, up to 1TiB; got ") +
            value);
  }
}

TEST_F(ConfigTest, VariablesOverrideFiles) {
  sources_.environment = {{"OTP_GATEWAY_APP__ADDRESS", "[::1]:9001"},
                          {"OTP_GATEWAY_AUTH__APP__SECRET", "other"},
                          {"OTP_GATEWAY_AUTH__APP__ORIGINS", "https://b.example, http://localhost:*"},
                          {"OTP_GATEWAY_APP__ENABLE_DEBUG_LOGS", "true"},
                          {"OTP_GATEWAY_PROVIDERS__CONSOLE__MAX_CONNS", "3"},
                          {"HOME", "/nowhere"}};
  auto config = loaded("[auth.App]\nsecret = \"s\"\n" + std::string(kConsole));
  EXPECT_EQ(config.app.host, "::1");
  EXPECT_EQ(config.app.port, 9001);
  EXPECT_EQ(config.app.root_url, "http://[::1]:9001");
  EXPECT_TRUE(config.app.debug_logs);
  EXPECT_EQ(config.namespaces.at("App").secrets, std::vector<std::string>{"other"});
  EXPECT_EQ(config.namespaces.at("App").origins.size(), 2U);
  EXPECT_EQ(config.providers.at("console").plugin_config, R"({"enabled":true,"max_conns":3})");
  EXPECT_TRUE(config.warnings.empty());

  sources_.environment = {{"OTP_GATEWAY_APP__OTP_TTL", "soon"}};
  EXPECT_EQ(refusal(kAuth),
            "OTP_GATEWAY_APP__OTP_TTL: app.otp_ttl: expected seconds from 1 to 86400, or a duration like "
            "\"5m\"; got "
            "\"soon\"");
  sources_.environment = {{"OTP_GATEWAY_APP__ADRESS", "x"}};
  EXPECT_EQ(warnings(std::string(kAuth) + kConsole)[0],
            "OTP_GATEWAY_APP__ADRESS: app.adress: unknown key, ignored; did you mean app.address?");
}

TEST_F(ConfigTest, LaterFilesWin) {
  write("more.toml", "[app]\notp_ttl = 60\n[auth.b]\nsecret = \"t\"\n");
  sources_.files.push_back(folder_ / "more.toml");
  const auto config = loaded("[app]\notp_ttl = 30\notp_max_attempts = 9\n" + std::string(kAuth));
  EXPECT_EQ(config.app.otp_ttl, 60s);
  EXPECT_EQ(config.app.otp_max_attempts, 9);
  EXPECT_EQ(config.namespaces.size(), 2U);
}

TEST_F(ConfigTest, DataIsWhereTheServiceManagerSays) {
  sources_.environment = {{"STATE_DIRECTORY", "/var/lib/otpgateway:/var/lib/other"}};
  EXPECT_EQ(loaded(kAuth).sqlite.path, "/var/lib/otpgateway/otpgateway.db");
  EXPECT_EQ(loaded("[app]\ndata_dir = \"../d\"\n" + std::string(kAuth)).app.data_dir,
            folder_.parent_path() / "d");
}

}  // namespace
}  // namespace otpgw::config
