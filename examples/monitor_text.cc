#include "monitor_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/utf8.h"

namespace monitor {

using warppool::TokenState;

namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// C0, DEL, C1; what is invisible but changes the order or the shape of what follows; line ends of Unicode.
constexpr Range kUnsafe[] = {{0x0, 0x1f},      {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},    {0x200b, 0x200f},
                             {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xe0000, 0xe007f}};
constexpr Range kCombining[] = {{0x300, 0x36f}, {0x1ab0, 0x1aff}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};
constexpr Range kWide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xac00, 0xd7a3},
                           {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
                           {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};

template <std::size_t kSize>
bool IsIn(const Range (&ranges)[kSize], char32_t c) {
  return std::any_of(std::begin(ranges), std::end(ranges), [c](Range r) { return r.first <= c && c <= r.last; });
}

// The first character of what is well-formed and not empty, and its length.
std::pair<char32_t, std::size_t> Decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {byte(0), 1};
  const std::size_t length = byte(0) < 0xe0 ? 2 : byte(0) < 0xf0 ? 3 : 4;
  char32_t c = byte(0) & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) c = (c << 6U) | (byte(i) & 0x3fU);
  return {c, length};
}

int Columns(char32_t c) {
  if (c < 0x300) return 1;
  return IsIn(kCombining, c) ? 0 : IsIn(kWide, c) ? 2 : 1;
}

// The start of `printable` that takes at most `columns`, and how many it takes.
std::pair<std::string_view, int> Fitting(std::string_view printable, int columns) {
  std::size_t end = 0;
  int width = 0;
  while (end < printable.size()) {
    const auto [c, length] = Decode(printable.substr(end));
    if (width + Columns(c) > columns) break;
    width += Columns(c);
    end += length;
  }
  return {printable.substr(0, end), width};
}

const char* Escape(Colour colour) {
  switch (colour) {
    case Colour::kPlain:
      return "";
    case Colour::kBold:
      return "\x1b[1m";
    case Colour::kFaint:
      return "\x1b[2m";
    case Colour::kRed:
      return "\x1b[31m";
    case Colour::kGreen:
      return "\x1b[32m";
    case Colour::kYellow:
      return "\x1b[33m";
    case Colour::kMagenta:
      return "\x1b[35m";
    case Colour::kCyan:
      return "\x1b[36m";
  }
  return "";
}

const char* CutMark(Style style) {
  return style.utf8 ? "…" : "~";
}

std::string Milliseconds(std::int64_t ms) {
  return ms < 10'000 ? fmt::format("{} ms", ms) : fmt::format("{} s", ms / 1000);
}

}  // namespace

std::string Printable(std::string_view text, Style style) {
  const std::string repaired = warppool::internal::RepairedUtf8(text);
  std::string result;
  for (std::string_view rest = repaired; !rest.empty();) {
    const auto [c, length] = Decode(rest);
    const bool shown = !IsIn(kUnsafe, c) && (style.utf8 || c < 0x80);
    result += shown ? rest.substr(0, length) : "?";
    rest.remove_prefix(length);
  }
  return result;
}

int WidthOf(std::string_view printable) {
  int width = 0;
  while (!printable.empty()) {
    const auto [c, length] = Decode(printable);
    width += Columns(c);
    printable.remove_prefix(length);
  }
  return width;
}

Line& Line::Add(std::string_view text, Colour colour) {
  spans_.push_back({Printable(text, style_), colour});
  return *this;
}

Line& Line::AddColumn(std::string_view text, int width, Colour colour, Align align) {
  std::string cell = Printable(text, style_);
  if (WidthOf(cell) > width) cell = std::string(Fitting(cell, width - 1).first) + CutMark(style_);
  const std::string padding(static_cast<std::size_t>(std::max(0, width - WidthOf(cell))), ' ');
  if (align == Align::kRight) spans_.push_back({padding, Colour::kPlain});
  spans_.push_back({std::move(cell), colour});
  spans_.push_back({(align == Align::kLeft ? padding : "") + " ", Colour::kPlain});
  return *this;
}

std::string Line::Render(int columns) const {
  int whole = 0;
  for (const Span& span : spans_) whole += WidthOf(span.text);
  const bool cut = whole > columns;
  int left = std::max(0, cut ? columns - 1 : columns);

  std::string line;
  for (const Span& span : spans_) {
    const auto [text, width] = Fitting(span.text, left);
    left -= width;
    const bool coloured = style_.colour && span.colour != Colour::kPlain && !text.empty();
    if (coloured) line += Escape(span.colour);
    line += text;
    if (coloured) line += "\x1b[0m";
    if (text.size() < span.text.size()) break;  // what comes behind it must not move up
  }
  if (cut && columns > 0) line += CutMark(style_);
  return line;
}

std::string Countdown(std::chrono::system_clock::duration left) {
  // Rounded up: what is shown as over is over.
  constexpr std::int64_t kHour = 3600;
  const std::int64_t seconds = std::chrono::ceil<std::chrono::seconds>(left).count();
  if (seconds <= 0) return "now";
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < kHour) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  if (seconds < 48 * kHour) return fmt::format("{}h{:02}m", seconds / kHour, seconds / 60 % 60);
  return fmt::format("{}d", seconds / (24 * kHour));
}

std::string SuccessRate(const warppool::Counters& counters) {
  const std::uint64_t ended = counters.Successes() + counters.FailedAttempts();
  if (ended == 0) return "-";
  return fmt::format("{:.0f}%",
                     std::floor(100.0 * static_cast<double>(counters.Successes()) / static_cast<double>(ended)));
}

std::string QuotaLeft(const std::optional<warppool::Quota>& quota) {
  if (!quota) return "-";
  if (quota->unlimited) return "unlimited";
  const std::string bonus = quota->bonus > 0 ? fmt::format("+{}", quota->bonus) : "";
  return fmt::format("{}/{}{}", quota->Remaining() - quota->bonus, quota->limit, bonus);
}

std::string Median(const warppool::Latency& latency) {
  const std::uint64_t count = latency.Count();
  if (count == 0) return "-";
  const auto& bounds = warppool::Latency::kBoundsMs;
  std::uint64_t before = 0;
  std::int64_t lower = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const std::uint64_t inside = latency.buckets[i];
    if (2 * (before + inside) >= count && inside > 0) {
      // As if those of the bucket were spread evenly over it.
      const double share = (static_cast<double>(count) / 2 - static_cast<double>(before)) / static_cast<double>(inside);
      return "~" + Milliseconds(lower + static_cast<std::int64_t>(share * static_cast<double>(bounds[i] - lower)));
    }
    before += inside;
    lower = bounds[i];
  }
  return "> " + Milliseconds(lower);
}

std::string StateCounts(const warppool::PoolStatus& pool) {
  std::string text = fmt::format("{}/{} ready", pool.Active(), pool.tokens.size());
  for (const TokenState state :
       {TokenState::kResting, TokenState::kCooling, TokenState::kHalfOpen, TokenState::kDisabled}) {
    const auto n =
        std::count_if(pool.tokens.begin(), pool.tokens.end(), [state](const auto& t) { return t.state == state; });
    if (n > 0) text += fmt::format(", {} {}", n, TokenStateName(state));
  }
  return text;
}

std::string Remarks(const warppool::TokenStatus& token) {
  std::string text = token.reason;
  if (token.state == TokenState::kReady && token.failures > 0) {
    text = fmt::format("{} failure{}: {}", token.failures, token.failures == 1 ? "" : "s", token.last_error_message);
  }
  if (token.same_account.empty()) return text;
  return fmt::format("{}{}same account as {}", text, text.empty() ? "" : "; ", token.same_account);
}

}  // namespace monitor
