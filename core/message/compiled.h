// One compiled template text.
#pragma once

#include <kainjow/mustache.hpp>

#include <array>
#include <expected>
#include <string>
#include <string_view>

#include "core/message/tags.h"

namespace otpgw::message {

// A value for each of kNames, in that order.
using Values = std::array<kainjow::mustache::data, kNames.size()>;

enum class Escape : uint8_t { none, html };

class Compiled {
 public:
  // The error is one line, see canonical().
  [[nodiscard]] static std::expected<Compiled, std::string> compile(std::string_view text,
                                                                    std::string_view origin, Escape escape);
  // May be called from several threads at once.
  [[nodiscard]] std::string render(const Values& values) const;

 private:
  Compiled(const std::string& canonical, Escape escape);

  // kainjow's render() is not const because partials and lambdas may leave an error message behind.
  // canonical() lets neither through, so rendering writes nothing here.
  mutable kainjow::mustache::mustache mustache_;
};

}  // namespace otpgw::message
