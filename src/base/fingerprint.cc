#include "base/fingerprint.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <string_view>

namespace warppool {

Fingerprint FingerprintOf(const Secret& credential) {
  Fingerprint fingerprint;
  const std::string_view bytes = credential.Reveal();
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), fingerprint.data());
  return fingerprint;
}

std::string Hex(const Fingerprint& fingerprint) {
  std::string hex;
  hex.reserve(2 * fingerprint.size());
  for (const std::uint8_t byte : fingerprint) hex += fmt::format("{:02x}", byte);
  return hex;
}

}  // namespace warppool
