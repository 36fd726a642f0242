#include "web/page_template.h"

#include <algorithm>
#include <fstream>
#include <kainjow/mustache.hpp>
#include <mutex>
#include <optional>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

namespace otpgw::web {
namespace {

namespace mustache = kainjow::mustache;

constexpr auto kFlagNames = std::to_array<const char*>(
    {"popup",  "email",      "sms",       "whatsapp",   "voice",      "other",      "phone",
     "named",  "unnamed",    "described", "digits",     "changeable", "resendable", "another",
     "filled", "wrong_code", "no_code",   "no_address", "alert",      "expired",    "locked",
     "busy",   "invalid",    "forbidden", "internal"});
static_assert(kFlagNames.size() == static_cast<std::size_t>(Flag::count));

constexpr auto kFieldNames = std::to_array<const char*>(
    {"base", "path",        "query",          "favicon",   "logo",         "namespace",
     "id",   "origins",     "description",    "address",   "address_name", "expected",
     "code", "code_length", "code_maxlength", "attempt",   "max_attempts", "seconds",
     "left", "delivery",    "step",           "alert_text"});
static_assert(kFieldNames.size() == static_cast<std::size_t>(Field::count));

// A field's mark: this byte, then 'A' + the field's number. Neither occurs in a template as a pair, and
// mustache's escaping leaves both alone.
constexpr char kMark = '\x1f';

// The text before a field, and the field. The last one of a page has none.
struct Piece {
  std::string text;
  std::optional<Field> field;
};
using Pieces = std::vector<Piece>;

Pieces split(std::string_view marked) {
  Pieces pieces;
  for (;;) {
    const std::size_t mark = marked.find(kMark);
    if (mark == std::string_view::npos || mark + 1 >= marked.size()) {
      pieces.push_back({std::string(marked), std::nullopt});
      return pieces;
    }
    pieces.push_back({std::string(marked.substr(0, mark)), static_cast<Field>(marked[mark + 1] - 'A')});
    marked.remove_prefix(mark + 2);
  }
}

std::optional<std::string> read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (!(in && text << in.rdbuf())) return std::nullopt;
  return std::move(text).str();
}

bool is_known(std::string_view name, const auto& names) {
  return std::ranges::any_of(names, [&](const char* known) { return name == known; });
}

// The first tag whose name means nothing here, or the names of the partials.
std::expected<std::set<std::string>, std::string> check_tags(std::string_view text) {
  std::set<std::string> partials;
  for (std::size_t at = 0; (at = text.find("{{", at)) != std::string_view::npos;) {
    const std::size_t end = text.find("}}", at);
    if (end == std::string_view::npos) break;  // kainjow says it better
    std::string_view tag = text.substr(at + 2, end - at - 2);
    at = end + 2;
    const char kind = tag.empty() ? ' ' : tag.front();
    if (std::string_view("#^/>").contains(kind)) tag.remove_prefix(1);
    while (tag.starts_with(' ')) tag.remove_prefix(1);
    while (tag.ends_with(' ')) tag.remove_suffix(1);
    if (kind == '!') continue;
    if (kind == '>') {
      partials.emplace(tag);
    } else if (!(kind == '#' || kind == '^' || kind == '/' ? is_known(tag, kFlagNames)
                                                           : is_known(tag, kFieldNames))) {
      return std::unexpected("unknown name {{" + std::string(tag) + "}}");
    }
  }
  return partials;
}

// Adds the partials that `text` uses, and theirs, to `partials`. The error names the file.
std::expected<void, std::string> load_file(const std::filesystem::path& folder, const std::string& name,
                                           std::map<std::string, std::string>& texts) {
  const std::filesystem::path file = folder / (name + ".html");
  const auto text = read_file(file);
  if (!text) return std::unexpected(file.string() + ": can't be read");
  if (const mustache::mustache compiled(*text); !compiled.is_valid()) {
    return std::unexpected(file.string() + ": " + compiled.error_message());
  }
  const auto partials = check_tags(*text);
  if (!partials) return std::unexpected(file.string() + ": " + partials.error());
  texts.emplace(name, *text);
  for (const std::string& partial : *partials) {
    if (is_known(partial, kFieldNames) || is_known(partial, kFlagNames)) {
      return std::unexpected(file.string() + ": {{> " + partial + "}}: a field or flag has this name");
    }
    if (texts.contains(partial)) continue;
    if (auto loaded = load_file(folder, partial, texts); !loaded) return loaded;
  }
  return {};
}

}  // namespace

struct PageTemplate::State {
  explicit State(const std::string& text) : compiled(text) {}

  const Pieces& variant(Flags flags) {
    const std::lock_guard lock(mutex);
    if (const auto found = variants.find(flags); found != variants.end()) return found->second;
    for (std::size_t i = 0; i < kFlagNames.size(); ++i) {
      data.set(kFlagNames[i], flags.has(static_cast<Flag>(i)));
    }
    return variants.emplace(flags, split(compiled.render(data))).first->second;
  }

  std::mutex mutex;                  // guards everything below
  mustache::mustache compiled;       // render() is not const
  mustache::data data;               // marks for the fields, the partials, and the flags of the last variant
  std::map<Flags, Pieces> variants;  // as many as combinations of flags occur: some dozens; never removed
};

PageTemplate::PageTemplate(std::unique_ptr<State> state) : state_(std::move(state)) {}
PageTemplate::PageTemplate(PageTemplate&&) noexcept = default;
PageTemplate& PageTemplate::operator=(PageTemplate&&) noexcept = default;
PageTemplate::~PageTemplate() = default;

std::expected<PageTemplate, std::string> PageTemplate::load(const std::filesystem::path& folder,
                                                            std::string_view name) {
  std::map<std::string, std::string> texts;
  if (auto loaded = load_file(folder, std::string(name), texts); !loaded) {
    return std::unexpected(std::move(loaded.error()));
  }
  const auto page = texts.extract(std::string(name));
  auto state = std::make_unique<State>(page.mapped());
  for (std::size_t i = 0; i < kFieldNames.size(); ++i) {
    state->data.set(kFieldNames[i], std::string{kMark, static_cast<char>('A' + i)});
  }
  for (const auto& [partial, text] : texts) {
    state->data.set(partial, mustache::data(mustache::partial([text] { return text; })));
  }
  return PageTemplate(std::move(state));
}

std::string PageTemplate::render(Flags flags, const Values& values) const {
  std::string page;
  page.reserve(4096);
  for (const Piece& piece : state_->variant(flags)) {
    page += piece.text;
    if (piece.field) append_escaped(page, values[*piece.field]);
  }
  return page;
}

void append_escaped(std::string& out, std::string_view text) {
  for (;;) {
    const std::size_t special = text.find_first_of("&<>\"'");
    out.append(text.substr(0, special));
    if (special == std::string_view::npos) return;
    switch (text[special]) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += "&#39;";
    }
    text.remove_prefix(special + 1);
  }
}

}  // namespace otpgw::web
