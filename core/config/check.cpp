#include "core/config/check.h"

#include <Poco/String.h>

#include <algorithm>

#include "core/config/schema.h"
#include "core/config/values.h"

namespace otpgw::config {
namespace {

using Path = std::vector<std::string>;

std::string joined(const Path& path) { return Poco::cat(std::string("."), path.begin(), path.end()); }

bool within(const Key& key, int64_t number) { return number >= key.low && number <= key.high; }

bool is_choice(std::string_view choices, const std::string& name) {
  return ("|" + std::string(choices) + "|").find("|" + name + "|") != std::string::npos;
}

bool fits(const Key& key, const Node& node) {
  switch (key.type) {
    case Type::path:
    case Type::text: {
      const auto text = as_text(node);
      return text && (key.low == 0 || !text->empty());
    }
    case Type::integer: {
      const auto number = as_integer(node);
      return number && within(key, *number);
    }
    case Type::boolean:
      return as_boolean(node).has_value();
    case Type::seconds: {
      const auto duration = as_duration(node);
      return duration && duration->count() % 1000 == 0 && within(key, duration->count() / 1000);
    }
    case Type::duration: {
      const auto duration = as_duration(node);
      return duration && within(key, duration->count());
    }
    case Type::size: {
      const auto bytes = as_size(node);
      return bytes && within(key, *bytes);
    }
    case Type::choice: {
      const auto text = as_text(node);
      return text && is_choice(key.choices, *text);
    }
    case Type::texts:
      return as_texts(node).has_value();
    case Type::section:
    case Type::anything:
      return true;
  }
  return false;
}

void check_value(const Key& key, const Path& path, const Node& node) {
  if (fits(key, node)) return;
  refuse(node.origin, joined(path),
         "expected " + expectation(key) + "; got " + (key.secret ? "something else" : shown(node)));
}

// A provider's section. An unused one may hold anything: nobody fills in what they don't use.
bool is_switched_off(const Path& path, const Node& node) {
  return path.size() == 2 && (path[0] == "providers" || path[0] == "webhooks") && node.table() != nullptr &&
         !is_enabled(node, joined(path));
}

class Walk {
 public:
  void section(Path& path, const Node& section, bool open) {
    for (const Member& member : *section.table()) {
      path.push_back(member.name);
      visit(path, member.node, open);
      path.pop_back();
    }
  }
  std::vector<std::string> warnings;

 private:
  void visit(Path& path, const Node& node, bool open) {
    const Key* key = find_key(path);
    const bool has_keys = is_section(path);
    if (key == nullptr && !has_keys) {
      if (!open) warn_unknown(path, node);
      return;
    }
    if ((has_keys || key->type == Type::section) && node.table() == nullptr) {
      refuse(node.origin, joined(path), "expected a section [" + joined(path) + "]; got a value");
    }
    if (key != nullptr) check_value(*key, path, node);
    if (!has_keys) return;
    if (is_switched_off(path, node)) return;
    section(path, node, is_open_section(path));
  }

  void warn_unknown(const Path& path, const Node& node) {
    std::string warning = node.origin.where + ": " + joined(path) + ": unknown key, ignored";
    if (const std::string nearest = nearest_name(path); !nearest.empty()) {
      Path meant = path;
      meant.back() = nearest;
      warning += "; did you mean " + joined(meant) + "?";
    }
    warnings.push_back(std::move(warning));
  }
};

}  // namespace

std::vector<std::string> check_keys(const Node& root) {
  Walk walk;
  Path path;
  walk.section(path, root, false);
  return std::move(walk.warnings);
}

bool is_enabled(const Node& section, const std::string& path) {
  const Node* enabled = section.find("enabled");
  if (enabled == nullptr) return false;
  const auto value = as_boolean(*enabled);
  if (!value) refuse(enabled->origin, path + ".enabled", "expected true or false; got " + shown(*enabled));
  return *value;
}

}  // namespace otpgw::config
