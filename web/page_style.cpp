#include "web/page_style.h"

#include <sodium.h>

#include <algorithm>
#include <array>

#include "core/http/params.h"
#include "web/page_template.h"

namespace otpgw::web {
namespace {

// A connection begins with 10 segments (RFC 6928), about 14,600 bytes. Headers take 1 KiB of them, the HTML
// of a long page in a script of 3 bytes a letter 5.5 KB.
constexpr std::size_t kInlineBytesMax = std::size_t{8} << 10;

// Without comments and indentation. Where it has escapes, whose end may be whitespace, as it is.
std::string compact(std::string_view css) {
  if (css.contains('\\')) return std::string(css);
  constexpr std::string_view kSpace = " \t\r\n\f";
  std::string out;
  const auto separated = [&out] { return out.empty() || std::string_view(" {};,").contains(out.back()); };
  while (!css.empty()) {
    std::size_t length = 1;
    if (css.starts_with("/*")) {
      length = css.find("*/", 2);
      length = length == std::string_view::npos ? css.size() : length + 2;
      if (!separated())
        out += "/**/";  // it ends a word, as whitespace does, but joins two selectors otherwise
    } else if (kSpace.contains(css.front())) {
      length = std::min(css.find_first_not_of(kSpace), css.size());
      if (!separated()) out += ' ';
    } else {
      if (css.front() == '"' || css.front() == '\'') length = css.find(css.front(), 1) + 1;
      if (length == 0) length = css.size();
      out.append(css.substr(0, length));
    }
    css.remove_prefix(length);
  }
  return out;
}

// The browser's <style> has this text and no other, and it means the same there.
bool may_stand_in_page(std::string_view css) {
  if (css.size() > kInlineBytesMax || !http::is_utf8(css)) return false;
  std::string lower(css);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
  const auto has = [&lower](std::string_view text) { return lower.contains(text); };
  constexpr auto kNot =
      std::to_array<std::string_view>({"url(", "src(", "image-set(", "@import", "</", "\r", "\xef\xbb\xbf"});
  return std::ranges::none_of(kNot, has);
}

void add_inline(PageStyle& style, std::string_view css) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(css.data()), css.size());
  constexpr int kBase64 = sodium_base64_VARIANT_ORIGINAL;
  std::array<char, sodium_base64_ENCODED_LEN(crypto_hash_sha256_BYTES, kBase64)> text{};
  sodium_bin2base64(text.data(), text.size(), hash.data(), hash.size(), kBase64);
  style.html.append("<style>").append(css).append("</style>");
  style.sources.append(" 'sha256-").append(text.data()).append("'");
}

}  // namespace

PageStyle page_style(std::string_view sheet, std::string_view url, std::string_view theme) {
  PageStyle style;
  if (const std::string css = compact(sheet); may_stand_in_page(css)) {
    add_inline(style, css);
  } else {
    style.html = "<link rel=\"stylesheet\" href=\"";
    append_escaped(style.html, url);
    style.html += "\">";
  }
  if (!theme.empty()) add_inline(style, theme);
  return style;
}

}  // namespace otpgw::web
