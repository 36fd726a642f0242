#include "core/message/setup.h"

namespace otpgw::message {

std::expected<std::shared_ptr<const Setup>, std::string> Setup::make(config::Config config) {
  auto templates = Composer::compile(config);
  if (!templates) return std::unexpected(std::move(templates.error()));
  return std::make_shared<const Setup>(std::move(config), std::move(*templates));
}

}  // namespace otpgw::message
