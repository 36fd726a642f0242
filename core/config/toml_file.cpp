#include "core/config/toml_file.h"

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

#include <algorithm>
#include <sstream>

#include "core/config/text_file.h"

namespace otpgw::config {
namespace {

class Converter {
 public:
  explicit Converter(const std::filesystem::path& file)
      : name_(file.string()), folder_(std::filesystem::absolute(file).parent_path()) {}

  Node convert(const toml::node& from) const {
    Node node;
    node.origin = {name_ + ":" + std::to_string(from.source().begin.line), folder_};
    if (const toml::table* table = from.as_table()) {
      node.value = members(*table);
    } else if (const toml::array* array = from.as_array()) {
      List list;
      for (const toml::node& item : *array) list.push_back(convert(item));
      node.value = std::move(list);
    } else if (const auto* text = from.as_string()) {
      node.value = text->get();
    } else if (const auto* integer = from.as_integer()) {
      node.value = int64_t{integer->get()};
    } else if (const auto* number = from.as_floating_point()) {
      node.value = number->get();
    } else if (const auto* boolean = from.as_boolean()) {
      node.value = boolean->get();
    } else {
      node.value = date_text(from);
    }
    return node;
  }

 private:
  // toml++ sorts a table by name; people read errors in the order of their file.
  Table members(const toml::table& from) const {
    std::vector<std::pair<toml::source_index, Member>> sorted;
    for (const auto& [key, value] : from) {
      sorted.emplace_back(key.source().begin.line, Member{std::string(key.str()), convert(value)});
    }
    std::ranges::stable_sort(sorted, {}, [](const auto& entry) { return entry.first; });
    Table table;
    for (auto& entry : sorted) table.push_back(std::move(entry.second));
    return table;
  }

  static std::string date_text(const toml::node& from) {
    std::ostringstream text;
    from.visit([&](const auto& value) { text << value; });
    return text.str();
  }

  std::string name_;
  std::filesystem::path folder_;
};

}  // namespace

Node read_toml(const std::filesystem::path& file) {
  // Ten times what a large installation needs; a wrong path (a database, a device) ends here.
  constexpr std::size_t kFileBytesMax = std::size_t{1} << 20;
  const auto text = read_text_file(file, kFileBytesMax);
  if (!text) throw Refused(file.string() + ": expected a configuration file; " + text.error());
  try {
    return Converter(file).convert(toml::parse(*text));
  } catch (const toml::parse_error& error) {
    throw Refused(file.string() + ":" + std::to_string(error.source().begin.line) +
                  ": not valid TOML: " + std::string(error.description()));
  }
}

}  // namespace otpgw::config
