#include "core/config/languages.h"

#include <algorithm>

namespace otpgw::config {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Cuts the text before the next `mark` off `rest`, without the blanks around it.
std::string_view next_part(std::string_view& rest, char mark) {
  const std::size_t end = rest.find(mark);
  std::string_view part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  while (!part.empty() && (part.front() == ' ' || part.front() == '\t')) part.remove_prefix(1);
  while (!part.empty() && (part.back() == ' ' || part.back() == '\t')) part.remove_suffix(1);
  return part;
}

// "q=0.8" -> 800; 1000 for none; 0, which is "not this one", for one that can't be read.
int thousandths(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::string_view parameter = next_part(parameters, ';');
    if (!parameter.starts_with("q=") && !parameter.starts_with("Q=")) continue;
    const std::string_view value = parameter.substr(2);
    if (value.empty() || value.size() > 5 || (value.size() > 1 && value[1] != '.')) return 0;
    int sum = 0, weight = 1000;
    for (const char c : value) {
      if (c == '.') continue;
      if (!is_digit(c)) return 0;
      sum += weight * (c - '0');
      weight /= 10;
    }
    return std::min(sum, 1000);
  }
  return 1000;
}

}  // namespace

bool is_language_tag(std::string_view text) {
  constexpr std::size_t kTagMax = 35, kPartMax = 8;
  if (text.size() > kTagMax || text.ends_with('-')) return false;
  std::string_view rest = text;
  const std::string_view language = rest.substr(0, rest.find('-'));
  if (language.size() < 2 || !std::ranges::all_of(language, is_letter)) return false;
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find('-'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    if (part.empty() || part.size() > kPartMax) return false;
    if (!std::ranges::all_of(part, [](char c) { return is_letter(c) || is_digit(c); })) return false;
  }
  return true;
}

std::string lower_case(std::string_view ascii) {
  std::string lower(ascii);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string Languages::find(std::string_view tag) const {
  if (!is_language_tag(tag)) return {};
  const std::string wanted = lower_case(tag);
  for (std::string_view part = wanted;;) {
    if (tags_.contains(part)) return std::string(part);
    const std::size_t dash = part.rfind('-');
    if (dash == std::string_view::npos) break;
    part = part.substr(0, dash);
  }
  const auto longer = tags_.lower_bound(wanted + "-");
  return longer != tags_.end() && longer->starts_with(wanted + "-") ? *longer : "";
}

std::string Languages::choose(std::initializer_list<std::string_view> wishes,
                              std::string_view accept_language) const {
  for (const std::string_view wish : wishes) {
    if (std::string found = find(wish); !found.empty()) return found;
  }
  std::string best = fallback_;
  int best_quality = 0;
  while (!accept_language.empty()) {
    std::string_view parameters = next_part(accept_language, ',');
    const std::string_view tag = next_part(parameters, ';');
    const int quality = thousandths(parameters);
    if (quality <= best_quality) continue;  // of equal ones the first
    if (std::string found = find(tag); !found.empty()) {
      best = std::move(found);
      best_quality = quality;
    }
  }
  return best;
}

}  // namespace otpgw::config
