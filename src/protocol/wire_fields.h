// Takes a serialized message apart by hand, as far as its fields have a length and numbers below 16: most of an
// answer's have. Whoever meets another one leaves the message to protobuf.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace warppool::internal {

// What a field below 16 with a length begins with, as protobuf writes it: one byte.
constexpr std::uint8_t LengthTag(int field) {
  return static_cast<std::uint8_t>(static_cast<unsigned>(field) << 3U | 2U);
}

// Takes a field from the front of `in` that has a length. False: there is another one, or none.
inline bool TakeField(std::string_view* in, std::uint8_t* tag, std::string_view* content) {
  if (in->size() < 2) return false;
  *tag = static_cast<std::uint8_t>((*in)[0]);
  std::uint64_t length = 0;
  std::size_t at = 1;
  for (unsigned shift = 0;; shift += 7) {
    if (at == in->size() || shift > 28) return false;
    const auto byte = static_cast<std::uint8_t>((*in)[at++]);
    length |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) break;
  }
  if (length > in->size() - at) return false;
  *content = in->substr(at, static_cast<std::size_t>(length));
  in->remove_prefix(at + content->size());
  return true;
}

// Replaces `in` by the content of its only field. False: it has another one, or more.
inline bool EnterField(int field, std::string_view* in) {
  std::uint8_t tag = 0;
  std::string_view content;
  if (!TakeField(in, &tag, &content) || tag != LengthTag(field) || !in->empty()) return false;
  *in = content;
  return true;
}

}  // namespace warppool::internal
