// Text that a plug-in wrote into a fixed buffer or points to, as a string that is safe to pass on.
#pragma once

#include <cstddef>
#include <string>

namespace otpgw::worker {

// Up to the first NUL or `bytes_max`. Control characters and ill-formed UTF-8 become '?'. `text` may be null.
[[nodiscard]] std::string plugin_text(const char* text, std::size_t bytes_max);

}  // namespace otpgw::worker
