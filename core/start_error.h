// Why the gateway, or a worker, does not start.
#pragma once

#include <expected>
#include <string>
#include <type_traits>
#include <utility>

namespace otpgw {

// Thrown; says why in one line.
struct StartError {
  std::string line;
  // The same start may work later: a port is taken, a disk fails, another instance is still stopping. Else
  // somebody has to change the configuration or a file that it names.
  bool may_pass = false;
};

template <class T>
T value_or_throw(std::expected<T, std::string> result, bool may_pass = false) {
  if (!result) throw StartError{std::move(result.error()), may_pass};
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

template <class T>
T value_or_throw(std::expected<T, StartError> result) {
  if (!result) throw StartError(std::move(result.error()));
  return std::move(*result);
}

// Of what lies with the machine.
template <class T>
T value_or_later(std::expected<T, std::string> result) {
  return value_or_throw(std::move(result), true);
}

}  // namespace otpgw
