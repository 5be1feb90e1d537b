#include "base/rfc3339.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/ascii.h"

namespace warppool::internal {
namespace {

namespace chrono = std::chrono;

// Eats a text from its front.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  bool AtEnd() const { return rest_.empty(); }

  // Eats one character if it is one of `any`; 0 if it is not.
  char Take(std::string_view any) {
    if (rest_.empty() || any.find(rest_.front()) == any.npos) return 0;
    const char taken = rest_.front();
    rest_.remove_prefix(1);
    return taken;
  }

  // Exactly `digits` of them, and at most `most`.
  std::optional<int> Number(int digits, int most) {
    int number = 0;
    for (int i = 0; i < digits; ++i) {
      const auto digit = Digit();
      if (!digit) return std::nullopt;
      number = number * 10 + *digit;
    }
    if (number > most) return std::nullopt;
    return number;
  }

  std::optional<int> Digit() {
    if (rest_.empty() || !IsAsciiDigit(rest_.front())) return std::nullopt;
    const int digit = rest_.front() - '0';
    rest_.remove_prefix(1);
    return digit;
  }

 private:
  std::string_view rest_;
};

// "2026-11-25"
std::optional<chrono::sys_days> ReadDate(Cursor* in) {
  const auto year = in->Number(4, 9999);
  if (!year || *year < 1970 || !in->Take("-")) return std::nullopt;
  const auto month = in->Number(2, 12);
  if (!month || !in->Take("-")) return std::nullopt;
  const auto day = in->Number(2, 31);
  if (!day) return std::nullopt;
  const chrono::year_month_day date{chrono::year(*year), chrono::month(static_cast<unsigned>(*month)),
                                    chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return chrono::sys_days(date);
}

// "02:35", of the day or of an offset
std::optional<chrono::minutes> ReadHourAndMinute(Cursor* in) {
  const auto hour = in->Number(2, 23);
  if (!hour || !in->Take(":")) return std::nullopt;
  const auto minute = in->Number(2, 59);
  if (!minute) return std::nullopt;
  return chrono::hours(*hour) + chrono::minutes(*minute);
}

// ".25", or nothing. What is finer than a nanosecond is dropped.
std::optional<chrono::nanoseconds> ReadFraction(Cursor* in) {
  chrono::nanoseconds fraction{0};
  if (!in->Take(".")) return fraction;
  auto digit = in->Digit();
  if (!digit) return std::nullopt;
  for (chrono::nanoseconds unit{100'000'000}; digit; digit = in->Digit(), unit /= 10) fraction += unit * *digit;
  return fraction;
}

// "Z", or "+01:00": how far the clock on that wall is ahead of UTC
std::optional<chrono::minutes> ReadOffset(Cursor* in) {
  if (in->Take("Zz")) return chrono::minutes(0);
  const char sign = in->Take("+-");
  if (!sign) return std::nullopt;
  const auto offset = ReadHourAndMinute(in);
  if (!offset) return std::nullopt;
  return sign == '-' ? -*offset : *offset;
}

}  // namespace

std::optional<WallTime> ReadRfc3339(std::string_view text) {
  Cursor in(text);
  const auto date = ReadDate(&in);
  if (!date || !in.Take("Tt ")) return std::nullopt;
  const auto minute = ReadHourAndMinute(&in);
  if (!minute || !in.Take(":")) return std::nullopt;
  const auto second = in.Number(2, 60);
  if (!second) return std::nullopt;
  const auto fraction = ReadFraction(&in);
  if (!fraction) return std::nullopt;
  const auto offset = ReadOffset(&in);
  if (!offset || !in.AtEnd()) return std::nullopt;

  // In seconds, which reach as far as the year 9999; a WallTime does not.
  const chrono::sys_seconds seconds = *date + *minute - *offset + chrono::seconds(*second);
  if (seconds >= chrono::floor<chrono::seconds>(WallTime::max())) return WallTime::max();
  return WallTime(seconds) + *fraction;
}

std::string WriteRfc3339(WallTime time) {
  return WriteRfc3339(chrono::floor<chrono::seconds>(time));
}

std::string WriteRfc3339(chrono::sys_seconds seconds) {
  constexpr chrono::sys_seconds kFirst = chrono::sys_days(chrono::year(0) / 1 / 1);
  constexpr chrono::sys_seconds kLast = chrono::sys_days(chrono::year(10'000) / 1 / 1) - chrono::seconds(1);
  seconds = std::clamp(seconds, kFirst, kLast);
  const auto day = chrono::floor<chrono::days>(seconds);
  const chrono::year_month_day date(day);
  const chrono::hh_mm_ss clock(seconds - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

}  // namespace warppool::internal
