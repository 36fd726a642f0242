#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <sstream>
#include <vector>

#include "worker/tool/checks.h"

namespace otpgw::tool {
namespace {

using Poco::JSON::Object;

Object::Ptr parse_object(const std::string& json) {
  try {
    return Poco::JSON::Parser().parse(json).extract<Object::Ptr>();
  } catch (const Poco::Exception&) {
    return {};
  }
}

std::string text_of(const Object& object) {
  std::ostringstream out;
  object.stringify(out);
  return out.str();
}

Object::Ptr schema_of(const Loaded& plugin) {
  if (plugin.descriptor().config_schema.empty()) return {};
  auto schema = parse_object(plugin.descriptor().config_schema);
  if (!schema) throw Wrong("its config_schema is no JSON object");
  return schema;
}

// A value that is certainly wrong for a key of that type.
Poco::Dynamic::Var wrong_value(const std::string& type) {
  if (type == "array") return Object::Ptr(new Object);
  return Poco::JSON::Array::Ptr(new Poco::JSON::Array);
}

// Tries configurations and holds create to its side of the contract.
class ConfigTrials {
 public:
  ConfigTrials(const Loaded& plugin, const Steps& steps) : plugin_(plugin), steps_(steps) {}

  // create may take it or refuse it with a reason. Returns the reason, empty when it was taken.
  std::string feed(const std::string& what, const std::string& config) {
    steps_.begin("in create with " + what);
    ++tried_;
    const auto instance = plugin_.library().create(plugin_.descriptor(), config);
    if (instance) return {};
    if (instance.error().ends_with("without saying why") || instance.error().ends_with("threw an exception"))
      throw Wrong(instance.error() + " (" + what + ")");
    return instance.error();
  }

  // create must refuse it and name the key.
  void feed_wrong(const std::string& key, const std::string& what, const std::string& config) {
    const auto reason = feed(what, config);
    if (reason.empty()) throw Wrong("create takes " + what);
    if (reason.find(key) == reason.npos)
      throw Wrong("create does not name the key for " + what + ": " + reason);
  }

  [[nodiscard]] int tried() const { return tried_; }

 private:
  const Loaded& plugin_;
  const Steps& steps_;
  int tried_ = 0;
};

void feed_key(ConfigTrials& trials, const std::string& key, const std::string& type, const Object& good,
              bool good_is_taken) {
  Object config = good;
  const auto what = key + " as " + (type == "array" ? "a table" : "a list");
  config.set(key, wrong_value(type));
  // Where the rest is wrong too, any refusal will do.
  if (good_is_taken && !type.empty()) {
    trials.feed_wrong(key, what, text_of(config));
  } else {
    trials.feed(what, text_of(config));
  }
  config.set(key, std::string(100'000, 'x'));
  trials.feed(key + " with 100,000 characters", text_of(config));
  // Where it names a file, none is to be made: there is no such folder.
  config.set(key, std::string("/no/such\x01\n\"\\\x7F/folder/"));
  trials.feed(key + " with control characters", text_of(config));
  if (type != "integer" && type != "number") return;
  for (const auto number : {-1e300, -1.0, 1e300}) {
    config.set(key, number);
    trials.feed(key + " as a number out of any range", text_of(config));
  }
}

}  // namespace

std::string check_descriptor(const Trial& trial, const Steps& steps) {
  const Loaded plugin(trial, steps);
  const bool has_schema = schema_of(plugin).get() != nullptr;
  const auto& descriptor = plugin.descriptor();
  if (descriptor.channel_name.empty()) throw Wrong("its channel_name is empty: pages and templates show it");
  if (descriptor.address_name.empty())
    throw Wrong("its address_name is empty: the address page asks with it");
  return "plug-in ABI 1." + std::to_string(plugin.library().abi_minor()) + ", provider " + descriptor.id +
         ' ' + descriptor.version + (has_schema ? "" : ", without a config_schema");
}

std::string check_bad_configs(const Trial& trial, const Steps& steps) {
  const Loaded plugin(trial, steps);
  ConfigTrials trials(plugin, steps);
  for (const std::string json :
       {"", "{", "[]", "17", "null", "\"text\"", "{\"a\":", "\xFF\xFE", "{\"\":null}"})
    trials.feed("the text " + (json.empty() ? "\"\"" : json), json);
  trials.feed("10,000 open brackets", std::string(10'000, '['));

  const auto good = parse_object(trial.config_or_empty());
  const auto refusal = trials.feed("its own section", trial.config_or_empty());
  if (trial.config && !refusal.empty()) throw Wrong("its configuration is refused: " + refusal);
  const auto schema = schema_of(plugin);
  if (!schema)
    return std::to_string(trials.tried()) + " tried; with a config_schema each key would be tried too";
  if (const auto keys = schema->getObject("properties")) {
    for (const auto& [key, rules] : *keys) {
      const auto types =
          rules.type() == typeid(Object::Ptr) ? rules.extract<Object::Ptr>()->get("type") : rules;
      feed_key(trials, key, types.isString() ? types.toString() : "", *good, refusal.empty());
    }
  }
  if (const auto required = schema->getArray("required"); required && refusal.empty()) {
    for (const auto& key : *required) {
      Object config = *good;
      config.remove(key.toString());
      trials.feed_wrong(key.toString(), "a section without " + key.toString(), text_of(config));
    }
  }
  return std::to_string(trials.tried()) + " tried" +
         (refusal.empty() ? "" : "; with --config=FILE they would go beyond: " + refusal);
}

}  // namespace otpgw::tool
