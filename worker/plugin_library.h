// The plug-in host: loads a provider's shared library, checks it before anything of it is called, and makes
// instances. A library that once was loaded stays loaded until the process ends: a plug-in may have left
// threads or thread-local destructors behind.
#pragma once

#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/start_error.h"
#include "core/wire/messages.h"
#include "otpgw/provider.h"
#include "worker/plugin_instance.h"

namespace otpgw::worker {

class PluginLibrary {
 public:
  // Loads, checks and initialises. The error is one sentence that says what is wrong with the file; that its
  // init failed may pass. Not for a library that is loaded already: init would run twice.
  [[nodiscard]] static std::expected<std::unique_ptr<PluginLibrary>, StartError> load(
      const std::filesystem::path& file);

  // Runs the plug-in's deinit; no instance may be left.
  ~PluginLibrary();
  PluginLibrary(const PluginLibrary&) = delete;
  PluginLibrary& operator=(const PluginLibrary&) = delete;

  [[nodiscard]] const std::vector<wire::Descriptor>& descriptors() const { return descriptors_; }
  [[nodiscard]] uint32_t abi_minor() const { return entry_->abi_minor; }

  // The descriptor for the configuration's [providers.NAME]: the one with that id, or the only one.
  [[nodiscard]] std::expected<wire::Descriptor, std::string> descriptor_for(std::string_view name) const;

  // Load thread. The error is the plug-in's own sentence on its configuration.
  [[nodiscard]] std::expected<PluginInstance, std::string> create(const wire::Descriptor& descriptor,
                                                                  std::string_view config_json) const;

  // Load thread. `descriptor`, or what an instance that describes itself (otpgw/ext/describe.h) makes of it.
  [[nodiscard]] std::expected<wire::Descriptor, std::string> describe(
      const PluginInstance& instance, const wire::Descriptor& descriptor) const;

 private:
  PluginLibrary() = default;
  // Neither names the file.
  [[nodiscard]] std::expected<void, std::string> check_entry();
  [[nodiscard]] std::expected<void, std::string> initialise();

  std::string name_;  // of the file, for sentences
  const otpgw_entry* entry_ = nullptr;
  otpgw_host host_{};
  bool initialised_ = false;
  std::vector<wire::Descriptor> descriptors_;
};

}  // namespace otpgw::worker
