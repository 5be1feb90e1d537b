// What the monitor shows on a terminal: a snapshot goes in, lines come out. It reads no clock and writes nowhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "monitor_text.h"
#include "warppool/stats.h"
#include "warppool/token_pool.h"

namespace monitor {

// A pool event, kept. All value types here.
struct Remark {
  warppool::PoolEventKind kind = warppool::PoolEventKind::kLoaded;
  warppool::Tier tier = warppool::Tier::kPersonal;
  std::string token{};
  std::string reason{};
  std::chrono::system_clock::time_point time{};
  std::optional<std::chrono::system_clock::time_point> until{};
  int failures = 0;
};

// Whether an event is news: not what happens with every request, and not what the next event says better.
bool IsNews(const warppool::PoolEvent& event);
Remark MakeRemark(const warppool::PoolEvent& event);

// How the attempts ended that ended between two snapshots.
struct Beat {
  std::uint64_t successes = 0;
  std::uint64_t failures = 0;
};

// The newest beats of each token. Not thread-safe.
class History {
 public:
  explicit History(std::size_t length) : length_(length) {}

  void Note(const warppool::Stats& stats);  // the first one is what the next is compared with

  // Oldest first; empty for a token that is not known.
  std::deque<Beat> Of(const std::string& token) const;
  std::uint64_t peak() const;  // the most attempts in one beat of any token

 private:
  struct Track {
    warppool::Counters counters;
    std::deque<Beat> beats;
  };
  std::size_t length_;
  std::map<std::string, Track> tracks_;
};

struct Size {
  int columns = 80;
  int rows = 24;
};

struct Picture {
  std::vector<std::string> title{};  // one line each
  warppool::PoolStatus pool{};
  warppool::Stats stats{};
  std::vector<Remark> remarks{};  // oldest first
  std::chrono::system_clock::time_point now{};
};

// At most `size.rows` lines of at most `size.columns` columns.
std::vector<std::string> Draw(const Picture& picture, const History& history, Size size, Style style);

}  // namespace monitor
