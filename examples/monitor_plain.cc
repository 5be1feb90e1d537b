#include "monitor_plain.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/rfc3339.h"

namespace monitor {

using warppool::TokenStatus;
using warppool::internal::WriteRfc3339;

namespace {

// In double quotes where it needs them: a value must not be taken for two pairs, or for the next line.
std::string Value(std::string_view text, Style style) {
  std::string shown = Printable(text, style);
  if (!shown.empty() && shown.find_first_of(" \"\\=") == std::string::npos) return shown;
  std::string quoted = "\"";
  for (const char c : shown) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

const warppool::TokenStats* Find(const warppool::Stats& stats, const std::string& name) {
  const auto& tokens = stats.tokens;
  const auto found = std::find_if(tokens.begin(), tokens.end(), [&](const auto& token) { return token.name == name; });
  return found == tokens.end() ? nullptr : &*found;
}

std::string TokenPairs(const TokenStatus& token, const Picture& picture, Style style) {
  std::string line = fmt::format("token={} tier={} state={}", Value(token.name, style), TierName(token.tier),
                                 Value(TokenStateName(token.state), style));
  if (token.ready_at) line += " back_in=" + Countdown(*token.ready_at - picture.now);
  const warppool::TokenStats* const stats = Find(picture.stats, token.name);
  line += fmt::format(" running={} ok={} quota={}", token.in_flight,
                      SuccessRate(stats == nullptr ? warppool::Counters() : stats->counters), QuotaLeft(token.quota));
  if (const std::string remarks = Remarks(token); !remarks.empty()) line += " reason=" + Value(remarks, style);
  return line;
}

}  // namespace

std::string EventLine(const Remark& remark, Style style) {
  std::string line =
      fmt::format("{} event={} token={} tier={}", WriteRfc3339(remark.time),
                  Value(PoolEventKindName(remark.kind), style), Value(remark.token, style), TierName(remark.tier));
  if (remark.kind == warppool::PoolEventKind::kFailure) line += fmt::format(" failures={}", remark.failures);
  if (remark.until) line += " until=" + WriteRfc3339(*remark.until);
  if (!remark.reason.empty()) line += " reason=" + Value(remark.reason, style);
  return line;
}

std::string PoolLine(const Picture& picture, Style style) {
  const warppool::RequestStats& requests = picture.stats.requests;
  return fmt::format("{} pool ready={} of={} answered={} failed={} running={} attempts_ok={} first_event={}",
                     WriteRfc3339(picture.now), picture.pool.Active(), picture.pool.tokens.size(), requests.succeeded,
                     requests.failed, requests.running, SuccessRate(picture.stats.total),
                     Value(Median(picture.stats.total.first_event), style));
}

bool StateWatch::IsSame(const Standing& a, const Standing& b) {
  if (a.state != b.state || a.ready_at.has_value() != b.ready_at.has_value()) return false;
  // Each snapshot reckons the time anew, from a clock that cannot be set.
  return !a.ready_at || std::chrono::abs(*a.ready_at - *b.ready_at) < std::chrono::seconds(1);
}

std::vector<std::string> StateWatch::Changes(const Picture& picture, Style style) {
  std::vector<std::string> lines;
  std::map<std::string, Standing> standings;
  for (const TokenStatus& token : picture.pool.tokens) {
    const Standing now{token.state, token.ready_at};
    standings.emplace(token.name, now);
    const auto before = standings_.find(token.name);
    if (before != standings_.end() && IsSame(before->second, now)) continue;
    lines.push_back(WriteRfc3339(picture.now) + " " + TokenPairs(token, picture, style));
  }
  standings_ = std::move(standings);
  return lines;
}

std::vector<std::string> Summary(const Picture& picture, Style style) {
  std::vector<std::string> lines{"summary: " + StateCounts(picture.pool)};
  for (const TokenStatus& token : picture.pool.tokens) lines.push_back("  " + TokenPairs(token, picture, style));
  const warppool::RequestStats& requests = picture.stats.requests;
  const warppool::Counters& total = picture.stats.total;
  lines.push_back(fmt::format("  requests: {} answered, {} failed, {} cancelled", requests.succeeded, requests.failed,
                              requests.cancelled));
  lines.push_back(fmt::format("  attempts: {}, {} ok; JWTs: {}; first event: {}", total.requests, SuccessRate(total),
                              total.refreshes, Median(total.first_event)));
  return lines;
}

}  // namespace monitor
