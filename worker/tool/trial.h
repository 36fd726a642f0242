// What is tried, and what each check does first: load the plug-in, make an instance.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "worker/plugin_library.h"
#include "worker/tool/child.h"

namespace otpgw::tool {

struct Trial {
  std::filesystem::path plugin;
  std::string provider;               // the section's name
  std::optional<std::string> config;  // JSON of the section, as create gets it; none: no --config was given
  std::chrono::milliseconds timeout{5000};  // of the section
  std::string address;                      // empty: no --to was given
  bool send = false;

  // What create gets: the section, or an empty one.
  [[nodiscard]] std::string config_or_empty() const { return config.value_or("{}"); }
};

// A check found this.
struct Wrong : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// A check can't be made.
struct NotTried : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Breaks of the contract that the plug-in host has seen. Any thread.
class Faults {
 public:
  void add(const std::string& sentence);
  // Throws the first as Wrong.
  void check() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> sentences_;  // under mutex_
};

// The plug-in, loaded. In a child only.
class Loaded {
 public:
  // Throws Wrong when it is no sound plug-in or does not offer the provider.
  Loaded(const Trial& trial, const Steps& steps);

  [[nodiscard]] const worker::PluginLibrary& library() const { return *library_; }
  [[nodiscard]] const wire::Descriptor& descriptor() const { return descriptor_; }
  [[nodiscard]] bool is_thread_safe() const;
  // An instance with the trial's configuration, whose faults are gathered in `faults`. Throws Wrong when a
  // given configuration is refused, NotTried when there is none and the plug-in wants one.
  [[nodiscard]] std::unique_ptr<worker::PluginInstance> create(Faults& faults) const;

 private:
  const Trial& trial_;
  std::unique_ptr<worker::PluginLibrary> library_;
  wire::Descriptor descriptor_;
};

// Runs `work` in a child. What it returns is a sentence for somebody who asks what was done.
struct Finding {
  enum class Kind { good, wrong, not_tried };
  Kind kind = Kind::good;
  std::string sentence;
};
[[nodiscard]] Finding find_in_child(std::chrono::milliseconds limit,
                                    const std::function<std::string(const Steps&)>& work);

}  // namespace otpgw::tool
