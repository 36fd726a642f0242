#include <iostream>

#include "otpgw/provider.h"
#include "worker/tool/commands.h"
#include "worker/tool/section.h"
#include "worker/tool/test_message.h"
#include "worker/watchdog.h"

namespace otpgw::tool {
namespace {

std::string sentence(const wire::Result& result, bool honours_id) {
  switch (result.code) {
    case wire::ResultCode::sent:
      return "sent: the upstream took it";
    case wire::ResultCode::retry:
      return "not sent; the gateway would try again" +
             (result.retry_after_ms > 0 ? " after " + std::to_string(result.retry_after_ms) + " ms"
                                        : std::string());
    case wire::ResultCode::rejected:
      return "rejected: it never will be sent, the delivery has failed";
    case wire::ResultCode::unknown:
      return std::string("perhaps sent; the gateway would ") + (honours_id ? "try again" : "not try again");
    case wire::ResultCode::broken:
      return "not sent: the provider can't work like this; the gateway's messages would wait";
  }
  return {};
}

// Prints what is learnt on the way.
std::string send_one(const Trial& trial, const Steps& steps) {
  const Loaded plugin(trial, steps);
  Faults faults;
  const auto instance = plugin.create(faults);
  steps.begin("in validate");
  const auto address = instance->validate({.request = 1, .address = trial.address});
  if (address.verdict != wire::AddressVerdict::valid)
    throw Wrong("the address is not valid: " + address.sentence);
  const auto to = address.normalised.empty() ? trial.address : address.normalised;
  std::cout << "sending the code " << kTestCode << " to " << to << std::endl;

  steps.begin("in send");
  const auto result = instance->send(test_message(plugin.descriptor(), to), unix_ms_after(trial.timeout));
  std::cout << sentence(result, (plugin.descriptor().flags & OTPGW_FLAG_IDEMPOTENT) != 0) << '\n';
  if (!result.detail.empty()) std::cout << "  it says          " << result.detail << '\n';
  if (result.upstream_status != 0) std::cout << "  upstream status  " << result.upstream_status << '\n';
  if (!result.upstream_id.empty()) std::cout << "  upstream's id    " << result.upstream_id << '\n';
  std::cout.flush();
  faults.check();
  if (result.code != wire::ResultCode::sent) throw NotTried("");
  return {};
}

}  // namespace

int send(const Options& options) {
  const auto trial = trial_for(options);
  if (!trial) {
    std::cerr << trial.error().why << '\n';
    return trial.error().exit_code;
  }
  const auto found = find_in_child(kLoadMax + trial->timeout + worker::kWatchdogGrace,
                                   [&](const Steps& steps) { return send_one(*trial, steps); });
  if (found.kind == Finding::Kind::wrong) std::cerr << found.sentence << '\n';
  return found.kind == Finding::Kind::good ? kExitGood : kExitWrong;
}

}  // namespace otpgw::tool
