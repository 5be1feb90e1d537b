// Text for a terminal: coloured columns, cut to a width, and numbers and times in few characters. All of it is pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "warppool/stats.h"
#include "warppool/token_pool.h"

namespace monitor {

struct Style {
  bool colour = false;
  bool utf8 = false;  // false: ASCII only
};

enum class Colour { kPlain, kBold, kFaint, kRed, kGreen, kYellow, kMagenta, kCyan };
enum class Align { kLeft, kRight };

// `text` as it may be shown. Names come from a configuration and reasons from a service: whatever could move the
// cursor, start a colour or turn the writing direction around is replaced by "?", and so is what `style` cannot show.
std::string Printable(std::string_view text, Style style);

// The columns that a printable text takes. East Asian characters and pictures take two, combining ones none.
int WidthOf(std::string_view printable);

// One line of the screen, put together from left to right.
class Line {
 public:
  explicit Line(Style style) : style_(style) {}

  Line& Add(std::string_view text, Colour colour = Colour::kPlain);

  // Exactly `width` columns, and a space: padded, or cut with a mark that says so.
  Line& AddColumn(std::string_view text, int width, Colour colour = Colour::kPlain, Align align = Align::kLeft);

  // At most `columns` wide, cut with a mark; no line end, and no colour that goes on behind it.
  std::string Render(int columns) const;

 private:
  struct Span {
    std::string text;  // printable
    Colour colour;
  };
  Style style_;
  std::vector<Span> spans_;
};

// "4s", "3m05s", "2h10m", "12d"; "now" for what is over.
std::string Countdown(std::chrono::system_clock::duration left);

// Of the attempts that ended well or badly: "98%"; never "100%" where one failed. "-": there was none.
std::string SuccessRate(const warppool::Counters& counters);

// "8/10", "1500/2500+100" with a bonus, "unlimited"; "-": not known.
std::string QuotaLeft(const std::optional<warppool::Quota>& quota);

// The median, as well as the buckets tell: "~180 ms", "> 60 s"; "-": there was none.
std::string Median(const warppool::Latency& latency);

// "5/7 ready, 1 cooling, 1 disabled".
std::string StateCounts(const warppool::PoolStatus& pool);

// Why it is not ready, or what else there is to say of it.
std::string Remarks(const warppool::TokenStatus& token);

}  // namespace monitor
