// Base64 as the agent service and JWTs use it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace warppool::internal {

// Decodes the URL-safe and the standard alphabet (RFC 4648, sections 5 and 4), mixed even, padded or not. Replaces what
// `out` held, and reuses its memory.
//
// Returns nothing when all went well, else the offset of the character that cannot be: one outside both alphabets,
// padding in the middle or too much of it, or a last character that leaves a byte incomplete.
std::optional<std::size_t> DecodeBase64Url(std::string_view text, std::string* out);

// The URL-safe alphabet, with padding.
std::string EncodeBase64Url(std::string_view bytes);

}  // namespace warppool::internal
