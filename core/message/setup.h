// One reading of the configuration with what is compiled from it. A reload makes another one and leaves this
// as it is: each thread is handed the new one by a task and works with it from then on, and a request goes on
// with the one that it began with. So nothing is locked, and nobody sees half of each.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "core/config/config.h"
#include "core/message/composer.h"
#include "core/wire/redaction.h"

namespace otpgw::message {

// Immutable: any thread may read.
struct Setup {
  // The error is one line: a template that can't be compiled.
  [[nodiscard]] static std::expected<std::shared_ptr<const Setup>, std::string> make(config::Config config);

  Setup(config::Config read, Composer::AllTemplates templates);
  Setup(const Setup&) = delete;
  Setup& operator=(const Setup&) = delete;

  const config::Config config;
  const Composer composer;
  const wire::Redaction redaction;  // of the configuration's secrets
};

// The configuration alone, which keeps the whole alive.
[[nodiscard]] inline std::shared_ptr<const config::Config> config_of(std::shared_ptr<const Setup> setup) {
  const auto* config = &setup->config;
  return {std::move(setup), config};
}

}  // namespace otpgw::message
