#include "core/http/json_text.h"

#include <charconv>

namespace otpgw::http {
namespace {

// Walks over one text; every skip_…() returns false at the first thing that is not JSON.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
  [[nodiscard]] std::size_t position() const { return at_; }

  bool skip_value(int depth = 0) {
    if (depth > kJsonDepthMax || at_end()) return false;
    switch (text_[at_]) {
      case '{':
        return skip_members(depth);
      case '[':
        return skip_elements(depth);
      case '"':
        return skip_string();
      case 't':
        return skip_word("true");
      case 'f':
        return skip_word("false");
      case 'n':
        return skip_word("null");
      default:
        return skip_number();
    }
  }

  bool skip_string() {
    if (!take('"')) return false;
    while (at_ < text_.size()) {
      const auto c = static_cast<unsigned char>(text_[at_++]);
      if (c == '"') return true;
      if (c < 0x20) return false;
      if (c != '\\') continue;
      if (at_end()) return false;
      const char escape = text_[at_++];
      if (escape == 'u') {
        for (int i = 0; i < 4; ++i) {
          if (at_end() || !std::isxdigit(static_cast<unsigned char>(text_[at_++]))) return false;
        }
      } else if (std::string_view("\"\\/bfnrt").find(escape) == std::string_view::npos) {
        return false;
      }
    }
    return false;
  }

 private:
  bool skip_word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  bool skip_digits() {
    const auto start = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ > start;
  }
  bool skip_number() {
    take('-');
    if (!take('0') && !skip_digits()) return false;
    if (take('.') && !skip_digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      return skip_digits();
    }
    return true;
  }
  bool skip_elements(int depth) {
    take('[');
    skip_space();
    if (take(']')) return true;
    for (;;) {
      skip_space();
      if (!skip_value(depth + 1)) return false;
      skip_space();
      if (take(']')) return true;
      if (!take(',')) return false;
    }
  }
  bool skip_members(int depth) {
    take('{');
    skip_space();
    if (take('}')) return true;
    for (;;) {
      skip_space();
      if (!skip_string()) return false;
      skip_space();
      if (!take(':')) return false;
      skip_space();
      if (!skip_value(depth + 1)) return false;
      skip_space();
      if (take('}')) return true;
      if (!take(',')) return false;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

void append_utf8(std::string& out, uint32_t c) {
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xc0 | c >> 6));
    out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xe0 | c >> 12));
    out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
  } else {
    out.push_back(static_cast<char>(0xf0 | c >> 18));
    out.push_back(static_cast<char>(0x80 | (c >> 12 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
  }
}

}  // namespace

bool is_json(std::string_view text) {
  Cursor cursor(text);
  cursor.skip_space();
  if (!cursor.skip_value()) return false;
  cursor.skip_space();
  return cursor.at_end();
}

std::optional<std::vector<std::pair<std::string, std::string_view>>> json_members(std::string_view text) {
  if (!is_json(text)) return {};
  Cursor cursor(text);
  cursor.skip_space();
  if (!cursor.take('{')) return {};
  std::vector<std::pair<std::string, std::string_view>> members;
  cursor.skip_space();
  if (cursor.take('}')) return members;
  do {
    cursor.skip_space();
    const auto name_at = cursor.position();
    cursor.skip_string();
    auto name = json_string(text.substr(name_at, cursor.position() - name_at));
    if (!name) return {};
    cursor.skip_space();
    cursor.take(':');
    cursor.skip_space();
    const auto value_at = cursor.position();
    cursor.skip_value();
    members.emplace_back(std::move(*name), text.substr(value_at, cursor.position() - value_at));
    cursor.skip_space();
  } while (cursor.take(','));
  return members;
}

std::optional<std::string> json_string(std::string_view text) {
  Cursor cursor(text);
  if (!cursor.skip_string() || !cursor.at_end()) return {};
  text = text.substr(1, text.size() - 2);
  std::string out;
  out.reserve(text.size());
  const auto unit_at = [&](std::size_t at) {
    uint32_t unit = 0;
    std::from_chars(text.data() + at, text.data() + at + 4, unit, 16);
    return unit;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out.push_back(text[i]);
      continue;
    }
    switch (text[++i]) {
      case 'b':
        out.push_back('\b');
        break;
      case 'f':
        out.push_back('\f');
        break;
      case 'n':
        out.push_back('\n');
        break;
      case 'r':
        out.push_back('\r');
        break;
      case 't':
        out.push_back('\t');
        break;
      case 'u': {
        uint32_t c = unit_at(i + 1);
        i += 4;
        if (c >= 0xdc00 && c < 0xe000) return {};
        if (c >= 0xd800 && c < 0xdc00) {
          if (!text.substr(i + 1).starts_with("\\u")) return {};
          const uint32_t low = unit_at(i + 3);
          if (low < 0xdc00 || low > 0xdfff) return {};
          c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
          i += 6;
        }
        append_utf8(out, c);
        break;
      }
      default:
        out.push_back(text[i]);
    }
  }
  return out;
}

}  // namespace otpgw::http
