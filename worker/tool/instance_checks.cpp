#include <filesystem>
#include <vector>

#include "worker/memory_watch.h"
#include "worker/tool/checks.h"

namespace otpgw::tool {
namespace {

constexpr int kAtOnce = 11;  // a worker of a provider without the thread-safe flag has max_conns + 1
constexpr int kWarmUps = 20, kRounds = 200;
constexpr std::size_t kGrowthBytesMax = std::size_t{4} << 20;  // 20 KiB lost with each instance

std::ptrdiff_t entries(const char* folder) {
  return std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator());
}

}  // namespace

std::string check_instances(const Trial& trial, const Steps& steps) {
  const Loaded plugin(trial, steps);
  Faults faults;
  for (int i = 0; i < kWarmUps; ++i) static_cast<void>(plugin.create(faults));
  const auto descriptors = entries("/proc/self/fd"), threads = entries("/proc/self/task");
  const auto memory = worker::resident_bytes();
  steps.begin("while instances were made and destroyed one after the other");
  for (int i = 0; i < kRounds; ++i) static_cast<void>(plugin.create(faults));
  steps.begin("while eleven instances were made and destroyed");
  std::vector<std::unique_ptr<worker::PluginInstance>> instances;
  for (int i = 0; i < kAtOnce; ++i) instances.push_back(plugin.create(faults));
  instances.clear();
  if (entries("/proc/self/fd") > descriptors) throw Wrong("destroy leaves files or sockets open");
  if (entries("/proc/self/task") > threads) throw Wrong("destroy leaves threads running");
  if (const auto now = worker::resident_bytes(); now > memory + kGrowthBytesMax)
    throw Wrong("the process grew by " + std::to_string((now - memory) >> 10) + " KiB over " +
                std::to_string(kRounds) + " instances: destroy leaks memory");
  steps.begin("in deinit");
  return std::to_string(kWarmUps + kRounds + kAtOnce) + " made and destroyed";
}

}  // namespace otpgw::tool
