// Regular expressions on texts of strangers: addresses, and what upstreams answer. RE2 takes time in
// proportion to the text and a fixed amount of memory, whatever the pattern and the text are.
#pragma once

#include <re2/re2.h>

#include <memory>
#include <string>
#include <string_view>

#include "otpgw/json_config.hpp"

namespace otpgw::webhook {

// A value; any thread.
class Pattern {
 public:
  // The pattern of `key`; without that key there is none. Throws std::invalid_argument that names the key.
  Pattern(const JsonConfig& config, const std::string& key);

  [[nodiscard]] bool given() const { return compiled_ != nullptr; }
  // False when none is given.
  [[nodiscard]] bool is_all_of(std::string_view text) const;
  [[nodiscard]] bool is_found_in(std::string_view text) const;

 private:
  std::shared_ptr<const re2::RE2> compiled_;
};

}  // namespace otpgw::webhook
