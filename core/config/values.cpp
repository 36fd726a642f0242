#include "core/config/values.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "core/config/duration.h"

namespace otpgw::config {
namespace {

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string quoted(const std::string& text) {
  constexpr std::size_t kShownBytesMax = 64;
  std::size_t end = std::min(text.size(), kShownBytesMax);
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;  // whole characters
  std::string out = "\"";
  for (const char c : text.substr(0, end)) {
    // An error is one line, whatever the value holds.
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return out + (end < text.size() ? "…\"" : "\"");
}

}  // namespace

std::optional<std::string> as_text(const Node& node) {
  const auto* text = std::get_if<std::string>(&node.value);
  return text == nullptr ? std::nullopt : std::optional(*text);
}

std::optional<int64_t> as_integer(const Node& node) {
  if (const auto* integer = std::get_if<int64_t>(&node.value)) return *integer;
  const auto* text = std::get_if<std::string>(&node.value);
  if (text == nullptr || text->empty()) return std::nullopt;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
  return number;
}

std::optional<bool> as_boolean(const Node& node) {
  if (const auto* boolean = std::get_if<bool>(&node.value)) return *boolean;
  const auto text = as_text(node);
  if (text == "true" || text == "TRUE" || text == "True" || text == "1") return true;
  if (text == "false" || text == "FALSE" || text == "False" || text == "0") return false;
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> as_duration(const Node& node) {
  if (const auto* text = std::get_if<std::string>(&node.value)) return parse_duration(*text);
  std::ostringstream number;
  if (const auto* integer = std::get_if<int64_t>(&node.value)) {
    number << *integer;
  } else if (const auto* fraction = std::get_if<double>(&node.value)) {
    number << std::fixed << *fraction;
  }
  return parse_duration(number.str());
}

std::optional<int64_t> as_size(const Node& node) {
  if (const auto bytes = as_integer(node)) return *bytes < 0 ? std::nullopt : bytes;
  const auto text = as_text(node);
  if (!text) return std::nullopt;
  constexpr std::pair<std::string_view, int> kUnits[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
  for (const auto& [unit, shift] : kUnits) {
    if (!text->ends_with(unit)) continue;
    uint32_t count = 0;
    const char* const end = text->data() + text->size() - unit.size();
    const auto [stop, error] = std::from_chars(text->data(), end, count);
    if (error == std::errc{} && stop == end) return int64_t{count} << shift;
  }
  return std::nullopt;
}

std::optional<std::vector<std::string>> as_texts(const Node& node) {
  std::vector<std::string> texts;
  if (const auto* text = std::get_if<std::string>(&node.value)) {
    std::istringstream parts(*text);
    for (std::string part; std::getline(parts, part, ',');) {
      if (!trimmed(part).empty()) texts.push_back(trimmed(part));
    }
    return texts;
  }
  const auto* list = std::get_if<List>(&node.value);
  if (list == nullptr) return std::nullopt;
  for (const Node& item : *list) {
    const auto text = as_text(item);
    if (!text) return std::nullopt;
    texts.push_back(*text);
  }
  return texts;
}

std::string shown(const Node& node) {
  if (const auto* text = std::get_if<std::string>(&node.value)) return quoted(*text);
  if (const auto* integer = std::get_if<int64_t>(&node.value)) return std::to_string(*integer);
  if (const auto* boolean = std::get_if<bool>(&node.value)) return *boolean ? "true" : "false";
  if (std::holds_alternative<List>(node.value)) return "a list";
  if (node.table() != nullptr) return "a section";
  std::ostringstream number;
  number << std::get<double>(node.value);
  return number.str();
}

}  // namespace otpgw::config
