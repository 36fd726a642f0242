// [providers.NAME] and [webhooks.NAME]
#include <algorithm>
#include <array>

#include "core/config/check.h"
#include "core/config/message_file.h"
#include "core/config/plugin_config.h"
#include "core/config/section.h"
#include "core/config/sections.h"

namespace otpgw::config {
namespace {

// Providers of the Go program whose plug-ins don't come with this version.
constexpr std::array<std::string_view, 3> kLater = {"kaleyra_sms", "kaleyra_whatsapp", "pinpoint_sms"};

constexpr std::size_t kIdBytesMax = 64;

// An id stands in requests, several of them between commas, and names a file and a process.
bool is_id(const std::string& id) {
  return !id.empty() && id.size() <= kIdBytesMax && id[0] != '.' &&
         std::ranges::all_of(id, [](unsigned char c) {
           return (c < 0x80 && std::isalnum(c) != 0) || c == '_' || c == '-' || c == '.';
         });
}

std::filesystem::path find_plugin(const Section& section, const std::string& id, const App& app) {
  std::string name = section.text("plugin", "");
  if (name.empty()) name = id + ".so";
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

Provider read_provider(const Section& section, const std::string& id, const App& app, const Places& places) {
  if (!is_id(id)) {
    refuse(section.node()->origin, section.path(),
           "expected a name of at most " + std::to_string(kIdBytesMax) +
               " letters, digits, \"_\", \"-\" and \".\"");
  }
  if (std::ranges::find(kLater, id) != kLater.end() && section.text("plugin", "").empty()) {
    section.refuse("enabled", "this provider is not yet supported; expected false");
  }
  Provider provider;
  provider.id = id;
  provider.plugin = find_plugin(section, id, app);
  provider.subject = read_subject(section);
  provider.body = read_message_file(section, places.share_dir / "messages");
  provider.max_conns = section.integer("max_conns", provider.max_conns);
  provider.timeout = section.duration("timeout", provider.timeout);
  provider.plugin_config = plugin_config_json(section);
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

void refuse_webhooks(const Node& root, Warnings& warnings) {
  const Node* webhooks = root.find("webhooks");
  if (webhooks == nullptr) return;
  for (const Member& member : *webhooks->table()) {
    const Section section(webhooks, member.name, "webhooks." + member.name);
    if (is_wanted(section, warnings))
      section.refuse("enabled", "webhooks are not yet supported; expected false");
  }
}

}  // namespace

std::map<std::string, Provider, std::less<>> read_providers(const Node& root, const App& app,
                                                            const Places& places, const std::string& only,
                                                            Warnings& warnings) {
  std::map<std::string, Provider, std::less<>> providers;
  if (only.empty()) refuse_webhooks(root, warnings);
  if (const Node* all = root.find("providers")) {
    for (const Member& member : *all->table()) {
      const Section section(all, member.name, "providers." + member.name);
      if (!only.empty() && member.name != only) continue;
      if (is_wanted(section, warnings)) {
        providers.emplace(member.name, read_provider(section, member.name, app, places));
      }
    }
  }
  if (!only.empty() && providers.empty()) {
    throw Refused(places.file + ": providers." + only + ": expected a section with enabled = true; got none");
  }
  if (providers.empty())
    warnings.push_back(places.file + ": providers: none is enabled, so nothing can be sent");
  return providers;
}

}  // namespace otpgw::config
