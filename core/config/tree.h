// What the configuration says before it is checked: sections and values of all files and variables laid over
// each other, each with the place it came from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace otpgw::config {

struct Node;
struct Member;
using List = std::vector<Node>;
using Table = std::vector<Member>;  // in the order of the file

struct Origin {
  std::string where;             // "config.toml:14" or "OTP_GATEWAY_APP__ADDRESS"
  std::filesystem::path folder;  // relative paths in the value start here
};

struct Node {
  std::variant<std::string, int64_t, double, bool, List, Table> value;
  Origin origin;

  // Null when this is not a section.
  [[nodiscard]] const Table* table() const { return std::get_if<Table>(&value); }
  [[nodiscard]] Table* table() { return std::get_if<Table>(&value); }
  // The value by its name within this section; null when there is none, or this is not a section.
  [[nodiscard]] const Node* find(std::string_view name) const;
  [[nodiscard]] Node* find(std::string_view name);
};

struct Member {
  std::string name;
  Node node;
};

// Lays `from` over `into`: sections join, everything else is replaced.
void merge(Node& into, Node from);

// The one error of this folder. load() turns it into its result; it goes no further.
class Refused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
// Throws "WHERE: KEY: WHAT".
[[noreturn]] void refuse(const Origin& origin, std::string_view key, std::string_view what);

}  // namespace otpgw::config
