#include "web/assets.h"

#include "web/script_words.h"

namespace otpgw::web {

std::expected<std::shared_ptr<const Assets>, std::string> Assets::read(const config::Config& config,
                                                                       const std::filesystem::path& share_dir,
                                                                       const otp::Clock& clock) {
  Folders templates = {share_dir / "web"}, parents = {share_dir};
  if (const auto& own = config.web.templates_dir; !own.empty()) {
    templates.insert(templates.begin(), own);
    parents.insert(parents.begin(), own);
  }
  auto files = StaticFiles::read(parents);
  if (!files) return std::unexpected(std::move(files.error()));
  const auto locales = load_locales(templates);
  if (!locales) return std::unexpected(locales.error());
  Sites sites = Sites::from(config, files->text("style.css"));
  auto renderer = Renderer::load(templates, *locales, config.app, std::move(sites), clock);
  if (!renderer) return std::unexpected(std::move(renderer.error()));
  files->set_text("otp.js", with_words(files->text("otp.js"), *locales, renderer->default_language()));
  std::map<std::string, StaticFile, std::less<>> themes;
  for (const auto& [name, name_space] : config.namespaces) {
    const std::string& css = renderer->sites().of(name).theme;
    if (!css.empty()) themes.emplace(name, static_file("text/css; charset=utf-8", css));
  }
  return std::make_shared<const Assets>(std::move(*renderer), std::move(*files), std::move(themes));
}

}  // namespace otpgw::web
