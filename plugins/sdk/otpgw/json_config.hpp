// otpgw/json_config.hpp: reads a provider's configuration, the JSON object that its constructor gets, with
// Poco. Values may come as what they are or as text ("587"), since environment variables are always text.
// Everything throws std::invalid_argument with one sentence that names the key; no value of a key that may
// hold a secret is repeated in it.
#pragma once

#include <Poco/Exception.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <cstdint>
#include <initializer_list>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

namespace otpgw {

class JsonConfig {
 public:
  explicit JsonConfig(std::string_view json) {
    try {
      object_ = Poco::JSON::Parser().parse(std::string(json)).extract<Poco::JSON::Object::Ptr>();
    } catch (const Poco::Exception&) {
      throw std::invalid_argument("the configuration is not a JSON object");
    }
  }

  std::string text(const std::string& key, const std::string& otherwise = {}) const {
    const auto value = object_->get(key);
    if (value.isEmpty()) return otherwise;
    if (!value.isString() && !value.isNumeric()) throw std::invalid_argument(key + ": expected text");
    return value.convert<std::string>();
  }

  std::string required_text(const std::string& key) const {
    auto value = text(key);
    if (value.empty()) throw std::invalid_argument(key + ": missing");
    return value;
  }

  // One of `choices`.
  std::string choice(const std::string& key, std::initializer_list<std::string_view> choices,
                     std::string_view otherwise) const {
    auto value = text(key, std::string(otherwise));
    std::string allowed;
    for (const auto one : choices) {
      if (value == one) return value;
      allowed.append(allowed.empty() ? "" : ", ").append(one);
    }
    throw std::invalid_argument(key + ": expected one of " + allowed);
  }

  int64_t integer(const std::string& key, int64_t min, int64_t max, int64_t otherwise) const {
    const auto value = object_->get(key);
    if (value.isEmpty()) return otherwise;
    try {
      const auto number = value.isBoolean() ? min - 1 : value.convert<int64_t>();
      if (number >= min && number <= max) return number;
    } catch (const Poco::Exception&) {  // falls through to the one sentence below
    }
    throw std::invalid_argument(key + ": expected a number from " + std::to_string(min) + " to " +
                                std::to_string(max));
  }

  bool boolean(const std::string& key, bool otherwise) const {
    const auto value = object_->get(key);
    if (value.isEmpty()) return otherwise;
    if (value.isBoolean()) return value.extract<bool>();
    if (value.isString() && value == "true") return true;
    if (value.isString() && value == "false") return false;
    throw std::invalid_argument(key + ": expected true or false");
  }

  // A table of texts, by name.
  std::map<std::string, std::string> texts(const std::string& key) const {
    std::map<std::string, std::string> members;
    const auto value = object_->get(key);
    if (value.isEmpty()) return members;
    if (value.type() != typeid(Poco::JSON::Object::Ptr))
      throw std::invalid_argument(key + ": expected a table of names and texts");
    for (const auto& [name, text] : *value.extract<Poco::JSON::Object::Ptr>()) {
      if (!text.isString() && !text.isNumeric())
        throw std::invalid_argument(key + ": expected text for each name");
      members.emplace(name, text.convert<std::string>());
    }
    return members;
  }

 private:
  Poco::JSON::Object::Ptr object_;
};

}  // namespace otpgw
