// Finds the template file of a message.
#pragma once

#include <filesystem>

#include "core/config/config.h"
#include "core/config/section.h"

namespace otpgw::config {

// The file that `template` of a provider's section names: in the folder of the configuration, else in the
// working directory, else the installed one of that name in `messages_dir`. An empty name: the built-in text.
// Throws Refused when there is none.
[[nodiscard]] TemplateSource read_message_file(const Section& section,
                                               const std::filesystem::path& messages_dir);

}  // namespace otpgw::config
