// What an answer of Kaleyra's says became of the message.
#pragma once

#include "otpgw/http.hpp"
#include "otpgw/provider.hpp"

namespace otpgw::kaleyra {

// Sent is only what a 2xx with an id and without an error says. `detail` holds the status, Kaleyra's code
// (RBC...) and words of ours: Kaleyra's own may quote the number. Any thread.
[[nodiscard]] Result verdict(const http::Answer& answer);

}  // namespace otpgw::kaleyra
