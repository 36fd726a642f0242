#include "core/store/snapshot.h"

#include "core/wire/bytes.h"

namespace otpgw::store {
namespace {

// One list of the fields for both directions.
template <class Record, class Visit>
void each_field(Record& o, Visit&& visit) {
  visit(o.name_space), visit(o.id), visit(o.to), visit(o.to_normalised), visit(o.to_from_page),
      visit(o.provider);
  visit(o.channel_description), visit(o.address_description), visit(o.extra);
  visit(o.attempts), visit(o.max_attempts), visit(o.generate), visit(o.max_generate);
  visit(o.closed), visit(o.skip_delete), visit(o.code_is_digits), visit(o.code_length);
  visit(o.code_hash), visit(o.code_sealed), visit(o.expires_at), visit(o.keep_until);
}

}  // namespace

std::string encode_snapshot(const Written& written) {
  wire::ByteWriter out;
  out.put(written.verdict);
  each_field(written.otp, [&](const auto& field) { out.put(field); });
  return out.take();
}

std::optional<Written> decode_snapshot(std::string_view bytes) {
  Written written;
  wire::ByteReader in(bytes);
  in.get(written.verdict);
  each_field(written.otp, [&](auto& field) { in.get(field); });
  if (!in.ok()) return {};
  return written;
}

}  // namespace otpgw::store
