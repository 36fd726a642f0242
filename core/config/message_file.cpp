#include "core/config/message_file.h"

#include "core/config/languages.h"
#include "core/config/text_file.h"

namespace otpgw::config {

namespace {

namespace fs = std::filesystem;

TemplateSource read_file(const Section& section, const fs::path& path) {
  constexpr std::size_t kTemplateBytesMax = std::size_t{1} << 20;  // no message may be larger
  auto text = read_text_file(path, kTemplateBytesMax);
  if (!text)
    section.refuse("template", "expected a template file; got " + path.string() + ": " + text.error());
  return {.text = std::move(*text), .origin = path.string()};
}

}  // namespace

std::map<std::string, TemplateSource> read_translated_files(const Section& section,
                                                            const TemplateSource& file) {
  std::map<std::string, TemplateSource> translations;
  if (file.text.empty()) return translations;
  const fs::path path = file.origin;
  const std::string begin = path.stem().string() + ".", end = path.extension().string();
  const fs::path folder = path.has_parent_path() ? path.parent_path() : ".";
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    const std::string name = entry.path().filename().string();
    if (name.size() <= begin.size() + end.size() || !name.starts_with(begin) || !name.ends_with(end))
      continue;
    const std::string tag = name.substr(begin.size(), name.size() - begin.size() - end.size());
    if (is_language_tag(tag)) translations.emplace(lower_case(tag), read_file(section, entry.path()));
  }
  return translations;
}

TemplateSource read_message_file(const Section& section, const std::filesystem::path& messages_dir) {
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
    return read_file(section, path.lexically_normal());
  }
  section.refuse("template",
                 "expected a template file; got " + shown(value) + ", and found none at " + looked);
}

}  // namespace otpgw::config
