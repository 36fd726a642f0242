#include "core/config/tree.h"

#include <algorithm>
#include <utility>

namespace otpgw::config {

Node* Node::find(std::string_view name) { return const_cast<Node*>(std::as_const(*this).find(name)); }

const Node* Node::find(std::string_view name) const {
  const Table* members = table();
  if (members == nullptr) return nullptr;
  const auto found = std::ranges::find(*members, name, &Member::name);
  return found == members->end() ? nullptr : &found->node;
}

void merge(Node& into, Node from) {
  if (into.table() == nullptr || from.table() == nullptr) {
    into = std::move(from);
    return;
  }
  for (Member& member : *from.table()) {
    if (Node* present = into.find(member.name)) {
      merge(*present, std::move(member.node));
    } else {
      into.table()->push_back(std::move(member));
    }
  }
}

void refuse(const Origin& origin, std::string_view key, std::string_view what) {
  throw Refused(origin.where + ": " + std::string(key) + ": " + std::string(what));
}

}  // namespace otpgw::config
