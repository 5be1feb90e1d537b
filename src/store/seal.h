// Sealing a record, so that a store is worthless without the credential that it belongs to.
//
// A sealed record, format 1:
//
//   1 byte    the format
//   12 bytes  nonce, random
//   n bytes   AES-256-GCM of the plaintext
//   16 bytes  tag
//
// The key is HKDF-SHA256 of the credential, with the salt "warppool sealed record" and the info "AES-256-GCM key,
// format 1". Associated data: "warppool sealed record, format 1", then the 32 bytes of SHA-256 of the credential, so
// that a record under another one's name does not open. A key seals once for each write of its token, far from the 2^32
// times after which random nonces may meet.
//
// Any thread.
#pragma once

#include <string>
#include <string_view>

#include "warppool/secret.h"
#include "warppool/status.h"

namespace warppool::internal {

// Throws when OpenSSL or the memory fails. `credential` must not be empty.
std::string Seal(const Secret& credential, std::string_view plain);

// Fails with kInvalidArgument when it does not open: sealed for another credential, damaged, or of another format. Any
// other code says nothing about the record.
Result<Secret> Unseal(const Secret& credential, std::string_view sealed);

// The key under which a store has the record of `credential`: its fingerprint in hex.
std::string RecordKey(const Secret& credential);

}  // namespace warppool::internal
