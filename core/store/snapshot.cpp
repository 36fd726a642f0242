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
  out.put(encode_fallback(written.otp.fallback));
  return out.take();
}

std::optional<Written> decode_snapshot(std::string_view bytes) {
  Written written;
  wire::ByteReader in(bytes);
  in.get(written.verdict);
  each_field(written.otp, [&](auto& field) { in.get(field); });
  std::string fallback;
  in.get(fallback);
  if (!in.ok()) return {};
  written.otp.fallback = decode_fallback(fallback);
  return written;
}

std::string encode_fallback(const otp::Fallback& fallback) {
  if (fallback.steps.empty()) return {};
  wire::ByteWriter out;
  out.put(static_cast<uint8_t>(fallback.current)).put(static_cast<uint8_t>(fallback.first));
  out.put(fallback.timeout_ms).put(static_cast<uint8_t>(fallback.steps.size()));
  for (const auto& step : fallback.steps) out.put(step.provider).put(step.to_normalised).put(step.job);
  return out.take();
}

otp::Fallback decode_fallback(std::string_view bytes) {
  otp::Fallback fallback;
  if (bytes.empty()) return fallback;
  wire::ByteReader in(bytes);
  uint8_t current = 0, first = 0, count = 0;
  in.get(current).get(first).get(fallback.timeout_ms).get(count);
  fallback.current = current;
  fallback.first = first;
  fallback.steps.resize(count);
  for (auto& step : fallback.steps) in.get(step.provider).get(step.to_normalised).get(step.job);
  if (!in.ok() || current >= count || first > current) return {};
  return fallback;
}

}  // namespace otpgw::store
