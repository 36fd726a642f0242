// [admin]
#include "core/config/section.h"
#include "core/config/sections.h"
#include "core/config/web_address.h"

namespace otpgw::config {
namespace {

// Of a name we can't tell, and of "every address" we know that it is not.
bool is_private(const std::string& host) {
  const auto address = ip::Address::parse(host);
  return address ? address->is_private() : host == "localhost";
}

}  // namespace

Admin read_admin(const Node& root, Warnings& warnings) {
  const Section section(&root, "admin", "admin");
  Admin admin;
  const Node* value = section.find("address");
  if (value == nullptr) return admin;
  const auto text = as_text(*value).value();
  admin.configured = true;
  admin.enabled = !text.empty();
  if (!admin.enabled) return admin;
  const auto address = parse_host_port(text);
  if (!address)
    section.refuse("address",
                   "expected HOST:PORT like \"127.0.0.1:9001\", or \"\" for none; got " + shown(*value));
  admin.host = address->host;
  admin.port = address->port;
  if (!is_private(admin.host)) {
    warnings.push_back(value->origin.where +
                       ": admin.address: it has no authentication and is not a loopback or private address; "
                       "keep others away from it");
  }
  return admin;
}

}  // namespace otpgw::config
