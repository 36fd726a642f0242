#include <atomic>
#include <thread>
#include <vector>

#include "worker/tool/checks.h"
#include "worker/tool/test_message.h"

namespace otpgw::tool {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using worker::PluginInstance;

constexpr auto kShortTime = 300ms;
constexpr auto kLateBy = 1000ms;  // what a busy machine is granted; the watchdog's 2 s are no licence
constexpr int kThreads = 8;

void want_send(const Trial& trial) {
  if (!trial.send) throw NotTried("--send with --config=FILE and --to=ADDRESS sends messages");
}

std::string normalised(PluginInstance& instance, const Trial& trial) {
  const auto answer = instance.validate({.request = 1, .address = trial.address});
  return answer.normalised.empty() ? trial.address : answer.normalised;
}

// Sends, and throws Wrong when the call comes back late.
wire::Result send_in_time(PluginInstance& instance, const wire::Job& job, std::chrono::milliseconds limit) {
  const auto begin = Clock::now();
  auto result = instance.send(job, unix_ms_after(limit));
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
  if (took > limit + kLateBy)
    throw Wrong("send took " + std::to_string(took.count()) + " ms with " + std::to_string(limit.count()) +
                " ms left until its deadline");
  return result;
}

}  // namespace

std::string check_send(const Trial& trial, const Steps& steps) {
  want_send(trial);
  const Loaded plugin(trial, steps);
  Faults faults;
  const auto instance = plugin.create(faults);
  steps.begin("in send");
  const auto begin = Clock::now();
  const auto result =
      send_in_time(*instance, test_message(plugin.descriptor(), normalised(*instance, trial)), trial.timeout);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
  faults.check();
  if (result.code != wire::ResultCode::sent) throw Wrong("the message was not sent: " + words(result));
  return "SENT in " + std::to_string(took.count()) + " ms" +
         (result.upstream_id.empty() ? "" : ", the upstream calls it " + result.upstream_id);
}

std::string check_send_bad_address(const Trial& trial, const Steps& steps) {
  want_send(trial);
  const Loaded plugin(trial, steps);
  Faults faults;
  const auto instance = plugin.create(faults);
  const std::string address = "bad\n\x01";
  if (instance->validate({.request = 1, .address = address}).verdict == wire::AddressVerdict::valid)
    throw NotTried("validate takes it");
  steps.begin("in send with an address that validate refuses");
  const auto result = send_in_time(*instance, test_message(plugin.descriptor(), address), trial.timeout);
  faults.check();
  if (result.code != wire::ResultCode::rejected)
    throw Wrong("expected REJECTED for an address that validate refuses, got " + words(result));
  return words(result);
}

std::string check_deadline(const Trial& trial, const Steps& steps) {
  want_send(trial);
  const Loaded plugin(trial, steps);
  Faults faults;
  const auto instance = plugin.create(faults);
  const auto job = test_message(plugin.descriptor(), normalised(*instance, trial));
  steps.begin("in send with 300 ms left until its deadline");
  const auto result = send_in_time(*instance, job, kShortTime);
  faults.check();
  return "with 300 ms left: " + words(result) + "; it means most with an upstream that hangs";
}

std::string check_send_threads(const Trial& trial, const Steps& steps) {
  want_send(trial);
  const Loaded plugin(trial, steps);
  Faults faults;
  std::vector<std::unique_ptr<PluginInstance>> instances;
  const int count = plugin.is_thread_safe() ? 1 : kThreads + 1;
  for (int i = 0; i < count; ++i) instances.push_back(plugin.create(faults));
  auto& validator = *instances.back();
  const auto address = normalised(validator, trial);

  steps.begin("in send on 8 threads at once, beside validate");
  std::atomic<bool> sending = true;
  std::thread validate([&] {
    while (sending) static_cast<void>(normalised(validator, trial));
  });
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      try {
        auto& instance = *instances[plugin.is_thread_safe() ? 0 : static_cast<std::size_t>(i)];
        const auto result = send_in_time(instance, test_message(plugin.descriptor(), address), trial.timeout);
        if (result.code != wire::ResultCode::sent)
          faults.add("of 8 messages at once one was not sent: " + words(result));
      } catch (const Wrong& wrong) {
        faults.add(wrong.what());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  sending = false;
  validate.join();
  faults.check();
  return "8 messages on " + std::string(plugin.is_thread_safe() ? "one instance" : "an instance each");
}

}  // namespace otpgw::tool
