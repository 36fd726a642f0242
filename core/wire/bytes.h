// Flat binary encoding shared by the wire protocol and the store's snapshots: little-endian integers, strings
// as a uint32 length and their bytes, fields in order. A reader that meets the end early gives defaults, so
// that a later minor version can add fields at the end; a reader that meets a length beyond the end is broken
// for good.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace otpgw::wire {

class ByteWriter {
 public:
  template <class Integer>
  requires std::is_integral_v<Integer> || std::is_enum_v<Integer> ByteWriter& put(Integer value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  ByteWriter& put(std::string_view text) {
    put(static_cast<uint32_t>(text.size()));
    bytes_.append(text);
    return *this;
  }
  ByteWriter& put(const std::string& text) { return put(std::string_view(text)); }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  template <class Integer>
  requires std::is_integral_v<Integer> || std::is_enum_v<Integer> ByteReader& get(Integer& value) {
    if (rest_.empty()) return *this;
    if (rest_.size() < sizeof value) return fail();
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return *this;
  }
  ByteReader& get(bool& value) {
    uint8_t byte = value;
    get(byte);
    value = byte != 0;  // any other byte in a bool would be undefined behaviour
    return *this;
  }
  ByteReader& get(std::string& text) {
    uint32_t size = 0;
    get(size);
    if (size > rest_.size()) return fail();
    text.assign(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return *this;
  }
  // False once a field did not fit into what was left.
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  ByteReader& fail() {
    ok_ = false;
    rest_ = {};
    return *this;
  }
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace otpgw::wire
