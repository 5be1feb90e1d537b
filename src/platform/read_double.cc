#include "platform/read_double.h"

#include <charconv>
#include <clocale>
#include <cmath>
#include <cstdlib>
#include <string>
#include <system_error>

#if defined(__APPLE__) || defined(__FreeBSD__)
#include <xlocale.h>
#endif

namespace warppool::internal {
namespace {

// std::from_chars() and strtod() also accept "inf", "nan", hexadecimal digits, blanks and "+" in front: none of that is
// taken here.
bool MayBeDecimal(std::string_view text) {
  return !text.empty() && text.front() != '+' && text.find_first_not_of("0123456789+-.eE") == text.npos;
}

bool HasDigitButZero(std::string_view text) {
  return text.substr(0, text.find_first_of("eE")).find_first_of("123456789") != text.npos;
}

// With a point between the digits, whatever the locale of the program says.
double StrtodOfC(const char* text, char** end) {
#ifdef _WIN32
  static const _locale_t c_locale = _create_locale(LC_ALL, "C");
  return _strtod_l(text, end, c_locale);
#else
  static const locale_t c_locale = newlocale(LC_ALL_MASK, "C", locale_t{});
  return c_locale != locale_t{} ? strtod_l(text, end, c_locale) : 0;
#endif
}

}  // namespace

std::optional<double> ReadDoubleByStrtod(std::string_view text) {
  if (!MayBeDecimal(text)) return std::nullopt;
  const std::string terminated(text);
  char* end = nullptr;  // stays so where there is no memory for a locale
  const double number = StrtodOfC(terminated.c_str(), &end);
  if (end != terminated.data() + terminated.size()) return std::nullopt;
  // errno does not tell: some libraries set it for numbers that are only less exact, since they are close to zero.
  const bool too_small = number == 0 && HasDigitButZero(text);
  return std::isfinite(number) && !too_small ? std::optional(number) : std::nullopt;
}

#ifdef __cpp_lib_to_chars

std::optional<double> ReadDouble(std::string_view text) {
  if (!MayBeDecimal(text)) return std::nullopt;
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

#else

std::optional<double> ReadDouble(std::string_view text) {
  return ReadDoubleByStrtod(text);
}

#endif

}  // namespace warppool::internal
