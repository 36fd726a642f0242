// One HTML page of web/ in one language: a mustache template, compiled at start and filled at the speed of
// appending text.
//
// kainjow renders a page in about 10 µs, which is more than a whole request may cost. So each combination of
// flags ({{#popup}}…{{/popup}}) that occurs is rendered once by kainjow, with a mark in the place of every
// {{field}}; after that a page is the text between the marks and the escaped values, appended. Templates stay
// plain mustache with partials ({{> body}}), but a section is always a flag, and every field is escaped but
// {{style}}.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "web/template_source.h"

namespace otpgw::web {

// What a section of a template may ask.
enum class Flag : uint8_t {
  popup,            // in the modal
  themed,           // the namespace has a style sheet of its own
  own_logo,         // the logo is not ours: it may have any shape
  email,            // the kind of the channel …
  sms,              //
  whatsapp,         //
  voice,            //
  other,            //
  phone,            // the address is a phone number
  named,            // the provider names its address
  unnamed,          // the address is none of email, phone, named
  described,        // the application or the provider describes the step
  digits,           // the code is digits only
  changeable,       // the page collected the address
  returnable,       // the application says where to go back to, and this is no modal
  resendable,       // the code may be sent once more
  another,          // by another provider
  filled,           // the link brought the code
  wrong_code,       // what went wrong …
  no_code,          //
  no_address,       //
  bad_address,      // as an e-mail address or a phone number
  bad_country,      // a number of a country that is not allowed
  alert,            // in another way …
  unusable,         // … as an address
  explained,        // and alert_text says why in the page's language
  too_long,         //
  changed,          // the address is another one by now
  refused,          //
  fixed,            // the address is not the page's to change
  sends_limited,    // over a limit of sends: until `wait`
  guesses_limited,  // of wrong codes
  too_early,        // to send the code again
  expired,          // which message it is …
  locked,           //
  busy,             //
  invalid,          //
  forbidden,        //
  internal,         //
  posts_limited,    // too many failed tries from this network
  count
};

// What a template may print.
enum class Field : uint8_t {
  base,   // path of the gateway: "" or "/gateway"
  path,   // of the OTP: {{base}}/otp/namespace/id
  query,  // "" or "?view=popup&lang=de&key=…"
  favicon,
  logo,
  style,       // HTML
  theme,       // address of the namespace's style sheet
  namespace_,  // {{namespace}}
  id,
  origins,  // who may frame the page, separated by spaces
  description,
  address,
  address_name,
  expected,  // names the address that the change replaces: otp::address_token()
  return_url,
  code,
  code_length,
  code_maxlength,
  attempt,
  max_attempts,
  seconds,  // left
  left,     // the same as 4:59
  delivery,
  step,  // which of several providers it is
  alert_text,
  wait,      // as 4:59: until a limit allows it again
  cooldown,  // seconds until the code may be sent again
  count
};

class Flags {
 public:
  Flags() = default;
  Flags(std::initializer_list<Flag> flags) {
    for (Flag flag : flags) set(flag);
  }
  void set(Flag flag, bool on = true) {
    if (on) bits_ |= uint64_t{1} << static_cast<uint8_t>(flag);
  }
  [[nodiscard]] bool has(Flag flag) const { return (bits_ >> static_cast<uint8_t>(flag) & 1) != 0; }
  auto operator<=>(const Flags&) const = default;

 private:
  uint64_t bits_ = 0;
};

class Values {
 public:
  std::string_view style;  // Field::style
  std::string& operator[](Field field) { return values_[static_cast<uint8_t>(field)]; }
  const std::string& operator[](Field field) const { return values_[static_cast<uint8_t>(field)]; }

 private:
  std::array<std::string, static_cast<std::size_t>(Field::count)> values_;
};

class PageTemplate {
 public:
  // read_template()'s page. The error is one line that names the file.
  [[nodiscard]] static std::expected<PageTemplate, std::string> load(const Folders& folders,
                                                                     std::string_view name,
                                                                     const Texts& texts);
  PageTemplate(PageTemplate&&) noexcept;
  PageTemplate& operator=(PageTemplate&&) noexcept;
  ~PageTemplate();

  // Any thread.
  [[nodiscard]] std::string render(Flags flags, const Values& values) const;

 private:
  struct State;
  explicit PageTemplate(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

[[nodiscard]] bool is_flag(std::string_view name);
[[nodiscard]] bool is_field(std::string_view name);

// A field's mark while a page is made: this byte, then 'A' + the field's number. No template holds the byte,
// and mustache's escaping leaves both alone.
inline constexpr char kMark = '\x1f';

// Appends `text` with & < > " ' as entities.
void append_escaped(std::string& out, std::string_view text);

}  // namespace otpgw::web
