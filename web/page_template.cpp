#include "web/page_template.h"

#include <algorithm>
#include <kainjow/mustache.hpp>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "core/config/text_file.h"

namespace otpgw::web {
namespace {

namespace mustache = kainjow::mustache;

constexpr auto kFlagNames = std::to_array<std::string_view>(
    {"popup",         "themed",          "own_logo",   "email",        "sms",         "whatsapp",
     "voice",         "other",           "phone",      "named",        "unnamed",     "described",
     "digits",        "changeable",      "returnable", "resendable",   "another",     "filled",
     "wrong_code",    "no_code",         "no_address", "bad_address",  "bad_country", "alert",
     "unusable",      "explained",       "too_long",   "changed",      "refused",     "fixed",
     "sends_limited", "guesses_limited", "too_early",  "expired",      "locked",      "busy",
     "invalid",       "forbidden",       "internal",   "posts_limited"});
static_assert(kFlagNames.size() == static_cast<std::size_t>(Flag::count));

constexpr auto kFieldNames = std::to_array<std::string_view>(
    {"base",       "path",     "query",       "favicon",        "logo",    "style",        "theme",
     "namespace",  "id",       "origins",     "description",    "address", "address_name", "expected",
     "return_url", "code",     "code_length", "code_maxlength", "attempt", "max_attempts", "seconds",
     "left",       "delivery", "step",        "alert_text",     "wait",    "cooldown"});
static_assert(kFieldNames.size() == static_cast<std::size_t>(Field::count));

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

}  // namespace

struct PageTemplate::State {
  explicit State(const std::string& text) : compiled(text) {}

  const Pieces& variant(Flags flags) {
    const std::lock_guard lock(mutex);
    if (const auto found = variants.find(flags); found != variants.end()) return found->second;
    for (std::size_t i = 0; i < kFlagNames.size(); ++i) {
      data.set(std::string(kFlagNames[i]), flags.has(static_cast<Flag>(i)));
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

bool is_flag(std::string_view name) { return std::ranges::find(kFlagNames, name) != kFlagNames.end(); }
bool is_field(std::string_view name) { return std::ranges::find(kFieldNames, name) != kFieldNames.end(); }

std::expected<PageTemplate, std::string> PageTemplate::load(const Folders& folders, std::string_view name,
                                                            const Texts& texts) {
  auto sources = read_template(folders, name, texts);
  if (!sources) return std::unexpected(std::move(sources.error()));
  for (const auto& [part, source] : *sources) {
    if (const mustache::mustache compiled(source); !compiled.is_valid()) {
      return std::unexpected(part + ".html: " + config::one_line(compiled.error_message()));
    }
  }
  const auto page = sources->extract(std::string(name));
  auto state = std::make_unique<State>(page.mapped());
  for (std::size_t i = 0; i < kFieldNames.size(); ++i) {
    state->data.set(std::string(kFieldNames[i]), std::string{kMark, static_cast<char>('A' + i)});
  }
  for (const auto& [part, source] : *sources) {
    state->data.set(part, mustache::data(mustache::partial([source] { return source; })));
  }
  return PageTemplate(std::move(state));
}

std::string PageTemplate::render(Flags flags, const Values& values) const {
  std::string page;
  page.reserve(values.style.size() + 4096);
  for (const Piece& piece : state_->variant(flags)) {
    page += piece.text;
    if (piece.field == Field::style) {
      page += values.style;
    } else if (piece.field) {
      append_escaped(page, values[*piece.field]);
    }
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
