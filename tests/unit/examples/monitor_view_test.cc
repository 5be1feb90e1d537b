#include "monitor_view.h"

#include <stdlib.h>
#include <time.h>

#include <algorithm>

#include "catch.h"
#include "unit/examples/monitor_styles.h"

using namespace std::chrono_literals;
using monitor::Draw;
using monitor::History;
using monitor::Picture;
using monitor::Size;
using monitor::Style;
using warppool::Outcome;
using warppool::PoolEventKind;
using warppool::Tier;
using warppool::TokenState;

namespace {

constexpr Size kUsual{120, 40};

class PictureTest {
 protected:
  PictureTest() {
    setenv("TZ", "UTC", 1);
    tzset();
    picture.title = {"the title"};
    picture.now = kNow;
  }

  warppool::TokenStatus& Add(const std::string& name, TokenState state = TokenState::kReady) {
    warppool::TokenStatus token;
    token.name = name;
    token.state = state;
    picture.pool.tokens.push_back(token);
    warppool::TokenStats stats;
    stats.name = name;
    picture.stats.tokens.push_back(stats);
    return picture.pool.tokens.back();
  }

  // That many more attempts of the token ended, and the history hears of it.
  void Beat(std::uint64_t successes, std::uint64_t failures, std::size_t token = 0) {
    auto& outcomes = picture.stats.tokens[token].counters.outcomes;
    outcomes[static_cast<std::size_t>(Outcome::kSuccess)] += successes;
    outcomes[static_cast<std::size_t>(Outcome::kOverloaded)] += failures;
    history.Note(picture.stats);
  }

  void Happen(PoolEventKind kind, const std::string& token, const std::string& reason) {
    picture.remarks.push_back({kind, Tier::kShared, token, reason, kNow, {}, 2});
  }

  // The line that `text` stands in; empty: there is none.
  std::string LineWith(const std::string& text, Size size = kUsual, Style style = kUtf8) const {
    const auto lines = Draw(picture, history, size, style);
    const auto found = std::find_if(lines.begin(), lines.end(),
                                    [&](const std::string& line) { return line.find(text) != std::string::npos; });
    return found == lines.end() ? "" : *found;
  }

  Picture picture;
  History history{40};
};

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE_METHOD(PictureTest, "a token has a row of its own") {
  warppool::TokenStatus& token = Add("alice", TokenState::kCooling);
  token.tier = Tier::kShared;
  token.ready_at = kNow + 75s;
  token.in_flight = 3;
  token.quota = warppool::Quota{false, 150, 150, 0, {}};
  token.reason = "the account's quota is used up (429)";
  Beat(0, 0);
  Beat(3, 1);
  CHECK(LineWith("alice") ==
        "SHARED    alice cooling     1m15s   3  75% 0/150                         × the account's quota is used up "
        "(429)");
}

TEST_CASE_METHOD(PictureTest, "what only a recovery by hand ends has no countdown") {
  Add("dead", TokenState::kDisabled);
  Add("resting", TokenState::kDisabled).ready_at = kNow + 4s;
  CHECK(Contains(LineWith("dead"), "by hand"));
  CHECK_FALSE(Contains(LineWith("resting"), "by hand"));
  CHECK(Contains(LineWith("resting"), " 4s "));
}

TEST_CASE_METHOD(PictureTest, "each state has its colour") {
  Add("alice");
  CHECK(Contains(LineWith("alice", kUsual, kColours), "\x1b[32mready\x1b[0m"));
  picture.pool.tokens[0].state = TokenState::kCooling;
  CHECK(Contains(LineWith("alice", kUsual, kColours), "\x1b[33mcooling\x1b[0m"));
  picture.pool.tokens[0].state = TokenState::kDisabled;
  CHECK(Contains(LineWith("alice", kUsual, kColours), "\x1b[31mdisabled\x1b[0m"));
  picture.pool.tokens[0].state = TokenState::kHalfOpen;
  CHECK(Contains(LineWith("alice", kUsual, kColours), "\x1b[35mhalf open\x1b[0m"));
  picture.pool.tokens[0].state = TokenState::kResting;
  CHECK(Contains(LineWith("alice", kUsual, kColours), "\x1b[36mresting\x1b[0m"));
}

TEST_CASE_METHOD(PictureTest, "recent attempts are a curve in which failures stand out") {
  Add("busy");
  Add("idle");
  Beat(7, 0);  // before it was watched
  Beat(1, 0);
  Beat(0, 0);
  Beat(4, 0);
  Beat(8, 0);
  Beat(5, 1);
  CHECK(Contains(LineWith("busy"), " ▁ ▄█× "));
  CHECK(Contains(LineWith("busy", kUsual, kAscii), " . =#x "));
  CHECK(Contains(LineWith("busy", kUsual, kColours), "\x1b[31m×\x1b[0m"));
  CHECK_FALSE(Contains(LineWith("idle"), "▁"));
}

TEST_CASE_METHOD(PictureTest, "all curves have one scale") {
  Add("busy");
  Add("calm");
  Beat(0, 0);
  picture.stats.tokens[1].counters.outcomes[static_cast<std::size_t>(Outcome::kSuccess)] += 2;
  Beat(8, 0);
  CHECK(Contains(LineWith("busy"), "█"));
  CHECK(Contains(LineWith("calm"), "▂"));
}

TEST_CASE("the history forgets what is old, and who is gone") {
  History history(3);
  warppool::Stats stats;
  stats.tokens.resize(1);
  stats.tokens[0].name = "alice";
  for (std::uint64_t n = 0; n <= 5; ++n) {
    stats.tokens[0].counters.outcomes[static_cast<std::size_t>(Outcome::kSuccess)] += n;
    history.Note(stats);
  }
  const auto beats = history.Of("alice");
  REQUIRE(beats.size() == 3);
  CHECK(beats.front().successes == 3);
  CHECK(beats.back().successes == 5);
  CHECK(history.peak() == 5);
  CHECK(history.Of("bob").empty());
  stats.tokens.clear();
  history.Note(stats);
  CHECK(history.Of("alice").empty());
  CHECK(history.peak() == 0);
}

TEST_CASE_METHOD(PictureTest, "no line is wider than the terminal, and there are no more than it has rows") {
  for (int i = 0; i < 30; ++i) {
    Add("a name that is longer than any column " + std::to_string(i), TokenState::kDisabled).reason =
        "東京 " + std::string(200, 'r');
  }
  for (int i = 0; i < 12; ++i) Happen(PoolEventKind::kDisabled, "東京", std::string(200, 'r'));
  for (int columns = 0; columns < 130; ++columns) {
    for (const std::string& line : Draw(picture, history, {columns, 40}, kUtf8)) {
      if (monitor::WidthOf(line) > columns) FAIL("at " << columns << ": " << line);
    }
  }
  for (int rows = 0; rows < 60; ++rows) {
    if (Draw(picture, history, {80, rows}, kUtf8).size() > static_cast<std::size_t>(rows)) FAIL("at " << rows);
  }
}

TEST_CASE_METHOD(PictureTest, "a low terminal says how many tokens it leaves out") {
  for (int i = 10; i < 40; ++i) Add("token-" + std::to_string(i));
  for (int i = 0; i < 5; ++i) Happen(PoolEventKind::kFailure, "token-10", "reason " + std::to_string(i));
  const Size size{100, 24};
  CHECK(Draw(picture, history, size, kUtf8).size() == 24);
  CHECK(LineWith("token-23", size) != "");
  CHECK(LineWith("token-24", size) == "");
  CHECK(LineWith("more", size) == "... and 16 more");
  // The newest events and the totals stay.
  CHECK(LineWith("reason 4", size) != "");
  CHECK(LineWith("reason 3", size) != "");
  CHECK(LineWith("30/30 ready", size) != "");
  CHECK(LineWith("more", {100, 8}) == "... and 30 more");
  CHECK(LineWith("more").empty());
}

TEST_CASE_METHOD(PictureTest, "the totals count requests and attempts") {
  Add("alice");
  picture.stats.requests = {10, 6, 1, 0, 3};
  picture.stats.total.requests = 12;
  picture.stats.total.refreshes = 2;
  picture.stats.total.first_event.Add(80ms);
  CHECK(LineWith("requests:") == "1/1 ready; requests: 6 answered, 1 failed, 3 running");
  CHECK(LineWith("attempts:") == "attempts: 12, - ok; JWTs: 2; first event after ~75 ms (median)");
  CHECK(Contains(LineWith("requests:", kUsual, kColours), "\x1b[31m1 failed\x1b[0m"));
}

TEST_CASE_METHOD(PictureTest, "an event has its time, its token and its reason") {
  Add("alice");
  Happen(PoolEventKind::kRotated, "alice", "the service replaced the refresh token");
  CHECK(LineWith("rotated") == "08:00:00 alice rotated        the service replaced the refresh token");
  Happen(PoolEventKind::kFailure, "alice", "refused");
  CHECK(LineWith("failure") == "08:00:00 alice failure 2      refused");
  Happen(PoolEventKind::kTierExhausted, "alice", "refused");
  CHECK(LineWith("exhausted") == "08:00:00 alice tier exhausted SHARED, with its last one: refused");
}

TEST_CASE_METHOD(PictureTest, "a cooling that is corrected is shown once") {
  Add("alice");
  Happen(PoolEventKind::kCooling, "alice", "for an hour");
  Happen(PoolEventKind::kCooling, "alice", "for a minute");
  Happen(PoolEventKind::kCooling, "bob", "for a day");
  CHECK(LineWith("for an hour").empty());
  CHECK(LineWith("for a minute") != "");
  CHECK(LineWith("for a day") != "");
}

TEST_CASE_METHOD(PictureTest, "names and reasons cannot steer the terminal") {
  Add("evil\x1b[2J", TokenState::kDisabled).reason = "\x1b]0;title\x07";
  Happen(PoolEventKind::kDisabled, "evil\x1b[2J", "line\nbreak");
  for (const std::string& line : Draw(picture, history, kUsual, kUtf8)) {
    CHECK(std::none_of(line.begin(), line.end(), [](char c) { return c >= 0 && c < 0x20; }));
  }
}

TEST_CASE("what happens with every request is no news") {
  warppool::PoolEvent event{PoolEventKind::kChosen, Tier::kShared};
  CHECK_FALSE(monitor::IsNews(event));
  event.kind = PoolEventKind::kRefreshed;
  CHECK_FALSE(monitor::IsNews(event));
  event.kind = PoolEventKind::kDisabled;
  CHECK(monitor::IsNews(event));
  event.kind = PoolEventKind::kAttemptFailed;
  event.code = warppool::Code::kOverloaded;
  CHECK(monitor::IsNews(event));
  event.code = warppool::Code::kUnauthorized;  // a failure or a disabling says it
  CHECK_FALSE(monitor::IsNews(event));
  event.code = warppool::Code::kQuotaExhausted;
  CHECK_FALSE(monitor::IsNews(event));
}
