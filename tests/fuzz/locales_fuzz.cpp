// Goal: no locale file crashes the start or a page; a refusal is one line; each language has every text of
// English, and none of them brings markup of its own. Method: the input is English and a second language;
// what loads is rendered on a page that has no markup.

#include <cstdint>
#include <string>

#include "tests/fuzz/demand.h"
#include "tests/fuzz/folder.h"
#include "tests/fuzz/two_files.h"
#include "web/locales.h"
#include "web/page_template.h"

namespace {

bool is_one_line(const std::string& error) { return !error.empty() && error.find('\n') == std::string::npos; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace otpgw::web;
  static const Folder folder;
  const auto [english, other] = two_files(data, size);
  folder.write("locales/en.toml", english);
  folder.write("locales/pt-BR.toml", other);
  const auto locales = load_locales({folder.path()});
  if (!locales) {
    demand(is_one_line(locales.error()));
    return 0;
  }

  folder.write("page.html", "{{t.lang}} {{t.dir}} {{t.greeting}} | {{t.farewell}}");
  folder.write("part.html", "{{#popup}}{{code}}{{/popup}}");
  Values values;
  values[Field::code] = values[Field::address] = "<script>";
  demand(locales->size() == 2);
  for (const auto& [name, texts] : *locales) {
    for (const auto& [key, text] : locales->at("en")) demand(texts.contains(key));
    const auto page = PageTemplate::load({folder.path()}, "page", texts);
    if (page) {
      demand(!page->render({Flag::popup}, values).contains('<'));
    } else {
      demand(is_one_line(page.error()));
    }
  }
  return 0;
}
