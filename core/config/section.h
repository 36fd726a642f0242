// One section of a checked tree: values by name, with the default when the key is absent. check_keys() has
// seen that each has its type.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/config/tree.h"
#include "core/config/values.h"

namespace otpgw::config {

class Section {
 public:
  // The section of `parent` with that name; an absent one reads as empty.
  Section(const Node* parent, std::string_view name, std::string path)
      : node_(parent == nullptr ? nullptr : parent->find(name)), path_(std::move(path)) {}

  [[nodiscard]] const Node* node() const { return node_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const Node* find(std::string_view name) const {
    return node_ == nullptr ? nullptr : node_->find(name);
  }

  [[nodiscard]] std::string text(std::string_view name, std::string fallback) const {
    const Node* value = find(name);
    return value == nullptr ? std::move(fallback) : as_text(*value).value();
  }
  [[nodiscard]] int integer(std::string_view name, int fallback) const {
    const Node* value = find(name);
    return value == nullptr ? fallback : static_cast<int>(as_integer(*value).value());
  }
  [[nodiscard]] bool boolean(std::string_view name, bool fallback) const {
    const Node* value = find(name);
    return value == nullptr ? fallback : as_boolean(*value).value();
  }
  [[nodiscard]] std::chrono::milliseconds duration(std::string_view name,
                                                   std::chrono::milliseconds fallback) const {
    const Node* value = find(name);
    return value == nullptr ? fallback : as_duration(*value).value();
  }
  // Relative paths start at the folder of the file that holds them.
  [[nodiscard]] std::filesystem::path path_of(std::string_view name, std::filesystem::path fallback) const {
    const Node* value = find(name);
    return value == nullptr ? fallback : (value->origin.folder / as_text(*value).value()).lexically_normal();
  }

  // Throws "WHERE: PATH.NAME: WHAT". WHERE is the section's line when the key is absent.
  [[noreturn]] void refuse(std::string_view name, std::string_view what) const {
    const Node* value = find(name);
    const Origin& origin = value != nullptr ? value->origin : node_->origin;
    config::refuse(origin, path_ + "." + std::string(name), what);
  }

 private:
  const Node* node_;
  std::string path_;
};

}  // namespace otpgw::config
