#include "http/retry_after.h"

#include <chrono>
#include <ctime>
#include <string>

#include "catch.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr auto kYear = 366 * 24h;
const WallTime kAsked{std::chrono::seconds(784'111'777)};  // Sun, 06 Nov 1994 08:49:37 GMT

TEST_CASE("Retry-After is a number of seconds") {
  CHECK(ReadRetryAfter("0", kAsked) == 0ms);
  CHECK(ReadRetryAfter("1", kAsked) == 1s);
  CHECK(ReadRetryAfter("120", kAsked) == 120s);
  CHECK(ReadRetryAfter("0007", kAsked) == 7s);
}

TEST_CASE("Retry-After is a date, in one of three formats") {
  const auto date = GENERATE(as<std::string>(), "Sun, 06 Nov 1994 08:50:37 GMT",  // RFC 9110
                             "Sunday, 06-Nov-94 08:50:37 GMT",                    // RFC 850
                             "Sun Nov  6 08:50:37 1994");                         // asctime
  INFO(date);
  CHECK(ReadRetryAfter(date, kAsked) == 60s);
  // A part of a second is waited for, too: never back too early.
  CHECK(ReadRetryAfter(date, kAsked + 500ms) == 60s);
  CHECK(ReadRetryAfter(date, kAsked + 59s) == 1s);
}

TEST_CASE("a date in the past is no wait") {
  CHECK(ReadRetryAfter("Sun, 06 Nov 1994 08:49:37 GMT", kAsked) == 0ms);
  CHECK(ReadRetryAfter("Sun, 06 Nov 1994 08:49:36 GMT", kAsked) == 0ms);
  CHECK(ReadRetryAfter("Thu, 01 Jan 1970 00:00:00 GMT", kAsked) == 0ms);
}

TEST_CASE("what is neither a number of seconds nor a date says nothing") {
  const auto value = GENERATE(as<std::string>(), "", " ", "soon", "1.5", "5s", "+5", "0x10", "1,000", "120, 120",
                              "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT");
  INFO(value);
  CHECK_FALSE(ReadRetryAfter(value, kAsked));
}

TEST_CASE("however long the service asks to wait, it is a year at most") {
  CHECK(ReadRetryAfter("31622400", kAsked) == kYear);
  CHECK(ReadRetryAfter("31622401", kAsked) == kYear);
  CHECK(ReadRetryAfter("9223372036854775807", kAsked) == kYear);
  CHECK(ReadRetryAfter("Sun, 06 Nov 2005 08:49:37 GMT", kAsked) == kYear);
}

TEST_CASE("a negative number of seconds is none") {
  CHECK_FALSE(ReadRetryAfter("-5", kAsked));
}

TEST_CASE("a number of seconds beyond all numbers is a long wait still") {
  CHECK(ReadRetryAfter("99999999999999999999999", kAsked) == kYear);
}

TEST_CASE("a date beyond the clock's range is a long wait, and does not overflow") {
  // libcurl reads no date after 2038 where time_t has 32 bits.
  if (sizeof(std::time_t) == 4) {
    CHECK_FALSE(ReadRetryAfter("Sat, 01 Jan 2600 00:00:00 GMT", kAsked));
    return;
  }
  CHECK(ReadRetryAfter("Fri, 31 Dec 9999 23:59:59 GMT", kAsked) == kYear);
  CHECK(ReadRetryAfter("Sat, 01 Jan 2600 00:00:00 GMT", kAsked) == kYear);
}

}  // namespace
}  // namespace warppool::internal
