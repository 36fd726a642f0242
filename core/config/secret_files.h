// KEY_file: a secret that stands in a file of its own instead of in the configuration.
#pragma once

#include "core/config/tree.h"

namespace otpgw::config {

// Replaces every KEY_file of a secret by KEY with the file's content, without a trailing newline: `secret`
// and `secrets` (one a line) in the sections of [auth] when `with_auth`; password, secret, secret_key,
// api_key and access_key in the switched on sections of [providers] and [webhooks]. Throws Refused when both
// are given or the file can't be read.
void read_secret_files(Node& root, bool with_auth);

}  // namespace otpgw::config
