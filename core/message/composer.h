// Makes the message of an OTP: which fields a namespace's and provider's templates get.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/config/config.h"
#include "core/config/languages.h"
#include "core/message/template.h"
#include "core/otp/code.h"
#include "core/otp/otp.h"
#include "core/wire/messages.h"

namespace otpgw::message {

// Immutable once made: any thread may call.
class Composer {
 public:
  // One provider's templates in each language that it has, by tag; "" is for all others.
  struct Translated {
    std::map<std::string, std::shared_ptr<const Templates>, std::less<>> templates;
    config::Languages languages;
  };
  using AllTemplates = std::map<std::string, Translated, std::less<>>;  // by provider

  // Compiles every provider's templates; the error is one line.
  [[nodiscard]] static std::expected<AllTemplates, std::string> compile(const config::Config& config);

  // The configuration must outlive it.
  Composer(const config::Config& config, AllTemplates templates)
      : config_(config), templates_(std::move(templates)) {}

  // In the language of the OTP's `locale`, else of app.locale, as far as the provider has texts in it. The
  // OTP's provider must be enabled.
  [[nodiscard]] Message compose(const otp::Otp& otp, std::string_view code,
                                const wire::Descriptor& descriptor, const otp::CodeVault& vault,
                                otp::UnixMs now) const;

 private:
  const config::Config& config_;
  AllTemplates templates_;
};

// ROOT/otp/NAMESPACE/ID?QUERY&key=KEY: the OTP's page. Query and key may be empty.
[[nodiscard]] std::string page_url(const config::Config& config, std::string_view name_space,
                                   std::string_view id, std::string query, std::string_view view_key);

}  // namespace otpgw::message
