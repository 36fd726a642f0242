// app.tls_certificate, app.tls_key
#include "core/config/section.h"
#include "core/config/sections.h"
#include "core/config/text_file.h"

namespace otpgw::config {
namespace {

constexpr std::size_t kPemBytesMax = std::size_t{64} << 10;

PemFile read_pem(const Section& section, std::string_view name) {
  auto text = read_text_file(section.path_of(name, {}), kPemBytesMax);
  const Node& value = *section.find(name);
  if (!text) section.refuse(name, "expected a PEM file; got " + shown(value) + ": " + text.error());
  return {std::move(*text), value.origin.where + ": " + section.path() + "." + std::string(name)};
}

}  // namespace

std::optional<Tls> read_tls(const Node& root) {
  constexpr std::string_view kCertificate = "tls_certificate", kKey = "tls_key";
  const Section section(&root, "app", "app");
  const bool has_certificate = !section.text(kCertificate, "").empty();
  const bool has_key = !section.text(kKey, "").empty();
  if (has_certificate && !has_key)
    section.refuse(kCertificate, "expected app.tls_key beside it; got nothing");
  if (has_key && !has_certificate)
    section.refuse(kKey, "expected app.tls_certificate beside it; got nothing");
  if (!has_key) return std::nullopt;
  return Tls{read_pem(section, kCertificate), read_pem(section, kKey)};
}

}  // namespace otpgw::config
