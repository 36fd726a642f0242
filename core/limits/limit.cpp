#include "core/limits/limit.h"

#include <array>

namespace otpgw::limits {
namespace {

struct Words {
  std::string_view name, sentence;
};
// In the order of the enumeration.
constexpr std::array<Words, 7> kWords{{
    {"address_sends", "Too many codes have been sent to this address"},
    {"address_guesses", "Too many wrong codes have been entered for this address"},
    {"client_sends", "Too many codes have been sent for this client"},
    {"namespace_sends", "Too many codes have been sent for this application"},
    {"prefix_sends", "Too many codes have been sent to numbers that begin like this one"},
    {"ip_posts", "Too many tries from this network have failed"},
    {"countries", "No codes are sent to numbers of this country"},
}};

const Words& words(Limit limit) { return kWords.at(static_cast<std::size_t>(limit)); }

}  // namespace

std::string_view name(Limit limit) { return words(limit).name; }
std::string_view sentence(Limit limit) { return words(limit).sentence; }

}  // namespace otpgw::limits
