// One instance of a provider: what the ABI's validate and send become as values. Nothing that a plug-in
// throws or writes gets past here unchecked.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/wire/messages.h"
#include "otpgw/provider.h"

namespace otpgw::worker {

// Owns the instance. Move-only; destroyed on the load thread.
class PluginInstance {
 public:
  PluginInstance(const otpgw_entry* entry, void* instance);
  PluginInstance(PluginInstance&& other) noexcept;
  PluginInstance& operator=(PluginInstance&&) = delete;
  ~PluginInstance();

  // What the ABI knows it by.
  [[nodiscard]] void* get() const { return instance_; }

  // Who hears of each break of the contract by validate and send, in one sentence, instead of the log. The
  // answers below are sound all the same. Before the first call; told on the calling thread.
  using FaultReport = std::function<void(const std::string& sentence)>;
  void report_faults_to(FaultReport report) { report_fault_ = std::move(report); }

  // Validate thread; any thread when the provider is flagged thread-safe.
  [[nodiscard]] wire::Address validate(const wire::Validate& request);

  // Sending thread of this instance; any thread when flagged. Blocks as long as the plug-in does. The answer
  // carries the job's id and attempt.
  [[nodiscard]] wire::Result send(const wire::Job& job, int64_t deadline_unix_ms);

 private:
  [[nodiscard]] std::string text(const char* name, const char* buffer, std::size_t buffer_bytes) const;
  [[nodiscard]] std::string without_secrets(const char* name, std::string text, const wire::Job& job) const;

  const otpgw_entry* entry_;
  void* instance_;
  FaultReport report_fault_;
};

}  // namespace otpgw::worker
