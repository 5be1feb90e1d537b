#include "base/fingerprint.h"

#include <fmt/format.h>
#include <openssl/sha.h>

namespace warppool::internal {

Fingerprint FingerprintOf(std::string_view bytes) {
  Fingerprint fingerprint;
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), fingerprint.data());
  return fingerprint;
}

Fingerprint FingerprintOf(const Secret& credential) {
  return FingerprintOf(credential.Reveal());
}

std::string Hex(const Fingerprint& fingerprint) {
  std::string hex;
  hex.reserve(2 * fingerprint.size());
  for (const std::uint8_t byte : fingerprint) hex += fmt::format("{:02x}", byte);
  return hex;
}

}  // namespace warppool::internal
