#include "base/rfc3339.h"

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <string>

#include "catch.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

// Of 2026-11-25T02:35:00Z, by `date -u +%s`.
constexpr WallTime kThatMinute{1'795'574'100s};

TEST_CASE("a date-time is read in every spelling of RFC 3339") {
  struct Case {
    const char* text;
    WallTime time;
  };
  const Case each = GENERATE(values<Case>({
      {"1970-01-01T00:00:00Z", WallTime{}},
      {"2026-11-25T02:35:00Z", kThatMinute},
      {"2026-11-25t02:35:00z", kThatMinute},
      {"2026-11-25 02:35:00Z", kThatMinute},
      {"2026-11-25T02:35:07Z", kThatMinute + 7s},
      {"2026-11-25T02:35:00+00:00", kThatMinute},
      {"2026-11-25T02:35:00-00:00", kThatMinute},  // RFC 3339, 4.3: UTC, the place is unknown
      {"2026-11-25T08:20:00+05:45", kThatMinute},
      {"2026-11-24T18:35:00-08:00", kThatMinute},
      {"2026-11-26T02:34:00+23:59", kThatMinute},
      {"1970-01-01T00:00:00+01:00", WallTime{-1h}},
      {"2000-02-29T00:00:00Z", WallTime{951'782'400s}},
      {"2024-02-29T23:59:59Z", WallTime{1'709'251'199s}},
      {"2038-01-19T03:14:08Z", WallTime{2'147'483'648s}},
      {"2100-03-01T00:00:00Z", WallTime{4'107'542'400s}},
      {"2262-04-11T23:47:15Z", WallTime{9'223'372'035s}},
  }));
  INFO(each.text);
  const auto read = ReadRfc3339(each.text);
  REQUIRE(read);
  CHECK(*read == each.time);
}

TEST_CASE("fractions of any length count down to the nanosecond") {
  CHECK(ReadRfc3339("2026-11-25T02:35:00.5Z") == kThatMinute + 500ms);
  CHECK(ReadRfc3339("2026-11-25T02:35:00.001Z") == kThatMinute + 1ms);
  CHECK(ReadRfc3339("2026-11-25T02:35:00.123456Z") == kThatMinute + 123'456us);
  CHECK(ReadRfc3339("2026-11-25T02:35:00.123456789+00:00") == kThatMinute + 123'456'789ns);
  CHECK(ReadRfc3339("2026-11-25T02:35:00.1234567899Z") == kThatMinute + 123'456'789ns);
  CHECK(ReadRfc3339("2026-11-25T02:35:00." + std::string(2'000'000, '0') + "9Z") == kThatMinute);
  CHECK(ReadRfc3339("2026-11-25T02:35:00." + std::string(2'000'000, '9') + "Z") == kThatMinute + 999'999'999ns);
}

TEST_CASE("a leap second is the second after it") {
  CHECK(ReadRfc3339("1990-12-31T23:59:60Z") == ReadRfc3339("1991-01-01T00:00:00Z"));
  CHECK(ReadRfc3339("1990-12-31T15:59:60-08:00") == ReadRfc3339("1991-01-01T00:00:00Z"));
  CHECK(ReadRfc3339("1990-12-31T23:59:60.25Z") == ReadRfc3339("1991-01-01T00:00:00.25Z"));
}

TEST_CASE("a date later than the clock can hold is the last one that it can") {
  const char* const text = GENERATE("2262-04-11T23:47:17Z", "2262-04-11T23:47:16.9Z", "2263-01-01T00:00:00Z",
                                    "9999-12-31T23:59:60.999999999Z", "9999-12-31T23:59:59-23:59");
  INFO(text);
  CHECK(ReadRfc3339(text) == WallTime::max());
}

TEST_CASE("what is no date-time is not read") {
  const char* const text =
      GENERATE(as<const char*>(),
               // parts that are missing, or too much
               "", "Z", "2026", "2026-11-25", "2026-11-25T", "2026-11-25T02:35Z", "2026-11-25T02:35:00",
               "2026-11-25T02:35:00.Z", "2026-11-25T02:35:00.", "2026-11-25T02:35:00+", "2026-11-25T02:35:00+0",
               "2026-11-25T02:35:00+00", "2026-11-25T02:35:00+00:0", "2026-11-25T02:35:00ZZ", "2026-11-25T02:35:00Z ",
               " 2026-11-25T02:35:00Z", "2026-11-25  02:35:00Z", "2026-11-25T02:35:00 Z", "2026-11-25T02:35:00Z+00:00",
               // other notations
               "20261125T023500Z", "2026-11-25_02:35:00Z", "2026/11/25T02:35:00Z", "2026-11-25T02:35:00,5Z",
               "2026-11-25T02:35:00+0000", "2026-11-25T02:35:00UTC", "2026-1-25T02:35:00Z", "2026-11-25T2:35:00Z",
               "26-11-25T02:35:00Z", "12026-11-25T02:35:00Z", "+2026-11-25T02:35:00Z", "2026-11-25T02:35:0xZ",
               "2026-11-25T02:+5:00Z", "2026-11-25T02:-5:00Z", "1795574100", "Wed, 25 Nov 2026 02:35:00 GMT", "null",
               // parts out of their range
               "1969-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2026-00-25T02:35:00Z",
               "2026-13-25T02:35:00Z", "2026-11-00T02:35:00Z", "2026-11-31T02:35:00Z", "2026-01-32T02:35:00Z",
               "2026-02-29T02:35:00Z", "2100-02-29T02:35:00Z", "2024-02-30T02:35:00Z", "2026-11-25T24:00:00Z",
               "2026-11-25T02:60:00Z", "2026-11-25T02:35:61Z", "2026-11-25T02:35:00+24:00", "2026-11-25T02:35:00-01:60",
               // bytes
               "\xFF\xFE",
               "2026-11-25T02:35:00\xE2\x88\x92"
               "01:00",
               "２０２６-11-25T02:35:00Z");
  INFO(text);
  CHECK_FALSE(ReadRfc3339(text));
}

TEST_CASE("a NUL in a date is no digit and no end") {
  using namespace std::string_view_literals;
  CHECK_FALSE(ReadRfc3339("2026-11-25T02:35:00Z\0"sv));
  CHECK_FALSE(ReadRfc3339("2026-11-25\00002:35:00Z"sv));
  CHECK_FALSE(ReadRfc3339("2026-11-25T02:35:00\0"sv));
}

TEST_CASE("what was cut off is not read, wherever it was cut") {
  const std::string whole = "2026-11-25T02:35:00.25+05:45";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO(size);
    CHECK_FALSE(ReadRfc3339(std::string_view(whole).substr(0, size)));
  }
  CHECK(ReadRfc3339(whole));
}

TEST_CASE("a date is written in UTC and whole seconds") {
  CHECK(WriteRfc3339(kThatMinute) == "2026-11-25T02:35:00Z");
  CHECK(WriteRfc3339(kThatMinute + 999ms) == "2026-11-25T02:35:00Z");
  CHECK(WriteRfc3339(WallTime{}) == "1970-01-01T00:00:00Z");
  CHECK(WriteRfc3339(WallTime{-1ms}) == "1969-12-31T23:59:59Z");
  CHECK(WriteRfc3339(WallTime{951'868'799s}) == "2000-02-29T23:59:59Z");
  CHECK(WriteRfc3339(WallTime::max()) == "2262-04-11T23:47:16Z");
  CHECK(WriteRfc3339(WallTime::min()) == "1677-09-21T00:12:43Z");
}

TEST_CASE("only years that RFC 3339 has are written, whatever the date") {
  using std::chrono::sys_seconds;
  const auto written = [](std::int64_t seconds) { return WriteRfc3339(sys_seconds(std::chrono::seconds(seconds))); };
  CHECK(written(253'402'300'799) == "9999-12-31T23:59:59Z");  // date -u -d 9999-12-31T23:59:59Z +%s
  CHECK(written(253'402'300'800) == "9999-12-31T23:59:59Z");
  CHECK(WriteRfc3339(sys_seconds::max()) == "9999-12-31T23:59:59Z");
  CHECK(written(-62'167'219'200) == "0000-01-01T00:00:00Z");
  CHECK(written(-62'167'219'201) == "0000-01-01T00:00:00Z");
  CHECK(WriteRfc3339(sys_seconds::min()) == "0000-01-01T00:00:00Z");
}

TEST_CASE("every day comes back as it was written") {
  for (WallTime day{12h + 34min + 56s}; day < WallTime{24h * 365 * 200}; day += 24h) {
    if (ReadRfc3339(WriteRfc3339(day)) != day) FAIL(WriteRfc3339(day));
  }
}

TEST_CASE("the program's time zone does not matter") {
  const char* const before = std::getenv("TZ");
  const std::string old = before == nullptr ? "" : before;
  REQUIRE(setenv("TZ", "XXX-11:30", 1) == 0);
  tzset();
  const auto read = ReadRfc3339("2026-11-25T02:35:00Z");
  const std::string written = WriteRfc3339(kThatMinute);
  REQUIRE((before == nullptr ? unsetenv("TZ") : setenv("TZ", old.c_str(), 1)) == 0);
  tzset();
  CHECK(read == kThatMinute);
  CHECK(written == "2026-11-25T02:35:00Z");
}

}  // namespace
}  // namespace warppool::internal
