// Finds the template file of a message.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "core/config/config.h"
#include "core/config/section.h"

namespace otpgw::config {

// The file that `template` of a provider's section names: in the folder of the configuration, else in the
// working directory, else the installed one of that name in `messages_dir`. An empty name: the built-in text.
// Throws Refused when there is none.
[[nodiscard]] TemplateSource read_message_file(const Section& section,
                                               const std::filesystem::path& messages_dir);

// The same in other languages: what stands beside that file as NAME.TAG.EXTENSION ("smtp.hi.tpl"), by the tag
// in lower case. Throws Refused.
[[nodiscard]] std::map<std::string, TemplateSource> read_translated_files(const Section& section,
                                                                          const TemplateSource& file);

}  // namespace otpgw::config
