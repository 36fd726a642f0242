// One instance of a provider: what the ABI's validate and send become as values. Nothing that a plug-in
// throws or writes gets past here unchecked.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/wire/messages.h"
#include "otpgw/provider.h"

namespace otpgw::worker {

// Owns the instance. Move-only; destroyed on the load thread.
class PluginInstance {
 public:
  PluginInstance(const otpgw_entry* entry, void* instance) : entry_(entry), instance_(instance) {}
  PluginInstance(PluginInstance&& other) noexcept;
  PluginInstance& operator=(PluginInstance&&) = delete;
  ~PluginInstance();

  // What the ABI knows it by.
  [[nodiscard]] void* get() const { return instance_; }

  // Validate thread; any thread when the provider is flagged thread-safe.
  [[nodiscard]] wire::Address validate(const wire::Validate& request);

  // Sending thread of this instance; any thread when flagged. Blocks as long as the plug-in does. The answer
  // carries the job's id and attempt.
  [[nodiscard]] wire::Result send(const wire::Job& job, int64_t deadline_unix_ms);

 private:
  const otpgw_entry* entry_;
  void* instance_;
};

}  // namespace otpgw::worker
