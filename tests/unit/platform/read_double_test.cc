#include "platform/read_double.h"

#include <array>
#include <clocale>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "catch.h"

namespace warppool::internal {
namespace {

using Read = std::optional<double> (*)(std::string_view);

Read GenerateReaders() {
  return GENERATE(values<Read>({&ReadDouble, &ReadDoubleByStrtod}));
}

TEST_CASE("a decimal number is read as the nearest double") {
  const Read read = GenerateReaders();
  CHECK(read("0") == 0.0);
  CHECK(read("150") == 150.0);
  CHECK(read("-1.5") == -1.5);
  CHECK(read("1e3") == 1000.0);
  CHECK(read("25E-2") == 0.25);
  CHECK(read("1e+2") == 100.0);
  CHECK(read("0.1") == 0.1);
  CHECK(read("9007199254740993") == 9007199254740992.0);
  CHECK(read("123456789012345678901234567890") == 123456789012345678901234567890.0);
  CHECK(read("1.7976931348623157e308") == std::numeric_limits<double>::max());
  CHECK(read("2.2250738585072014e-308") == std::numeric_limits<double>::min());
  CHECK(read("0e999") == 0.0);
  const auto negative_zero = read("-0");
  REQUIRE(negative_zero);
  CHECK(std::signbit(*negative_zero));
}

TEST_CASE("numbers that are close to zero are read, and those that no double holds are not") {
  const Read read = GenerateReaders();
  CHECK(read("4.9406564584124654e-324") == std::numeric_limits<double>::denorm_min());
  CHECK(read("1e-310").has_value());
  CHECK_FALSE(read("1e-400"));
  CHECK_FALSE(read("-1e-400"));
  CHECK_FALSE(read("1e309"));
  CHECK_FALSE(read("-2e308"));
  CHECK_FALSE(read("1e99999999999999999999"));
}

TEST_CASE("what is not one decimal number is no number") {
  const Read read = GenerateReaders();
  const auto text = GENERATE(values<std::string_view>({"",
                                                       " ",
                                                       "-",
                                                       ".",
                                                       "e5",
                                                       "+1",
                                                       " 1",
                                                       "1 ",
                                                       "1x",
                                                       "1e",
                                                       "1e+",
                                                       "--1",
                                                       "1-",
                                                       "1.2.3",
                                                       "1,5",
                                                       "0x10",
                                                       "0x1p3",
                                                       "inf",
                                                       "-inf",
                                                       "infinity",
                                                       "nan",
                                                       "NAN(1)",
                                                       "1e5 ",
                                                       std::string_view("1\0", 2),
                                                       std::string_view("\0", 1)}));
  CAPTURE(text);
  CHECK_FALSE(read(text));
}

TEST_CASE("only the text that was given is read") {
  const Read read = GenerateReaders();
  CHECK(read(std::string_view("12345", 2)) == 12.0);
}

TEST_CASE("the decimal point of the program's locale changes nothing") {
  const Read read = GenerateReaders();
  const std::string before = std::setlocale(LC_NUMERIC, nullptr);
  // Each system has other ones, and some have none.
  constexpr std::array kWithComma{"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "ru_RU.UTF-8"};
  for (const char* name : kWithComma) {
    if (std::setlocale(LC_NUMERIC, name) != nullptr) break;
  }
  CHECK(read("1.5") == 1.5);
  CHECK_FALSE(read("1,5"));
  std::setlocale(LC_NUMERIC, before.c_str());
}

}  // namespace
}  // namespace warppool::internal
