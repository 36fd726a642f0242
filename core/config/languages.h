// Tags of languages, and which of ours a person gets.
#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>

namespace otpgw::config {

// Whether it has the shape of a language's tag (RFC 5646): letters and digits in parts of 1 to 8 with '-'
// between them, at most 35 characters, beginning with a language of 2 to 8 letters.
[[nodiscard]] bool is_language_tag(std::string_view text);

[[nodiscard]] std::string lower_case(std::string_view ascii);

class Languages {
 public:
  // `tags` in lower case; `fallback` is one of them.
  Languages(std::set<std::string, std::less<>> tags, std::string fallback)
      : tags_(std::move(tags)), fallback_(std::move(fallback)) {}

  // The one of `tags` that the first of `wishes` means (tags, or "" for none), else that Accept-Language
  // (RFC 9110) likes best, else the fallback. What is unknown is passed over.
  [[nodiscard]] std::string choose(std::initializer_list<std::string_view> wishes,
                                   std::string_view accept_language) const;
  // "hi-IN" finds "hi" (RFC 4647, lookup), "pt" finds "pt-br"; "" when there is none.
  [[nodiscard]] std::string find(std::string_view tag) const;

 private:
  std::set<std::string, std::less<>> tags_;
  std::string fallback_;
};

}  // namespace otpgw::config
