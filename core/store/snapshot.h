// A write's answer as bytes: what an idempotent request gets again. The code stays sealed in it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/store/store.h"

namespace otpgw::store {

[[nodiscard]] std::string encode_snapshot(const Written& written);
// Nothing when the bytes are malformed. Delivery and job are not in it: they are looked up anew.
[[nodiscard]] std::optional<Written> decode_snapshot(std::string_view bytes);

}  // namespace otpgw::store
