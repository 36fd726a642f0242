#include "core/wire/messages.h"

#include <utility>

#include "core/wire/bytes.h"

namespace otpgw::wire {
namespace {

constexpr std::string_view kReady = "READY", kPing = "PING", kValidate = "VALIDATE", kAddress = "ADDRESS",
                           kJob = "JOB", kResult = "RESULT", kDrain = "DRAIN", kBye = "BYE";

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;  // clang 16 does not deduce it by itself

void put(ByteWriter& out, const Descriptor& d) {
  ByteWriter inner;
  inner.put(d.id).put(d.name).put(d.version).put(d.vendor).put(d.channel_kind).put(d.channel_name);
  inner.put(d.address_name).put(d.channel_description).put(d.address_description).put(d.config_schema);
  inner.put(d.address_bytes_max).put(d.otp_length_max).put(d.body_bytes_max).put(d.flags);
  out.put(inner.take());  // nested as one string, so that it can gain fields too
}

bool get(std::string_view bytes, Descriptor& d) {
  ByteReader in(bytes);
  in.get(d.id).get(d.name).get(d.version).get(d.vendor).get(d.channel_kind).get(d.channel_name);
  in.get(d.address_name).get(d.channel_description).get(d.address_description).get(d.config_schema);
  in.get(d.address_bytes_max).get(d.otp_length_max).get(d.body_bytes_max).get(d.flags);
  if (d.channel_kind > ChannelKind::voice) d.channel_kind = ChannelKind::other;
  return in.ok();
}

}  // namespace

Frames encode(const Message& message) {
  ByteWriter out;
  auto command = std::visit(
      Overloaded{[&](const Ready& m) {
                   out.put(m.provider);
                   put(out, m.descriptor);
                   out.put(m.capacity).put(m.instance);
                   return kReady;
                 },
                 [&](const Ping&) { return kPing; },
                 [&](const Validate& m) {
                   out.put(m.request).put(m.address);
                   return kValidate;
                 },
                 [&](const Address& m) {
                   out.put(m.request).put(m.verdict).put(m.sentence).put(m.normalised).put(m.country);
                   return kAddress;
                 },
                 [&](const Job& m) {
                   out.put(m.id).put(m.attempt).put(m.name_space).put(m.otp_id).put(m.address).put(m.code);
                   out.put(m.subject).put(m.body).put(m.text_body).put(m.locale).put(m.extra).put(m.otp_json);
                   out.put(m.expiry_unix_ms).put(m.timeout_ms).put(m.boot_id).put(m.expiry_boot_ms);
                   return kJob;
                 },
                 [&](const Result& m) {
                   out.put(m.job_id).put(m.attempt).put(m.code).put(m.retry_after_ms).put(m.upstream_status);
                   out.put(m.upstream_id).put(m.detail).put(m.begun);
                   return kResult;
                 },
                 [&](const Drain&) { return kDrain; }, [&](const Bye&) { return kBye; }},
      message);
  return {command, out.take()};
}

std::optional<Message> decode(std::string_view command, std::string_view body) {
  ByteReader in(body);
  if (command == kPing) return Ping{};
  if (command == kDrain) return Drain{};
  if (command == kBye) return Bye{};
  if (command == kReady) {
    Ready m;
    std::string descriptor;
    in.get(m.provider).get(descriptor).get(m.capacity).get(m.instance);
    if (!in.ok() || m.provider.empty() || !get(descriptor, m.descriptor)) return {};
    return m;
  }
  if (command == kValidate) {
    Validate m;
    in.get(m.request).get(m.address);
    if (!in.ok()) return {};
    return m;
  }
  if (command == kAddress) {
    Address m;
    in.get(m.request).get(m.verdict).get(m.sentence).get(m.normalised).get(m.country);
    if (!in.ok() || m.verdict > AddressVerdict::too_long) return {};
    return m;
  }
  if (command == kJob) {
    Job m;
    in.get(m.id).get(m.attempt).get(m.name_space).get(m.otp_id).get(m.address).get(m.code);
    in.get(m.subject).get(m.body).get(m.text_body).get(m.locale).get(m.extra).get(m.otp_json);
    in.get(m.expiry_unix_ms).get(m.timeout_ms).get(m.boot_id).get(m.expiry_boot_ms);
    if (!in.ok() || m.id.empty()) return {};
    return m;
  }
  if (command == kResult) {
    Result m;
    in.get(m.job_id).get(m.attempt).get(m.code).get(m.retry_after_ms).get(m.upstream_status);
    in.get(m.upstream_id).get(m.detail).get(m.begun);
    if (!in.ok() || m.job_id.empty()) return {};
    if (m.code < ResultCode::sent || m.code > ResultCode::broken) m.code = ResultCode::unknown;
    return m;
  }
  return {};
}

std::string encode_descriptor(const Descriptor& descriptor) {
  ByteWriter out;
  put(out, descriptor);
  return out.take();
}

std::optional<Descriptor> decode_descriptor(std::string_view bytes) {
  std::string nested;
  ByteReader in(bytes);
  in.get(nested);
  Descriptor descriptor;
  if (!in.ok() || nested.empty() || !get(nested, descriptor)) return {};
  return descriptor;
}

}  // namespace otpgw::wire
