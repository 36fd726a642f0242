#include "core/config/plugin_config.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <sstream>

#include "core/config/schema.h"

namespace otpgw::config {
namespace {

using Poco::Dynamic::Var;

Var json(const Node& node) {
  if (const auto* list = std::get_if<List>(&node.value)) {
    Poco::JSON::Array::Ptr array = new Poco::JSON::Array;
    for (const Node& item : *list) array->add(json(item));
    return array;
  }
  if (const Table* table = node.table()) {
    Poco::JSON::Object::Ptr object = new Poco::JSON::Object;
    for (const Member& member : *table) object->set(member.name, json(member.node));
    return object;
  }
  if (const auto* text = std::get_if<std::string>(&node.value)) return *text;
  if (const auto* integer = std::get_if<int64_t>(&node.value)) return Poco::Int64{*integer};
  if (const auto* boolean = std::get_if<bool>(&node.value)) return *boolean;
  return std::get<double>(node.value);
}

Var typed(const Key* key, const Node& node) {
  if (key != nullptr && key->type == Type::integer) return Poco::Int64{as_integer(node).value()};
  if (key != nullptr && key->type == Type::boolean) return as_boolean(node).value();
  if (key != nullptr && key->type == Type::path && !as_text(node)->empty())
    return (node.origin.folder / *as_text(node)).lexically_normal().string();
  return json(node);
}

// A template is no secret as a whole: what leaves is its rendering, and its plug-in's complaints quote it.
bool is_template(std::string_view text) { return text.find("{{") != text.npos; }

void gather(const Table& table, std::vector<std::string> path, std::vector<std::string>& secrets) {
  path.emplace_back();
  for (const Member& member : table) {
    path.back() = member.name;
    if (member.node.table() != nullptr) {
      gather(*member.node.table(), path, secrets);
    } else if (const auto text = as_text(member.node); text && !is_template(*text) && is_secret(path)) {
      secrets.push_back(*text);
    }
  }
}

std::pair<std::string, std::string> kind_and_name(const Section& section) {
  const auto dot = section.path().find('.');
  return {section.path().substr(0, dot), section.path().substr(dot + 1)};
}

}  // namespace

std::vector<std::string> plugin_secrets(const Section& section) {
  const auto [kind, name] = kind_and_name(section);
  std::vector<std::string> secrets;
  gather(*section.node()->table(), {kind, name}, secrets);
  return secrets;
}

std::string plugin_config_json(const Section& section) {
  const auto [kind, name] = kind_and_name(section);
  Poco::JSON::Object object(Poco::JSON_PRESERVE_KEY_ORDER);
  for (const Member& member : *section.node()->table()) {
    const std::string path[] = {kind, name, member.name};
    object.set(member.name, typed(find_key(path), member.node));
  }
  std::ostringstream out;
  object.stringify(out);
  return out.str();
}

}  // namespace otpgw::config
