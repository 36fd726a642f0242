#include "worker/plugin_library.h"

#include <dlfcn.h>
#include <sys/stat.h>

#define BOOST_DLL_USE_STD_FS
#include <algorithm>
#include <boost/dll/shared_library.hpp>
#include <cerrno>
#include <cstring>
#include <exception>

#include "otpgw/ext/describe.h"
#include "worker/descriptor_check.h"
#include "worker/guarded_result.h"
#include "worker/log.h"
#include "worker/plugin_text.h"

namespace otpgw::worker {
namespace {

constexpr const char* kEntrySymbol = "otpgw_provider_entry";
constexpr std::size_t kLogMessageBytesMax = 900;

// All that may be read before abi_major is accepted.
struct FrozenPrefix {
  uint32_t abi_major, abi_minor, struct_size;
};

std::unexpected<std::string> refuse(const std::string& file, const std::string& why) {
  return std::unexpected(file + ": " + why);
}

std::expected<void, std::string> check_file(const std::filesystem::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0)
    return std::unexpected(errno == ENOENT ? "no such file" : std::string(std::strerror(errno)));
  if (!S_ISREG(info.st_mode)) return std::unexpected("not a file");
  // Whoever may change the library runs code with the provider's credentials.
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return std::unexpected("the file may be written by its group or by others; run chmod go-w on it");
  return {};
}

// Boost.DLL wraps what dlopen said; only that is of use: "undefined symbol: x", "invalid ELF header".
std::string loader_message(std::string_view what, const std::filesystem::path& file) {
  constexpr std::string_view kBefore = "dlerror system message: ", kAfter = "): ";
  if (const auto at = what.find(kBefore); at != what.npos) what.remove_prefix(at + kBefore.size());
  if (const auto at = what.rfind(kAfter); at != what.npos) what = what.substr(0, at);
  const auto prefix = file.string() + ": ";
  if (what.starts_with(prefix)) what.remove_prefix(prefix.size());
  return std::string(what);
}

void plugin_log(void*, int32_t level, otpgw_string message) {
  constexpr LogLevel kLevels[] = {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error};
  const auto known = level >= OTPGW_LOG_DEBUG && level <= OTPGW_LOG_ERROR ? kLevels[level] : LogLevel::info;
  log(known, "plug-in: " + plugin_text(message.data, std::min(message.size, kLogMessageBytesMax)));
}

const void* no_extension(void*, const char*) { return nullptr; }

}  // namespace

std::expected<std::unique_ptr<PluginLibrary>, StartError> PluginLibrary::load(
    const std::filesystem::path& file) {
  const auto refuse = [&file](const std::string& why, bool may_pass = false) {
    return std::unexpected(StartError{file.string() + ": " + why, may_pass});
  };
  if (auto checked = check_file(file); !checked) return refuse(checked.error());
  using boost::dll::load_mode::type;
  // RTLD_NODELETE is what "until the process ends" means to the loader; Boost has no name for it.
  const auto mode =
      boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local | static_cast<type>(RTLD_NODELETE);
  const auto path = std::filesystem::absolute(file);
  std::unique_ptr<PluginLibrary> library(new PluginLibrary);
  library->name_ = file.string();
  try {
    const boost::dll::shared_library handle(path, mode);
    if (!handle.has(kEntrySymbol))
      return refuse(std::string("not a provider: it does not export ") + kEntrySymbol);
    library->entry_ = &handle.get<const otpgw_entry>(kEntrySymbol);
  } catch (const std::exception& e) {
    return refuse("cannot be loaded: " + loader_message(e.what(), path));
  }
  if (auto checked = library->check_entry(); !checked) return refuse(checked.error());
  if (auto initialised = library->initialise(); !initialised) return refuse(initialised.error(), true);
  return library;
}

std::expected<void, std::string> PluginLibrary::check_entry() {
  FrozenPrefix prefix;
  std::memcpy(&prefix, entry_, sizeof prefix);
  if (prefix.abi_major != OTPGW_ABI_MAJOR)
    return std::unexpected("made for plug-in ABI " + std::to_string(prefix.abi_major) + "." +
                           std::to_string(prefix.abi_minor) + "; this worker has " +
                           std::to_string(OTPGW_ABI_MAJOR) + "." + std::to_string(OTPGW_ABI_MINOR));
  if (prefix.struct_size < sizeof(otpgw_entry))
    return std::unexpected("its entry is too short: expected at least " +
                           std::to_string(sizeof(otpgw_entry)) + " bytes, got " +
                           std::to_string(prefix.struct_size));
  if (entry_->create == nullptr || entry_->validate == nullptr || entry_->send == nullptr ||
      entry_->destroy == nullptr)
    return std::unexpected("its entry lacks create, validate, send or destroy");
  auto descriptors = read_descriptors(*entry_);
  if (!descriptors) return std::unexpected(descriptors.error());
  descriptors_ = std::move(*descriptors);
  return {};
}

std::expected<void, std::string> PluginLibrary::initialise() {
  host_ = {.struct_size = sizeof(otpgw_host),
           .abi_minor = OTPGW_ABI_MINOR,
           .context = nullptr,
           .log = plugin_log,
           .get_extension = no_extension};
  if (entry_->init != nullptr) {
    try {
      if (const auto code = entry_->init(&host_); code != 0)
        return std::unexpected("its init failed with code " + std::to_string(code));
    } catch (...) {
      return std::unexpected("its init threw an exception");
    }
  }
  initialised_ = true;
  return {};
}

PluginLibrary::~PluginLibrary() {
  if (!initialised_ || entry_->deinit == nullptr) return;
  try {
    entry_->deinit();
  } catch (...) {
    log(LogLevel::error, "the plug-in's deinit threw an exception");
  }
}

std::expected<wire::Descriptor, std::string> PluginLibrary::descriptor_for(std::string_view name) const {
  std::string offered;
  for (const auto& descriptor : descriptors_) {
    if (descriptor.id == name) return descriptor;
    offered += (offered.empty() ? "" : ", ") + descriptor.id;
  }
  if (descriptors_.size() == 1) return descriptors_.front();
  return refuse(name_, "it offers " + offered + "; name the section after one of them");
}

std::expected<PluginInstance, std::string> PluginLibrary::create(const wire::Descriptor& descriptor,
                                                                 std::string_view config_json) const {
  void* instance = nullptr;
  GuardedResult<otpgw_result> result;
  int32_t code = 0;
  try {
    code = entry_->create(&host_, descriptor.id.c_str(), {config_json.data(), config_json.size()}, &instance,
                          result.get());
  } catch (...) {
    return refuse(name_, "its create threw an exception");
  }
  result.check("create");
  if (code == 0 && instance != nullptr) return PluginInstance(entry_, instance);
  const auto why = plugin_text(result->detail, sizeof result->detail);
  return std::unexpected(why.empty() ? name_ + ": it refused its configuration without saying why" : why);
}

std::expected<wire::Descriptor, std::string> PluginLibrary::describe(
    const PluginInstance& instance, const wire::Descriptor& descriptor) const {
  const auto own =
      std::ranges::find(descriptors_, descriptor.id, &wire::Descriptor::id) - descriptors_.begin();
  otpgw_descriptor described = *entry_->descriptors[own];
  const auto flags = described.flags;
  try {
    const auto* extension =
        entry_->get_extension == nullptr ? nullptr : entry_->get_extension(OTPGW_EXT_DESCRIBE);
    if (extension == nullptr) return descriptor;
    static_cast<const otpgw_ext_describe*>(extension)->describe(instance.get(), &described);
  } catch (...) {
    return refuse(name_, "its describe threw an exception");
  }
  described.struct_size = entry_->descriptors[own]->struct_size;
  described.id = entry_->descriptors[own]->id;
  described.flags = (described.flags & ~OTPGW_FLAG_THREAD_SAFE) | (flags & OTPGW_FLAG_THREAD_SAFE);
  auto checked = read_descriptor(described, descriptor.id);
  return checked ? checked : refuse(name_, checked.error());
}

}  // namespace otpgw::worker
