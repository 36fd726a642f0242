#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <sstream>

#include "worker/settings.h"

namespace otpgw::worker {

std::expected<Settings, std::string> settings_from_json(std::string_view line) {
  Poco::JSON::Object::Ptr object;
  try {
    object = Poco::JSON::Parser().parse(std::string(line)).extract<Poco::JSON::Object::Ptr>();
  } catch (const Poco::Exception&) {
    return std::unexpected("standard input: expected one line with a JSON object");
  }
  Settings settings;
  const char* key = "";
  try {
    const auto text = [&](const char* name) { return object->getValue<std::string>(key = name); };
    settings.endpoint = text("endpoint");
    settings.provider = text("provider");
    settings.plugin = text("plugin");
    settings.section = object->optValue<std::string>("section", "providers." + settings.provider);
    settings.instance = object->optValue<std::string>("instance", {});
    if (object->has(key = "max_conns")) settings.max_conns = object->getValue<int>(key);
    if (object->has(key = "config")) {
      std::ostringstream config;
      object->getObject(key)->stringify(config);
      settings.plugin_config = config.str();
    }
    if (object->has(key = "secrets")) {
      for (const auto& secret : *object->getArray(key))
        settings.secrets.push_back(secret.convert<std::string>());
    }
  } catch (const Poco::Exception&) {
    return std::unexpected(std::string("standard input: ") + key + " is missing or of the wrong type");
  }
  return settings;
}

}  // namespace otpgw::worker
