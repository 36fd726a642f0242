#include "settings.h"

#include <array>
#include <regex>
#include <stdexcept>

namespace otpgw::pinpoint {
namespace {

constexpr std::size_t kTextBytesMax = 256;

struct Rule {
  const char *key, *pattern, *expected;
};
// As AWS documents them, so that a typing error shows at the start and not at the first message.
constexpr std::array<Rule, 11> kRules = {{
    {"application_id", "[A-Za-z0-9]{1,64}", "the id of the Pinpoint project, letters and digits"},
    {"access_key", "\\w{1,128}", "an access key id: letters and digits"},
    {"secret_key", "[!-~]{1,256}", "a secret access key, without spaces"},
    {"region", "[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}", "a region like ap-south-1"},
    {"endpoint", "https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?", "https://HOST or https://HOST:PORT"},
    {"sms_sender_id", "[A-Za-z0-9_-]{1,11}", "a sender id of at most 11 letters and digits"},
    {"sms_entity_id", "[!-~]{1,64}", "an id of at most 64 characters, without spaces"},
    {"sms_template_id", "[!-~]{1,64}", "an id of at most 64 characters, without spaces"},
    {"origination_identity", "[A-Za-z0-9_:/+-]{1,256}",
     "a phone number, a sender id, a pool, or the id or ARN of one"},
    {"configuration_set", "[A-Za-z0-9_:/-]{1,256}", "a configuration set's name or ARN"},
    {"max_price", "[0-9]{0,2}\\.[0-9]{1,5}", "US dollars with a decimal point, like \"0.05\""},
}};

// Empty, or as its rule wants it.
std::string text(const JsonConfig& config, const std::string& key) {
  auto value = config.text(key);
  if (value.empty()) return value;
  for (const auto& rule : kRules)
    if (rule.key == key &&
        (value.size() > kTextBytesMax || !std::regex_match(value, std::regex(rule.pattern))))
      throw std::invalid_argument(key + ": expected " + rule.expected);
  return value;
}

std::string required(const JsonConfig& config, const std::string& key) {
  (void)config.required_text(key);
  return text(config, key);
}

std::string endpoint_of(const JsonConfig& config, Api api, const std::string& region) {
  auto endpoint = text(config, "endpoint");
  if (endpoint.ends_with('/')) endpoint.pop_back();
  if (!endpoint.empty()) return endpoint;
  return (api == Api::pinpoint ? "https://pinpoint." : "https://sms-voice.") + region + ".amazonaws.com";
}

}  // namespace

Settings read_settings(const JsonConfig& config) {
  Settings settings;
  settings.api = config.choice("api", {"pinpoint", "sms-voice"}, "pinpoint") == "pinpoint" ? Api::pinpoint
                                                                                           : Api::sms_voice;
  if (settings.api == Api::pinpoint) settings.application_id = required(config, "application_id");
  settings.access_key = required(config, "access_key");
  if (settings.access_key.starts_with("ASIA"))
    throw std::invalid_argument("access_key: this is a temporary one; expected the access key of a user");
  settings.secret_key = required(config, "secret_key");
  settings.region = required(config, "region");
  settings.endpoint = endpoint_of(config, settings.api, settings.region);
  settings.message_type =
      config.choice("sms_message_type", {"TRANSACTIONAL", "PROMOTIONAL", ""}, "TRANSACTIONAL");
  settings.sender_id = text(config, "sms_sender_id");
  settings.entity_id = text(config, "sms_entity_id");
  settings.template_id = text(config, "sms_template_id");
  settings.origination_identity = text(config, "origination_identity");
  settings.configuration_set = text(config, "configuration_set");
  settings.max_price = text(config, "max_price");
  settings.dry_run = config.boolean("dry_run", false);
  if (settings.api == Api::pinpoint) {
    for (const auto* key : {"origination_identity", "configuration_set", "max_price"})
      if (!config.text(key).empty())
        throw std::invalid_argument(std::string(key) + ": works with api = \"sms-voice\" only");
    if (settings.dry_run) throw std::invalid_argument("dry_run: works with api = \"sms-voice\" only");
  } else if (settings.origination_identity.empty()) {
    settings.origination_identity = settings.sender_id;
  }
  return settings;
}

}  // namespace otpgw::pinpoint
