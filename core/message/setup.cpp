#include "core/message/setup.h"

namespace otpgw::message {
namespace {

std::vector<std::string> secrets_of(const config::Config& config) {
  std::vector<std::string> all;
  const auto add = [&all](const auto& secrets) { all.insert(all.end(), secrets.begin(), secrets.end()); };
  for (const auto& [name, name_space] : config.namespaces) add(name_space.secrets);
  for (const auto& [id, provider] : config.providers) add(provider.secrets);
  return all;
}

}  // namespace

Setup::Setup(config::Config read, Composer::AllTemplates templates)
    : config(std::move(read)), composer(config, std::move(templates)), redaction(secrets_of(config)) {}

std::expected<std::shared_ptr<const Setup>, std::string> Setup::make(config::Config config) {
  auto templates = Composer::compile(config);
  if (!templates) return std::unexpected(std::move(templates.error()));
  return std::make_shared<const Setup>(std::move(config), std::move(*templates));
}

}  // namespace otpgw::message
