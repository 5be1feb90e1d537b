#include "monitor_text.h"

#include "catch.h"
#include "unit/examples/monitor_styles.h"

using namespace std::chrono_literals;
using monitor::Align;
using monitor::Colour;
using monitor::Countdown;
using monitor::Line;
using monitor::Median;
using monitor::Printable;
using monitor::QuotaLeft;
using monitor::Style;
using monitor::SuccessRate;
using monitor::WidthOf;
using warppool::Outcome;

namespace {

warppool::Counters Ended(std::uint64_t successes, std::uint64_t refusals) {
  warppool::Counters counters;
  counters.outcomes[static_cast<std::size_t>(Outcome::kSuccess)] = successes;
  counters.outcomes[static_cast<std::size_t>(Outcome::kAuthRejected)] = refusals;
  return counters;
}

warppool::TokenStatus Token(warppool::TokenState state) {
  warppool::TokenStatus token;
  token.state = state;
  return token;
}

}  // namespace

TEST_CASE("what could steer the terminal is not shown") {
  CHECK(Printable("a\x1b[31mb", kUtf8) == "a?[31mb");
  CHECK(Printable("a\r\nb\tc\x7f", kUtf8) == "a??b?c?");
  CHECK(Printable("a\u009b31mb", kUtf8) == "a?31mb");  // CSI in one character
  CHECK(Printable("a\u202eb\u2066c\u200bd\ufeff", kUtf8) == "a?b?c?d?");
  CHECK(Printable("a\xff\xc3", kUtf8) == "a\ufffd\ufffd");
  CHECK(Printable("Zoë 東京", kUtf8) == "Zoë 東京");
  CHECK(Printable("Zoë 東京 \xff", kAscii) == "Zo? ?? ?");
}

TEST_CASE("a width is counted in columns") {
  CHECK(WidthOf("") == 0);
  CHECK(WidthOf("Zoë") == 3);
  CHECK(WidthOf("東京") == 4);
  CHECK(WidthOf("e\u0301") == 1);
  CHECK(WidthOf("\U0001f600") == 2);
}

TEST_CASE("a column has its width, whatever stands in it") {
  CHECK(Line(kAscii).AddColumn("ab", 4).Add("|").Render(80) == "ab   |");
  CHECK(Line(kAscii).AddColumn("ab", 4, Colour::kPlain, Align::kRight).Add("|").Render(80) == "  ab |");
  CHECK(Line(kAscii).AddColumn("abcde", 4).Add("|").Render(80) == "abc~ |");
  CHECK(Line(kUtf8).AddColumn("abcde", 4).Add("|").Render(80) == "abc… |");
  // The half of a wide character is not to be had.
  CHECK(Line(kUtf8).AddColumn("東京都", 5).Add("|").Render(80) == "東京… |");
  CHECK(Line(kUtf8).AddColumn("東京都", 4).Add("|").Render(80) == "東…  |");
}

TEST_CASE("a line is cut where the terminal ends") {
  Line line(kUtf8);
  line.Add("abc").Add("def");
  CHECK(line.Render(7) == "abcdef");
  CHECK(line.Render(6) == "abcdef");
  CHECK(line.Render(5) == "abcd…");
  CHECK(line.Render(3) == "ab…");
  CHECK(line.Render(1) == "…");
  CHECK(line.Render(0).empty());
  Line wide(kUtf8);
  wide.Add("東").Add("x");
  CHECK(wide.Render(2) == "…");
}

TEST_CASE("a colour ends with its text") {
  CHECK(Line(kColours).Add("a", Colour::kRed).Add("b").Render(80) == "\x1b[31ma\x1b[0mb");
  CHECK(Line(kColours).Add("abc", Colour::kGreen).Render(2) == "\x1b[32ma\x1b[0m…");
  CHECK(Line(kUtf8).Add("a", Colour::kRed).Render(80) == "a");
  CHECK(Line(kColours).Add("", Colour::kRed).Render(80).empty());
}

TEST_CASE("a countdown is over when it says so") {
  CHECK(Countdown(1ms) == "1s");
  CHECK(Countdown(0s) == "now");
  CHECK(Countdown(-5s) == "now");
  CHECK(Countdown(59s) == "59s");
  CHECK(Countdown(60s) == "1m00s");
  CHECK(Countdown(3599s) == "59m59s");
  CHECK(Countdown(3600s) == "1h00m");
  CHECK(Countdown(47h + 59min) == "47h59m");
  CHECK(Countdown(20 * 24h) == "20d");
}

TEST_CASE("one failure in a thousand is no 100 %") {
  CHECK(SuccessRate({}) == "-");
  CHECK(SuccessRate(Ended(5, 0)) == "100%");
  CHECK(SuccessRate(Ended(999, 1)) == "99%");
  CHECK(SuccessRate(Ended(0, 2)) == "0%");
  warppool::Counters cancelled;
  cancelled.outcomes[static_cast<std::size_t>(Outcome::kCancelled)] = 3;
  CHECK(SuccessRate(cancelled) == "-");
}

TEST_CASE("a quota that nobody asked for is not known") {
  CHECK(QuotaLeft(std::nullopt) == "-");
  CHECK(QuotaLeft(warppool::Quota{true, 0, 0, 0, {}}) == "unlimited");
  CHECK(QuotaLeft(warppool::Quota{false, 150, 40, 0, {}}) == "110/150");
  CHECK(QuotaLeft(warppool::Quota{false, 150, 150, 20, {}}) == "0/150+20");
}

TEST_CASE("the median lies in its bucket") {
  warppool::Latency latency;
  CHECK(Median(latency) == "-");
  for (int i = 0; i < 4; ++i) latency.Add(150ms);
  CHECK(Median(latency) == "~175 ms");
  for (int i = 0; i < 8; ++i) latency.Add(40'000ms);
  CHECK(Median(latency) == "~37 s");
  for (int i = 0; i < 20; ++i) latency.Add(70'000ms);
  CHECK(Median(latency) == "> 60 s");
}

TEST_CASE("the tokens are counted by their state") {
  using warppool::TokenState;
  warppool::PoolStatus pool;
  CHECK(monitor::StateCounts(pool) == "0/0 ready");
  pool.tokens = {Token(TokenState::kReady),    Token(TokenState::kDisabled), Token(TokenState::kCooling),
                 Token(TokenState::kDisabled), Token(TokenState::kHalfOpen), Token(TokenState::kResting)};
  CHECK(monitor::StateCounts(pool) == "1/6 ready, 1 resting, 1 cooling, 1 half open, 2 disabled");
}

TEST_CASE("a token's remarks say what the other columns do not") {
  warppool::TokenStatus token;
  token.last_error_message = "the service failed (500)";
  CHECK(monitor::Remarks(token).empty());
  token.failures = 1;
  CHECK(monitor::Remarks(token) == "1 failure: the service failed (500)");
  token.same_account = "alice";
  CHECK(monitor::Remarks(token) == "1 failure: the service failed (500); same account as alice");
  token.state = warppool::TokenState::kDisabled;
  token.failures = 3;
  token.reason = "refused";
  token.same_account.clear();
  CHECK(monitor::Remarks(token) == "refused");
}
