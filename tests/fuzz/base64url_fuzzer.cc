// Base64 beside a plain decoder, and there and back again.
#include "base/base64url.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "promise.h"

namespace warppool::internal {
namespace {

// -1: in neither alphabet.
int PlainValue(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '-' || c == '+') return 62;
  if (c == '_' || c == '/') return 63;
  return -1;
}

// Bit by bit. As DecodeBase64Url().
std::optional<std::size_t> DecodePlainly(std::string_view text, std::string* out) {
  if (text.size() % 4 == 0) {
    for (int i = 0; i < 2 && !text.empty() && text.back() == '='; ++i) text.remove_suffix(1);
  }
  out->clear();
  unsigned bits = 0;
  int count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int value = PlainValue(text[i]);
    if (value < 0) return i;
    for (int bit = 5; bit >= 0; --bit) {
      bits = (bits << 1U | (static_cast<unsigned>(value) >> static_cast<unsigned>(bit) & 1U)) & 0xFFU;
      if (++count % 8 == 0) out->push_back(static_cast<char>(bits));
    }
  }
  if (text.size() % 4 == 1) return text.size() - 1;
  return std::nullopt;
}

}  // namespace
}  // namespace warppool::internal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace warppool::internal;
  const std::string_view input(reinterpret_cast<const char*>(data), size);

  std::string decoded = "what was there before";
  std::string expected;
  const auto fault = DecodeBase64Url(input, &decoded);
  Promise(fault == DecodePlainly(input, &expected), "a fault is where the plain decoder sees it");
  Promise(!fault || *fault < size, "a fault is inside the text");
  if (!fault) {
    Promise(decoded == expected, "what is decoded is what the plain decoder makes of it");
    std::string again;
    Promise(!DecodeBase64Url(EncodeBase64Url(decoded), &again) && again == decoded, "what was decoded can be sent on");
  }

  const std::string encoded = EncodeBase64Url(input);
  std::string back;
  Promise(encoded.size() == (size + 2) / 3 * 4, "an encoded text is padded");
  Promise(!DecodeBase64Url(encoded, &back) && back == input, "what is encoded comes back");
  const std::string_view bare = std::string_view(encoded).substr(0, encoded.find('='));
  Promise(!DecodeBase64Url(bare, &back) && back == input, "it comes back without its padding, too");
  return 0;
}
