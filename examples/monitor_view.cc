#include "monitor_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

namespace monitor {

using warppool::PoolEventKind;
using warppool::TokenState;
using warppool::TokenStats;
using warppool::TokenStatus;

namespace {

constexpr int kMaxNameWidth = 24;
constexpr std::size_t kMaxRemarks = 12;

Colour ColourOf(TokenState state) {
  switch (state) {
    case TokenState::kReady:
      return Colour::kGreen;
    case TokenState::kCooling:
      return Colour::kYellow;
    case TokenState::kDisabled:
      return Colour::kRed;
    case TokenState::kHalfOpen:
      return Colour::kMagenta;
    case TokenState::kResting:
      return Colour::kCyan;
  }
  return Colour::kPlain;
}

Colour ColourOf(PoolEventKind kind) {
  switch (kind) {
    case PoolEventKind::kRecovered:
      return Colour::kGreen;
    case PoolEventKind::kCooling:
    case PoolEventKind::kFailure:
    case PoolEventKind::kAttemptFailed:
      return Colour::kYellow;
    case PoolEventKind::kDisabled:
    case PoolEventKind::kTierExhausted:
    case PoolEventKind::kPoolExhausted:
    case PoolEventKind::kStoreFailed:
      return Colour::kRed;
    default:
      return Colour::kCyan;
  }
}

std::string TimeOfDay(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm local{};
  localtime_r(&seconds, &local);
  return fmt::format("{:02}:{:02}:{:02}", local.tm_hour, local.tm_min, local.tm_sec);
}

// Where the columns stand.
struct Layout {
  int name = 5;
  int quota = 5;
  int spark = 10;
};

Layout MakeLayout(const warppool::PoolStatus& pool, Size size, Style style) {
  Layout layout;
  for (const TokenStatus& token : pool.tokens) {
    layout.name = std::max(layout.name, std::min(kMaxNameWidth, WidthOf(Printable(token.name, style))));
    layout.quota = std::max(layout.quota, WidthOf(QuotaLeft(token.quota)));
  }
  // The reason, which stands last, gets half of what a wide terminal has to give.
  layout.spark = std::clamp(layout.spark + (size.columns - 90) / 2, 10, 40);
  return layout;
}

Line HeaderLine(const Layout& layout, Style style) {
  Line line(style);
  line.AddColumn("TIER", 9, Colour::kFaint).AddColumn("TOKEN", layout.name, Colour::kFaint);
  line.AddColumn("STATE", 9, Colour::kFaint).AddColumn("BACK IN", 7, Colour::kFaint, Align::kRight);
  line.AddColumn("RUN", 3, Colour::kFaint, Align::kRight).AddColumn("OK", 4, Colour::kFaint, Align::kRight);
  line.AddColumn("QUOTA", layout.quota, Colour::kFaint, Align::kRight)
      .AddColumn("RECENT", layout.spark, Colour::kFaint);
  line.Add("REASON", Colour::kFaint);
  return line;
}

// One character for each beat, the newest at the right; a beat with a failure shows that, however much went well in it.
void AddSparkline(const std::deque<Beat>& beats, std::uint64_t peak, int width, Style style, Line* line) {
  static constexpr const char* kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr const char* kAsciiBars[] = {".", ":", "-", "=", "+", "*", "%", "#"};
  const auto length = static_cast<std::size_t>(width);
  const std::size_t shown = std::min(beats.size(), length);
  line->Add(std::string(length - shown, ' '));
  for (std::size_t i = beats.size() - shown; i < beats.size(); ++i) {
    const Beat& beat = beats[i];
    if (beat.failures > 0) {
      line->Add(style.utf8 ? "×" : "x", Colour::kRed);
    } else if (beat.successes == 0) {
      line->Add(" ");
    } else {
      const std::uint64_t step = peak == 0 ? 0 : (beat.successes * 8 - 1) / peak;
      line->Add((style.utf8 ? kBars : kAsciiBars)[step < 7 ? step : 7], Colour::kGreen);
    }
  }
  line->Add(" ");
}

std::string BackIn(const TokenStatus& token, std::chrono::system_clock::time_point now) {
  if (token.state == TokenState::kReady) return "";
  if (token.ready_at) return Countdown(*token.ready_at - now);
  return "by hand";
}

Line TokenLine(const TokenStatus& token, const TokenStats* stats, const History& history, const Layout& layout,
               std::chrono::system_clock::time_point now, Style style) {
  static const TokenStats kNothing;
  if (stats == nullptr) stats = &kNothing;
  const Colour state = ColourOf(token.state);
  Line line(style);
  line.AddColumn(TierName(token.tier), 9, Colour::kFaint).AddColumn(token.name, layout.name, Colour::kBold);
  line.AddColumn(TokenStateName(token.state), 9, state).AddColumn(BackIn(token, now), 7, state, Align::kRight);
  line.AddColumn(token.in_flight > 0 ? std::to_string(token.in_flight) : "", 3, Colour::kCyan, Align::kRight);
  line.AddColumn(SuccessRate(stats->counters), 4, Colour::kPlain, Align::kRight);
  line.AddColumn(QuotaLeft(token.quota), layout.quota, Colour::kPlain, Align::kRight);
  AddSparkline(history.Of(token.name), history.peak(), layout.spark, style, &line);
  line.Add(Remarks(token), token.state == TokenState::kReady ? Colour::kFaint : state);
  return line;
}

Line TotalsLine(const Picture& picture, Style style) {
  const warppool::RequestStats& requests = picture.stats.requests;
  Line line(style);
  line.Add(StateCounts(picture.pool), Colour::kBold);
  line.Add(fmt::format("; requests: {} answered, ", requests.succeeded));
  line.Add(fmt::format("{} failed", requests.failed), requests.failed > 0 ? Colour::kRed : Colour::kPlain);
  line.Add(fmt::format(", {} running", requests.running));
  return line;
}

Line AttemptsLine(const Picture& picture, Style style) {
  const warppool::Counters& total = picture.stats.total;
  return Line(style).Add(fmt::format("attempts: {}, {} ok; JWTs: {}; first event after {} (median)", total.requests,
                                     SuccessRate(total), total.refreshes, Median(total.first_event)));
}

std::string ReasonOf(const Remark& remark) {
  if (remark.kind != PoolEventKind::kTierExhausted) return remark.reason;
  return fmt::format("{}, with its last one: {}", TierName(remark.tier), remark.reason);
}

// How long a token cools is often told twice: as assumed, and as the service says when it is asked.
std::vector<Remark> WithoutCorrected(const std::vector<Remark>& remarks) {
  std::vector<Remark> kept;
  for (const Remark& remark : remarks) {
    const bool corrects = remark.kind == PoolEventKind::kCooling && !kept.empty() && kept.back().kind == remark.kind &&
                          kept.back().token == remark.token;
    if (corrects) kept.pop_back();
    kept.push_back(remark);
  }
  return kept;
}

Line RemarkLine(const Remark& remark, const Layout& layout, Style style) {
  Line line(style);
  line.AddColumn(TimeOfDay(remark.time), 8, Colour::kFaint).AddColumn(remark.token, layout.name, Colour::kBold);
  std::string kind = PoolEventKindName(remark.kind);
  if (remark.kind == PoolEventKind::kFailure) kind = fmt::format("failure {}", remark.failures);
  line.AddColumn(kind, 14, ColourOf(remark.kind)).Add(ReasonOf(remark));
  return line;
}

}  // namespace

bool IsNews(const warppool::PoolEvent& event) {
  switch (event.kind) {
    case PoolEventKind::kLoaded:
    case PoolEventKind::kChosen:
    case PoolEventKind::kRefreshed:
      return false;
    case PoolEventKind::kAttemptFailed:  // a failure, a disabling or a cooling comes with these
      return event.code != warppool::Code::kUnauthorized && event.code != warppool::Code::kQuotaExhausted;
    default:
      return true;
  }
}

Remark MakeRemark(const warppool::PoolEvent& event) {
  return {event.kind,  event.tier,    std::string(event.token), std::string(event.reason), event.time,
          event.until, event.failures};
}

void History::Note(const warppool::Stats& stats) {
  std::map<std::string, Track> tracks;
  for (const TokenStats& token : stats.tokens) {
    Track& track = tracks[token.name];
    if (const auto before = tracks_.find(token.name); before != tracks_.end()) {
      track = std::move(before->second);
      warppool::Counters news = token.counters;
      news -= track.counters;
      track.beats.push_back({news.Successes(), news.FailedAttempts()});
      if (track.beats.size() > length_) track.beats.pop_front();
    }
    track.counters = token.counters;
  }
  tracks_ = std::move(tracks);  // without those that were removed
}

std::deque<Beat> History::Of(const std::string& token) const {
  const auto found = tracks_.find(token);
  return found == tracks_.end() ? std::deque<Beat>() : found->second.beats;
}

std::uint64_t History::peak() const {
  std::uint64_t peak = 0;
  for (const auto& [name, track] : tracks_) {
    for (const Beat& beat : track.beats) peak = std::max(peak, beat.successes + beat.failures);
  }
  return peak;
}

std::vector<std::string> Draw(const Picture& picture, const History& history, Size size, Style style) {
  const Layout layout = MakeLayout(picture.pool, size, style);
  const auto rows = static_cast<std::size_t>(std::max(0, size.rows));
  const auto& tokens = picture.pool.tokens;
  const auto& stats = picture.stats.tokens;
  const std::vector<Remark> remarks = WithoutCorrected(picture.remarks);

  std::vector<Line> lines;
  for (const std::string& title : picture.title) lines.push_back(Line(style).Add(title, Colour::kBold));
  lines.emplace_back(style);
  lines.push_back(HeaderLine(layout, style));

  // On a screen that is too small for all, tokens give way before the totals and the last two events do.
  const std::size_t below = 3 + (remarks.empty() ? 0 : 1 + std::min<std::size_t>(remarks.size(), 2));
  const std::size_t space = rows > lines.size() + below ? rows - lines.size() - below : 0;
  const bool all = tokens.size() <= space;
  const std::size_t shown = all ? tokens.size() : space > 0 ? space - 1 : 0;
  for (std::size_t i = 0; i < shown; ++i) {
    const auto of = std::find_if(stats.begin(), stats.end(), [&](const auto& s) { return s.name == tokens[i].name; });
    lines.push_back(TokenLine(tokens[i], of == stats.end() ? nullptr : &*of, history, layout, picture.now, style));
  }
  if (!all) lines.push_back(Line(style).Add(fmt::format("... and {} more", tokens.size() - shown), Colour::kFaint));

  lines.emplace_back(style);
  lines.push_back(TotalsLine(picture, style));
  lines.push_back(AttemptsLine(picture, style));

  if (!remarks.empty() && lines.size() + 1 < rows) {
    lines.emplace_back(style);
    const std::size_t count = std::min({remarks.size(), kMaxRemarks, rows - lines.size()});
    for (std::size_t i = remarks.size() - count; i < remarks.size(); ++i) {
      lines.push_back(RemarkLine(remarks[i], layout, style));
    }
  }

  std::vector<std::string> texts;
  for (const Line& line : lines) {
    if (texts.size() < rows) texts.push_back(line.Render(size.columns));
  }
  return texts;
}

}  // namespace monitor
