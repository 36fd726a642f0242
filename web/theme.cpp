#include "web/theme.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace otpgw::web {
namespace {

using Colour = std::array<int, 3>;  // red, green, blue: 0 to 255

constexpr std::string_view kBlack = "#000000", kWhite = "#ffffff";
// What style.css shows links on, where they read worst: --paper when it is light, --card when it is dark.
constexpr std::string_view kLight = "#f3f5f9", kDark = "#171d2a";
constexpr double kReadable = 4.5;  // WCAG 2, level AA

Colour parse(std::string_view text) {
  Colour colour{};
  for (std::size_t i = 0; i < colour.size(); ++i) {
    std::from_chars(text.data() + 1 + 2 * i, text.data() + 3 + 2 * i, colour[i], 16);
  }
  return colour;
}

std::string as_text(const Colour& colour) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text = "#";
  for (const int part : colour) {
    text += kHex[static_cast<std::size_t>(part >> 4)];
    text += kHex[static_cast<std::size_t>(part & 15)];
  }
  return text;
}

double luminance(const Colour& colour) {
  const auto linear = [](int part) {
    const double value = part / 255.0;
    return value <= 0.03928 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2]);
}

// The accent with as little of `other` in it as makes it readable on `ground`.
std::string readable(std::string_view accent, std::string_view other, std::string_view ground) {
  constexpr int kSteps = 20;
  const Colour from = parse(accent), to = parse(other);
  for (int step = 0; step < kSteps; ++step) {
    Colour mixed{};
    for (std::size_t i = 0; i < mixed.size(); ++i)
      mixed[i] = (from[i] * (kSteps - step) + to[i] * step) / kSteps;
    if (const std::string text = as_text(mixed); contrast(text, ground) >= kReadable) return text;
  }
  return std::string(other);
}

}  // namespace

double contrast(std::string_view one, std::string_view other) {
  const double a = luminance(parse(one)), b = luminance(parse(other));
  return (std::max(a, b) + 0.05) / (std::min(a, b) + 0.05);
}

std::string theme_css(std::string_view accent) {
  const bool white = contrast(kWhite, accent) >= contrast(kBlack, accent);
  std::string css = ":root{--accent:";
  css.append(accent).append(";--on-accent:").append(white ? kWhite : kBlack);
  css.append(";--link:").append(readable(accent, kBlack, kLight));
  css.append("}\n@media (prefers-color-scheme:dark){:root{--link:").append(readable(accent, kWhite, kDark));
  css.append("}}\n");
  return css;
}

}  // namespace otpgw::web
