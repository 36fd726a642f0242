// [workers]
#include <sys/un.h>

#include "core/config/section.h"
#include "core/config/sections.h"

namespace otpgw::config {
namespace {

constexpr std::string_view kIpc = "ipc://";
constexpr std::string_view kUnitEndpoint = "ipc:///run/otpgateway/broker.sock";  // of the packaged units

// Where relative names would lead depends on who opens them, so there are none.
bool is_ipc(const std::string& endpoint) {
  return endpoint.starts_with("ipc:///") && endpoint.size() - kIpc.size() < sizeof(sockaddr_un::sun_path);
}

}  // namespace

Workers read_workers(const Node& root) {
  const Section section(&root, "workers", "workers");
  Workers workers;
  workers.spawn = section.boolean("spawn", workers.spawn);
  workers.endpoint = section.text("endpoint", workers.spawn ? "" : std::string(kUnitEndpoint));
  if (workers.endpoint.empty()) return workers;
  if (workers.endpoint.starts_with("tcp://")) {
    section.refuse("endpoint", "workers on other machines (tcp://) are not yet supported; use ipc://");
  }
  if (!is_ipc(workers.endpoint)) {
    section.refuse("endpoint", "expected ipc:// and the absolute path of a socket, at most " +
                                   std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes, like \"" +
                                   std::string(kUnitEndpoint) + "\"; got " +
                                   shown(*section.find("endpoint")));
  }
  return workers;
}

}  // namespace otpgw::config
