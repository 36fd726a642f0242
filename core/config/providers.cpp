// [providers.NAME] and [webhooks.NAME]
#include <algorithm>
#include <array>

#include "core/config/check.h"
#include "core/config/languages.h"
#include "core/config/message_file.h"
#include "core/config/plugin_config.h"
#include "core/config/section.h"
#include "core/config/sections.h"

namespace otpgw::config {
namespace {

constexpr std::string_view kWebhookPlugin = "webhook.so";

// The providers that come with the gateway, and the plug-ins that hold them.
struct Bundled {
  std::string_view id, plugin;
};
constexpr std::array<Bundled, 6> kBundled = {{{"console", "console.so"},
                                              {"kaleyra_sms", "kaleyra.so"},
                                              {"kaleyra_whatsapp", "kaleyra.so"},
                                              {"pinpoint_sms", "pinpoint.so"},
                                              {"smtp", "smtp.so"},
                                              {"webhook", kWebhookPlugin}}};

constexpr std::size_t kIdBytesMax = 64;

// An id stands in requests, several of them between commas, and names a file and a process.
bool is_id(const std::string& id) {
  return !id.empty() && id.size() <= kIdBytesMax && id[0] != '.' &&
         std::ranges::all_of(id, [](unsigned char c) {
           return (c < 0x80 && std::isalnum(c) != 0) || c == '_' || c == '-' || c == '.';
         });
}

std::string default_plugin(const std::string& id) {
  const auto* const bundled = std::ranges::find(kBundled, id, &Bundled::id);
  return bundled == kBundled.end() ? id + ".so" : std::string(bundled->plugin);
}

std::filesystem::path find_plugin(const Section& section, const std::string& name, const App& app) {
  const auto path = (app.plugins_dir / name).lexically_normal();  // an absolute name stays as it is
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) {
    section.refuse("plugin",
                   "expected a plug-in file; got \"" + name + "\", and found none at " + path.string());
  }
  return path;
}

TemplateSource read_subject(const Section& section) {
  std::string text = section.text("subject", "");
  if (text.empty()) return {};
  return {.text = std::move(text),
          .origin = section.find("subject")->origin.where + ": " + section.path() + ".subject"};
}

// What `subjects` and the files beside the template say in other languages.
std::map<std::string, MessageTexts> read_translations(const Section& section, const TemplateSource& body) {
  std::map<std::string, MessageTexts> translations;
  for (auto& [tag, text] : read_translated_files(section, body)) translations[tag].body = std::move(text);
  const Section subjects(section.node(), "subjects", section.path() + ".subjects");
  if (subjects.node() == nullptr) return translations;
  for (const auto& [tag, node] : *subjects.node()->table()) {
    if (!is_language_tag(tag))
      subjects.refuse(tag, "expected the tag of a language, like \"hi\" or \"pt-BR\"");
    translations[lower_case(tag)].subject = {
        .text = subjects.text(tag, ""), .origin = node.origin.where + ": " + subjects.path() + "." + tag};
  }
  return translations;
}

Provider read_provider(const Section& section, const std::string& id, const App& app, const Places& places) {
  if (!is_id(id)) {
    refuse(section.node()->origin, section.path(),
           "expected a name of at most " + std::to_string(kIdBytesMax) +
               " letters, digits, \"_\", \"-\" and \".\"");
  }
  Provider provider;
  provider.id = id;
  provider.section = section.path();
  provider.where = section.node()->origin.where;
  provider.webhook = section.path().starts_with("webhooks.");
  std::string plugin = provider.webhook ? std::string(kWebhookPlugin) : section.text("plugin", "");
  if (plugin.empty()) plugin = default_plugin(id);
  provider.plugin = find_plugin(section, plugin, app);
  provider.subject = read_subject(section);
  provider.body = read_message_file(section, places.share_dir / "messages");
  provider.translations = read_translations(section, provider.body);
  provider.max_conns = section.integer("max_conns", provider.max_conns);
  provider.timeout = section.duration("timeout", provider.timeout);
  provider.plugin_config = plugin_config_json(section);
  provider.secrets = plugin_secrets(section);
  return provider;
}

// Whether the section is switched on, with a warning when it doesn't say.
bool is_wanted(const Section& section, Warnings& warnings) {
  if (section.find("enabled") == nullptr) {
    warnings.push_back(section.node()->origin.where + ": " + section.path() +
                       ".enabled: not set, taken as false");
  }
  return is_enabled(*section.node(), section.path());
}

using Providers = std::map<std::string, Provider, std::less<>>;

// `kind`: "providers" or "webhooks".
void read_all(const std::string& kind, const Node& root, const App& app, const Places& places,
              const std::string& only, Warnings& warnings, Providers& providers) {
  const Node* all = root.find(kind);
  if (all == nullptr) return;
  for (const Member& member : *all->table()) {
    const Section section(all, member.name, kind + "." + member.name);
    if (!only.empty() && member.name != only) continue;
    if (!is_wanted(section, warnings)) continue;
    const bool taken = std::ranges::find(kBundled, member.name, &Bundled::id) != kBundled.end() ||
                       providers.contains(member.name);
    if (kind == "webhooks" && taken) {
      refuse(section.node()->origin, section.path(),
             "expected a name that no other provider has; give this webhook another");
    }
    providers.emplace(member.name, read_provider(section, member.name, app, places));
  }
}

}  // namespace

Providers read_providers(const Node& root, const App& app, const Places& places, const std::string& only,
                         Warnings& warnings) {
  Providers providers;
  read_all("providers", root, app, places, only, warnings, providers);
  read_all("webhooks", root, app, places, only, warnings, providers);
  if (!only.empty() && providers.empty()) {
    throw Refused(places.file + ": providers." + only + ": expected a section with enabled = true; got none");
  }
  if (providers.empty())
    warnings.push_back(places.file + ": providers: none is enabled, so nothing can be sent");
  return providers;
}

}  // namespace otpgw::config
