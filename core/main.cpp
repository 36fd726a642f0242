// otpgateway: the core's command line.

#include <Poco/Exception.h>
#include <Poco/Util/Application.h>
#include <Poco/Util/HelpFormatter.h>
#include <Poco/Util/Option.h>
#include <Poco/Util/OptionSet.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <syslog.h>

#include <cstring>
#include <filesystem>
#include <iostream>

#include "core/auth/secret_commands.h"
#include "core/broker/plugin_check.h"
#include "core/config/config.h"
#include "core/front_rules.h"
#include "core/gateway.h"
#include "core/limits/policy.h"
#include "core/message/setup.h"
#include "core/ops/log.h"
#include "core/otp/boot_clock.h"
#include "core/otp/code.h"
#include "core/otp/key_file.h"
#include "core/otp/key_rotation.h"
#include "core/otp/otp.h"
#include "core/wire/core_files.h"
#include "core/wire/journal.h"
#include "web/assets.h"

extern char** environ;

namespace otpgw {
namespace {

namespace fs = std::filesystem;

// The configuration, the options or a template: the units start nothing again after it.
constexpr int kExitUsage = 2;

// Where the program's own files are, in the build tree as in an installed prefix: PREFIX/bin/otpgateway.
fs::path prefix() { return fs::read_symlink("/proc/self/exe").parent_path().parent_path(); }

// Our own variables' values are wiped where they stand: they may be secrets, and /proc/PID/environ shows
// them.
std::map<std::string, std::string> take_environment() {
  std::map<std::string, std::string> all;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    all.emplace(text.substr(0, equals), text.substr(equals + 1));
    if (text.starts_with("OTP_GATEWAY_")) explicit_bzero(*entry + equals + 1, text.size() - equals - 1);
  }
  return all;
}

// Connections are descriptors: as many as the system lets us.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

class Program final : public Poco::Util::Application {
 public:
  Program() { setUnixOptions(true); }

 protected:
  void defineOptions(Poco::Util::OptionSet& options) override {
    using Poco::Util::Option;
    options.addOption(
        Option("config", "c", "configuration file; may be repeated, later ones win (default config.toml)")
            .repeatable(true)
            .argument("FILE"));
    options.addOption(Option("check-config", "", "check the configuration and say what is wrong"));
    options.addOption(Option("address-tag", "",
                             "print what stands for an address in the log of this configuration's gateway")
                          .argument("ADDRESS"));
    options.addOption(Option("new-secret", "", "make a secret for an application, and its secret_sha256"));
    options.addOption(Option("hash-secret", "", "read a secret and print its secret_sha256"));
    options.addOption(
        Option("rotate-key", "", "put a new key into store.key_file; SIGHUP takes it into use"));
    options.addOption(
        Option("drop-old-keys", "",
               "leave the newest key alone in store.key_file, a day after it was taken into use"));
    options.addOption(Option("version", "", "print the version"));
    options.addOption(Option("help", "h", "print this"));
  }

  void handleOption(const std::string& name, const std::string& value) override {
    if (name == "config") {
      files_.emplace_back(value);
    } else {
      action_ = name;
      value_ = value;
    }
    if (name == "help" || name == "version") stopOptionsProcessing();
  }

  int main(const std::vector<std::string>& arguments) override {
    if (action_ == "help") {
      Poco::Util::HelpFormatter help(options());
      help.setCommand("otpgateway");
      help.setUsage(
          "[--config=FILE ...] [--check-config | --address-tag=ADDRESS | --rotate-key | --drop-old-keys] | "
          "--new-secret | --hash-secret");
      help.setHeader("Verifies that people own their addresses, and sends 2FA codes.");
      help.setFooter(
          "Exit codes: 0 all went well; 2 an option, the configuration or a file that it names is wrong; 1 "
          "the gateway can't start or go on now (a port is taken, a disk fails) and may be started again.");
      help.format(std::cout);
      return EXIT_OK;
    }
    if (action_ == "version") {
      std::cout << "otpgateway " OTPGW_VERSION "\n";
      return EXIT_OK;
    }
    if (action_ == "new-secret") return auth::new_secret();
    if (action_ == "hash-secret") return auth::hash_secret();
    try {
      if (!arguments.empty())
        throw StartError{"unexpected argument \"" + arguments.front() + "\"; see --help"};
      if (files_.empty()) files_.emplace_back("config.toml");
      config::Sources sources{.files = files_,
                              .environment = take_environment(),
                              .share_dir = prefix() / "share/otpgateway",
                              .plugins_dir = prefix() / "lib/otpgateway/providers",
                              .only_provider = {},
                              .only_data = is_about_data(action_)};
      if (sources.only_data) return about_data(value_or_throw(config::load(sources)));
      auto setup = value_or_throw(message::Setup::make(value_or_throw(config::load(sources))));
      if (action_ == "check-config") return check(*setup);
      return serve(std::move(setup), std::move(sources));
    } catch (const StartError& error) {
      std::cerr << wire::journal_prefix(LOG_ERR) << "otpgateway: " << error.line << "\n";
      return error.may_pass ? EXIT_FAILURE : kExitUsage;
    }
  }

 private:
  static int check(const message::Setup& setup) {
    const auto& config = setup.config;
    for (const auto& warning : config.warnings) std::cerr << "warning: " << warning << "\n";
    const otp::SystemClock clock;
    value_or_throw(web::Assets::read(config, prefix() / "share/otpgateway", clock));
    std::vector<const config::Provider*> providers;
    for (const auto& [id, provider] : config.providers) providers.push_back(&provider);
    auto complaints = broker::check_plugins(prefix() / "bin/otpgateway-worker", providers);
    if (const auto rules = front_rules(config.app); !rules) complaints.push_back(rules.error());
    for (const auto& complaint : complaints)
      std::cerr << "otpgateway: " << setup.redaction.without_secrets(complaint) << "\n";
    if (!complaints.empty()) return kExitUsage;
    std::cout << "The configuration is fine.\n";
    return EXIT_OK;
  }

  static bool is_about_data(const std::string& action) {
    return action == "rotate-key" || action == "drop-old-keys" || action == "address-tag";
  }
  [[nodiscard]] int about_data(const config::Config& config) const {
    if (sodium_init() < 0) throw StartError{"libsodium can't start", true};
    if (action_ == "rotate-key") return rotate_key(config);
    if (action_ == "drop-old-keys") return drop_old_keys(config);
    return print_address_tag(config, value_);
  }
  static int rotate_key(const config::Config& config) {
    value_or_later(otp::rotate_key_file(config.key_file, key_in_use(config), gateway_time(config)));
    std::cout << config.key_file.string() << " has a new key. SIGHUP takes it into use; "
              << "codes that the former one sealed go on.\n";
    return EXIT_OK;
  }
  static int drop_old_keys(const config::Config& config) {
    value_or_later(otp::drop_old_keys(config.key_file, key_in_use(config), gateway_time(config)));
    std::cout << config.key_file.string() << " holds one key. SIGHUP takes the others out of use.\n";
    return EXIT_OK;
  }
  static std::optional<otp::KeyInUse> key_in_use(const config::Config& config) {
    return otp::read_key_in_use(config.app.data_dir / otp::kKeyInUseFile);
  }
  static otp::UnixMs gateway_time(const config::Config& config) {
    return otp::BootClock::read(config.app.data_dir / otp::BootClock::kFile).now();
  }
  static int print_address_tag(const config::Config& config, const std::string& address) {
    const otp::CodeVault vault(value_or_later(otp::read_key_file(config.key_file)));
    std::cout << limits::address_tag(vault, address) << "\n";
    return EXIT_OK;
  }

  static int serve(std::shared_ptr<const message::Setup> setup, config::Sources sources) {
    if (sodium_init() < 0) throw StartError{"libsodium can't start", true};
    raise_descriptor_limit();
    wire::make_no_core_files();
    umask(077);
    ops::start_log(setup->config.app.debug_logs, wire::stderr_is_journal());
    ops::filter_lines([setup](std::string line) { return setup->redaction.line(std::move(line)); });
    for (const auto& warning : setup->config.warnings) ops::log_warning(warning);
    return Gateway(std::move(setup), std::move(sources), prefix()).run();
  }

  std::vector<fs::path> files_;
  std::string action_, value_;
};

}  // namespace
}  // namespace otpgw

int main(int argc, char** argv) {
  otpgw::Program program;
  try {
    program.init(argc, argv);
  } catch (const Poco::Exception& error) {
    std::cerr << "otpgateway: " << error.displayText() << "; see --help\n";
    return otpgw::kExitUsage;
  }
  return program.run();
}
