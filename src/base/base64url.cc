#include "base/base64url.h"

#include <array>
#include <cstdint>

namespace warppool::internal {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint32_t kInvalid = 1U << 31U;

// What a character adds to the 24 bits of its group, for each of the four places in it.
using PlaceTable = std::array<std::uint32_t, 256>;
constexpr std::array<PlaceTable, 4> MakeDecodeTables() {
  std::array<PlaceTable, 4> tables{};
  for (std::size_t place = 0; place < 4; ++place) {
    const std::size_t shift = 18 - 6 * place;
    for (auto& entry : tables[place]) entry = kInvalid;
    for (std::uint32_t i = 0; i < 64; ++i) tables[place][static_cast<unsigned char>(kAlphabet[i])] = i << shift;
    tables[place]['+'] = 62U << shift;
    tables[place]['/'] = 63U << shift;
  }
  return tables;
}

constexpr auto kDecode = MakeDecodeTables();

std::uint32_t Bits(std::size_t place, char c) {
  return kDecode[place][static_cast<unsigned char>(c)];
}

std::size_t FirstInvalid(std::string_view text, std::size_t from) {
  while (from < text.size() && Bits(0, text[from]) != kInvalid) ++from;
  return from;
}

// At most two "=", and only where they complete a group of four.
std::string_view WithoutPadding(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return text;
  if (text.substr(text.size() - 2) == "==") return text.substr(0, text.size() - 2);
  if (text.back() == '=') return text.substr(0, text.size() - 1);
  return text;
}

}  // namespace

std::optional<std::size_t> DecodeBase64Url(std::string_view text, std::string* out) {
  text = WithoutPadding(text);
  const std::size_t groups = text.size() / 4;
  const std::size_t rest = text.size() % 4;
  if (rest == 1) return std::min(FirstInvalid(text, 0), text.size() - 1);

  out->resize(groups * 3 + (rest == 0 ? 0 : rest - 1));
  const char* in = text.data();
  char* to = out->data();
  // The loop only collects whether anything was invalid: one branch for the whole text.
  std::uint32_t seen = 0;
  for (std::size_t i = 0; i < groups; ++i, in += 4, to += 3) {
    const std::uint32_t bits = Bits(0, in[0]) | Bits(1, in[1]) | Bits(2, in[2]) | Bits(3, in[3]);
    seen |= bits;
    to[0] = static_cast<char>(bits >> 16U);
    to[1] = static_cast<char>(bits >> 8U);
    to[2] = static_cast<char>(bits);
  }
  if (rest != 0) {
    const std::uint32_t bits = Bits(0, in[0]) | Bits(1, in[1]) | (rest == 3 ? Bits(2, in[2]) : 0);
    seen |= bits;
    to[0] = static_cast<char>(bits >> 16U);
    if (rest == 3) to[1] = static_cast<char>(bits >> 8U);
  }
  if ((seen & kInvalid) != 0) return FirstInvalid(text, 0);
  return std::nullopt;
}

std::string EncodeBase64Url(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      bits = bits << 8U | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    out += kAlphabet[bits >> 18U];
    out += kAlphabet[bits >> 12U & 63U];
    out += i + 1 < bytes.size() ? kAlphabet[bits >> 6U & 63U] : '=';
    out += i + 2 < bytes.size() ? kAlphabet[bits & 63U] : '=';
  }
  return out;
}

}  // namespace warppool::internal
