#include "worker/tool/trial.h"

#include <utility>

namespace otpgw::tool {

void Faults::add(const std::string& sentence) {
  const std::lock_guard lock(mutex_);
  sentences_.push_back(sentence);
}

void Faults::check() const {
  const std::lock_guard lock(mutex_);
  if (!sentences_.empty()) throw Wrong(sentences_.front());
}

Loaded::Loaded(const Trial& trial, const Steps& steps) : trial_(trial) {
  steps.begin("while it was loaded");
  auto library = worker::PluginLibrary::load(trial.plugin);
  if (!library) throw Wrong(library.error().line);
  library_ = std::move(*library);
  if (trial.provider.empty()) return;
  auto descriptor = library_->descriptor_for(trial.provider);
  if (!descriptor) throw Wrong(descriptor.error());
  descriptor_ = std::move(*descriptor);
  steps.begin("in create");
}

bool Loaded::is_thread_safe() const { return (descriptor_.flags & OTPGW_FLAG_THREAD_SAFE) != 0; }

std::unique_ptr<worker::PluginInstance> Loaded::create(Faults& faults) const {
  auto created = library_->create(descriptor_, trial_.config_or_empty());
  if (!created && !trial_.config)
    throw NotTried("without --config=FILE there is no instance (" + created.error() + ")");
  if (!created) throw Wrong("its configuration is refused: " + created.error());
  auto instance = std::make_unique<worker::PluginInstance>(std::move(*created));
  instance->report_faults_to([&faults](const std::string& sentence) { faults.add(sentence); });
  return instance;
}

Finding find_in_child(std::chrono::milliseconds limit, const std::function<std::string(const Steps&)>& work) {
  const auto child = Child::run(limit, [&](const Steps& steps) -> std::string {
    try {
      return "+" + work(steps);
    } catch (const NotTried& reason) {
      return std::string(".") + reason.what();
    } catch (const std::exception& fault) {
      return std::string("-") + fault.what();
    }
  });
  // A fault that was found weighs more than how the process ended afterwards.
  if (child.result.starts_with("-")) return {Finding::Kind::wrong, child.result.substr(1)};
  if (child.end != Child::End::returned) return {Finding::Kind::wrong, child.sentence()};
  return {child.result.starts_with("+") ? Finding::Kind::good : Finding::Kind::not_tried,
          child.result.substr(1)};
}

}  // namespace otpgw::tool
