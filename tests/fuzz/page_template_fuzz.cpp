// Goal: no page template crashes the start or a page; a refusal is one line; a field's value is always
// escaped. Method: the input is a page and a part of it; what loads is rendered with no flag, all flags and
// every second one, with fields that hold what must not get through.

#include <cstdint>
#include <string>

#include "tests/fuzz/demand.h"
#include "tests/fuzz/folder.h"
#include "tests/fuzz/two_files.h"
#include "web/page_template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace otpgw::web;
  static const Folder folder;
  static const Texts texts = {{"word", "a &lt; b"}, {"sentence", "{{code}} {{> part}}"}};
  const auto [page, part] = two_files(data, size);
  folder.write("page.html", page);
  folder.write("part.html", part);
  const auto loaded = PageTemplate::load({folder.path()}, "page", texts);
  if (!loaded) {
    demand(!loaded.error().empty() && loaded.error().find('\n') == std::string::npos);
    return 0;
  }

  // No template may make these two bytes of its own but with the first of them.
  constexpr std::string_view kMarkup = "\x01<";
  Values values;
  for (int field = 0; field < static_cast<int>(Field::count); ++field) {
    values[static_cast<Field>(field)] = kMarkup;
  }
  const bool may_hold = page.contains(kMarkup.front()) || part.contains(kMarkup.front());
  for (const int step : {static_cast<int>(Flag::count), 2, 1}) {
    Flags flags;
    for (int flag = step - 1; flag < static_cast<int>(Flag::count); flag += step) {
      flags.set(static_cast<Flag>(flag), step <= 2);
    }
    const std::string text = loaded->render(flags, values);
    demand(may_hold || !text.contains(kMarkup));
  }
  return 0;
}
