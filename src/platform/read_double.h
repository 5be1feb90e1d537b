// A number with a fraction, from text. Neither the locale of the program nor how complete its standard library is
// matters: std::from_chars() for a double is missing in libc++ before version 20 and on macOS.
#pragma once

#include <optional>
#include <string_view>

namespace warppool::internal {

// All of `text` is one decimal number: no blank, no plus sign before it, neither hexadecimal nor infinite. Nothing for
// all else, and for what is too large for a double or too close to zero.
std::optional<double> ReadDouble(std::string_view text);

// The same by strtod(), for systems without std::from_chars(). Here for its tests.
std::optional<double> ReadDoubleByStrtod(std::string_view text);

}  // namespace warppool::internal
