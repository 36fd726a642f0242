// Turns an OTP into the page that shows it. Which page, and why, is page_routes.cpp's subject.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>

#include "core/config/config.h"
#include "core/config/languages.h"
#include "core/http/message.h"
#include "core/otp/otp.h"
#include "core/otp/service.h"
#include "core/wire/messages.h"
#include "web/locales.h"
#include "web/page_template.h"
#include "web/site.h"

namespace otpgw::web {

// Which OTP a request is about, and how its page is shown: all that a page's own links keep.
struct View {
  std::string name_space, id;
  bool popup = false;      // ?view=popup: in the modal
  std::string lang, key;   // as given
  std::string return_url;  // of the OTP, as far as it is known
  std::string language;    // what the page speaks: one that Renderer::language() chose
};

// What went wrong with what the person entered.
struct Complaint {
  enum class Kind : uint8_t {
    none,
    empty,
    wrong,
    refused,
    address,
    bad_country,
    sends_limited,
    guesses_limited,
    too_early
  };
  Kind kind = Kind::none;
  std::string sentence;      // for refused and address: in English, or in the words of the provider
  int64_t wait_seconds = 0;  // for the last three
  otp::AddressFault fault{};
};

enum class Message : uint8_t { expired, locked, busy, invalid, fixed_address, forbidden, internal };

class Renderer {
 public:
  // Reads the templates. `clock` must outlive it. The error is one line.
  [[nodiscard]] static std::expected<Renderer, std::string> load(const Folders& folders,
                                                                 const Locales& locales,
                                                                 const config::App& app, Sites sites,
                                                                 const otp::Clock& clock);

  // The language to speak to somebody with these wishes (Languages::choose).
  [[nodiscard]] std::string language(std::initializer_list<std::string_view> wishes,
                                     std::string_view accept_language) const {
    return languages_.choose(wishes, accept_language);
  }

  // What nobody wished anything else for.
  [[nodiscard]] std::string default_language() const { return languages_.choose({}, {}); }

  [[nodiscard]] const Sites& sites() const { return sites_; }

  // Whether a page shows this OTP's delivery as `retrying`.
  [[nodiscard]] bool retrying(const otp::Otp& otp) const { return otp.retrying(clock_->now()); }

  // `descriptor` is of the OTP's provider, or null. `code` fills the field.
  [[nodiscard]] http::Response code_page(int status, const View& view, const otp::Otp& otp,
                                         const wire::Descriptor* descriptor, std::string_view code,
                                         const Complaint& complaint) const;
  // `address` fills the field.
  [[nodiscard]] http::Response address_page(int status, const View& view, const otp::Otp& otp,
                                            const wire::Descriptor* descriptor, std::string_view address,
                                            const Complaint& complaint) const;
  [[nodiscard]] http::Response verified_page(const View& view, const wire::Descriptor* descriptor) const;
  [[nodiscard]] http::Response message_page(int status, const View& view, Message message,
                                            std::string_view sentence = {}) const;
  // 429: too many POSTs from the client's network have failed.
  [[nodiscard]] http::Response posts_limited_page(const View& view, int64_t seconds_left) const;
  // 429, until the OTP's life ends.
  [[nodiscard]] http::Response locked_page(const View& view, int64_t seconds_left) const;

  // 303 to the OTP's page ("") or its address page ("/address").
  [[nodiscard]] http::Response redirect(const View& view, std::string_view page) const;

 private:
  struct Templates {
    PageTemplate code, address, verified, message;
  };
  using Translations = std::map<std::string, Templates, std::less<>>;  // by the language's tag
  Renderer(Translations translations, config::Languages languages, Sites sites, const otp::Clock& clock);

  [[nodiscard]] const Templates& templates(const View& view) const;

  [[nodiscard]] Flags with_view(Flags flags, const View& view) const;
  [[nodiscard]] Values values_of(const View& view) const;
  [[nodiscard]] http::Response page(int status, const View& view, std::string body) const;

  Translations translations_;
  config::Languages languages_;
  Sites sites_;
  const otp::Clock* clock_;
};

}  // namespace otpgw::web
