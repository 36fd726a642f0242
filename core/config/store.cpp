// [store]
#include "core/config/section.h"
#include "core/config/sections.h"

namespace otpgw::config {
namespace {

[[noreturn]] void refuse_redis(const Origin& origin, std::string_view key) {
  refuse(origin, key,
         "a Redis store is not yet supported; for the built-in one, begin the file with the line: "
         "store.engine = \"sqlite\"");
}

}  // namespace

std::filesystem::path default_key_file(const App& app) { return app.data_dir / "otpgateway.key"; }

Sqlite read_store(const Node& root, const App& app, Warnings& warnings) {
  const Section store(&root, "store", "store");
  const Node* redis = store.find("redis");
  const Node* engine = store.find("engine");
  if (engine != nullptr && as_text(*engine) == "redis") refuse_redis(engine->origin, "store.engine");
  if (redis != nullptr) {
    if (engine == nullptr && store.find("sqlite") == nullptr) refuse_redis(redis->origin, "store.redis");
    warnings.push_back(redis->origin.where + ": store.redis: not used, the store is SQLite");
  }
  const Section sqlite(store.node(), "sqlite", "store.sqlite");
  Sqlite read{.path = sqlite.path_of("path", app.data_dir / "otpgateway.db")};
  if (const Node* size = store.find("min_free")) read.min_free_bytes = as_size(*size).value();
  return read;
}

}  // namespace otpgw::config
