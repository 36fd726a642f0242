// KEY_file: a secret that stands in a file of its own instead of in the configuration.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/config/tree.h"

namespace otpgw::config {

// A value that begins with "${CREDENTIALS_DIRECTORY}/" begins with that variable's value: the folder in which
// systemd puts a unit's credentials. Without the variable it stays as it is.
void expand_credentials(Node& node, const std::map<std::string, std::string>& environment);

// Replaces every KEY_file of a secret by KEY with the file's content, without a trailing newline; a list of
// secrets stands one a line. Secrets are the keys that the table says are, in the sections of [auth] (when
// `with_auth`) and the switched on ones of [providers] and [webhooks]; any header of a webhook; and in the
// section of somebody else's plug-in the keys whose last word is password, passphrase, secret, key or token.
// Throws Refused when both are given or the file can't be read or is empty. Adds a line to `warnings` for a
// file that everybody can read.
void read_secret_files(Node& root, bool with_auth, std::vector<std::string>& warnings);

}  // namespace otpgw::config
