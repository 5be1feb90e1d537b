// Is it UTF-8? If not, it can be made so.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace warppool::internal {

// The offset of the first byte that is not well-formed UTF-8 (RFC 3629: no surrogates, nothing overlong, nothing above
// U+10FFFF); nothing if all of it is.
std::optional<std::size_t> FirstInvalidUtf8(std::string_view text);

// `text` with U+FFFD in the place of each byte that does not belong. Its memory is taken once: wiping the result leaves
// nothing behind.
std::string RepairedUtf8(std::string_view text);

}  // namespace warppool::internal
