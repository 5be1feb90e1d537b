#include "base/utf8.h"

#include <cstdint>
#include <cstring>

namespace warppool::internal {
namespace {

bool IsContinuation(unsigned char byte) {
  return (byte & 0xC0U) == 0x80U;
}

// Whether the next eight bytes, which most texts consist of, are all characters by themselves.
bool IsAsciiWord(const char* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return (word & 0x8080808080808080U) == 0;
}

// The length of the well-formed sequence at the start of `text`; 0: there is none. RFC 3629, section 4.
std::size_t SequenceLength(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : uint8_t{0}; };
  const unsigned char lead = at(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return IsContinuation(at(1)) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool overlong = lead == 0xE0 && at(1) < 0xA0;
    const bool surrogate = lead == 0xED && at(1) > 0x9F;
    return !overlong && !surrogate && IsContinuation(at(1)) && IsContinuation(at(2)) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool overlong = lead == 0xF0 && at(1) < 0x90;
    const bool too_large = lead == 0xF4 && at(1) > 0x8F;
    const bool whole = IsContinuation(at(1)) && IsContinuation(at(2)) && IsContinuation(at(3));
    return !overlong && !too_large && whole ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::optional<std::size_t> FirstInvalidUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    if (text.size() - i >= sizeof(std::uint64_t) && IsAsciiWord(text.data() + i)) {
      i += sizeof(std::uint64_t);
      continue;
    }
    const std::size_t length = SequenceLength(text.substr(i));
    if (length == 0) return i;
    i += length;
  }
  return std::nullopt;
}

std::string RepairedUtf8(std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string repaired;
  repaired.reserve(kReplacement.size() * text.size());
  while (const auto bad = FirstInvalidUtf8(text)) {
    repaired.append(text.substr(0, *bad)).append(kReplacement);
    text.remove_prefix(*bad + 1);
  }
  return repaired.append(text);
}

}  // namespace warppool::internal
