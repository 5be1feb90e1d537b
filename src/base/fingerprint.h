// What stands for a credential where the credential must not: in names, and as the key of a record.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "warppool/secret.h"

namespace warppool::internal {

// SHA-256.
using Fingerprint = std::array<std::uint8_t, 32>;
Fingerprint FingerprintOf(std::string_view bytes);
Fingerprint FingerprintOf(const Secret& credential);

// In lower case, 64 digits.
std::string Hex(const Fingerprint& fingerprint);

}  // namespace warppool::internal
