#include <iomanip>
#include <iostream>

#include "worker/tool/checks.h"
#include "worker/tool/commands.h"
#include "worker/tool/section.h"

namespace otpgw::tool {
namespace {

constexpr std::chrono::seconds kCheckMax{30};

struct Check {
  const char* name;
  std::string (*run)(const Trial&, const Steps&);
};

constexpr Check kChecks[] = {{"descriptor", check_descriptor},
                             {"bad configurations", check_bad_configs},
                             {"instances", check_instances},
                             {"bad addresses", check_bad_addresses},
                             {"good address", check_good_address},
                             {"validate on threads", check_validate_threads},
                             {"send", check_send},
                             {"send, bad address", check_send_bad_address},
                             {"send, deadline", check_deadline},
                             {"send on threads", check_send_threads}};

void print(const char* name, const Finding& finding) {
  const char* const kWords[] = {"ok   ", "WRONG", "-    "};
  std::cout << kWords[static_cast<std::size_t>(finding.kind)] << "  " << std::left << std::setw(21) << name
            << (finding.kind == Finding::Kind::not_tried ? "not tried: " : "") << finding.sentence
            << std::endl;
}

}  // namespace

int check(const Options& options) {
  const auto trial = trial_for(options);
  if (!trial) {
    if (trial.error().exit_code == kExitUsage) {
      std::cerr << trial.error().why << '\n';
    } else {
      print("loading", {Finding::Kind::wrong, trial.error().why});
    }
    return trial.error().exit_code;
  }
  int wrong = 0;
  for (const auto& one : kChecks) {
    // A send may take its time; the watchdog's patience is on top.
    const auto finding =
        find_in_child(kCheckMax + trial->timeout, [&](const Steps& steps) { return one.run(*trial, steps); });
    print(one.name, finding);
    if (finding.kind == Finding::Kind::wrong) ++wrong;
  }
  if (wrong > 0) std::cout << wrong << " of " << std::size(kChecks) << " checks found something wrong.\n";
  return wrong == 0 ? kExitGood : kExitWrong;
}

}  // namespace otpgw::tool
