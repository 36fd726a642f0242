#include "core/config/message_file.h"

#include "core/config/text_file.h"

namespace otpgw::config {

TemplateSource read_message_file(const Section& section, const std::filesystem::path& messages_dir) {
  constexpr std::size_t kTemplateBytesMax = std::size_t{1} << 20;  // no message may be larger
  const std::filesystem::path name = section.text("template", "");
  if (name.empty()) return {};
  const Node& value = *section.find("template");
  std::string looked;
  for (const auto& path :
       {value.origin.folder / name, std::filesystem::path(name), messages_dir / name.filename()}) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) {
      looked += (looked.empty() ? "" : ", ") + path.lexically_normal().string();
      continue;
    }
    auto text = read_text_file(path, kTemplateBytesMax);
    if (!text) {
      section.refuse("template", "expected a template file; got " + path.lexically_normal().string() + ": " +
                                     text.error());
    }
    return {.text = std::move(*text), .origin = path.lexically_normal().string()};
  }
  section.refuse("template",
                 "expected a template file; got " + shown(value) + ", and found none at " + looked);
}

}  // namespace otpgw::config
