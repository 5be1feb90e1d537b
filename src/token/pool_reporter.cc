#include "token/pool_reporter.h"

#include "base/guarded.h"
#include "base/program_call.h"

namespace warppool {

const char* PoolEventKindName(PoolEventKind kind) noexcept {
  switch (kind) {
    case PoolEventKind::kLoaded:
      return "loaded";
    case PoolEventKind::kChosen:
      return "chosen";
    case PoolEventKind::kAttemptFailed:
      return "attempt failed";
    case PoolEventKind::kFailure:
      return "failure";
    case PoolEventKind::kDisabled:
      return "disabled";
    case PoolEventKind::kCooling:
      return "cooling";
    case PoolEventKind::kRecovered:
      return "recovered";
    case PoolEventKind::kRefreshed:
      return "refreshed";
    case PoolEventKind::kRotated:
      return "rotated";
    case PoolEventKind::kSameAccount:
      return "same account";
    case PoolEventKind::kTierExhausted:
      return "tier exhausted";
    case PoolEventKind::kPoolExhausted:
      return "pool exhausted";
    case PoolEventKind::kRemoved:
      return "removed";
    case PoolEventKind::kChanged:
      return "changed";
    case PoolEventKind::kRestored:
      return "restored";
    case PoolEventKind::kStoreFailed:
      return "store failed";
  }
  return "unknown";
}

}  // namespace warppool

namespace warppool::internal {

void PoolReporter::Tell(const PoolNotice& notice) const noexcept {
  Guarded([&] { WriteLine(notice); });
  if (!sink_ || !MayCallProgram()) return;
  Guarded([&] {
    PoolEvent event{notice.kind, notice.tier};
    const std::string name = notice.token ? notice.token->name() : "";
    event.token = name;
    event.code = notice.why.code();
    event.reason = notice.why.ok() ? notice.reason : notice.why.message();
    event.failures = notice.failures;
    event.until = ToSystemTime(notice.until);
    event.time = ToSystemTime(clock_.Wall());
    CallProgram([&] { sink_(event); });
  });
}

void PoolReporter::WriteLine(const PoolNotice& notice) const {
  if (!log_.enabled() || notice.event_only) return;
  const std::string name = notice.token ? notice.token->name() : "";
  const std::string& why = notice.why.message();
  switch (notice.kind) {
    case PoolEventKind::kLoaded:
      return log_.Debug("Loaded token: {} (priority: {})", name, TierName(notice.tier));
    case PoolEventKind::kChosen:
      return log_.Info("Selected token: {} (priority: {})", name, TierName(notice.tier));
    case PoolEventKind::kAttemptFailed:
      return log_.Warning("Attempt failed: {}: {}", name, why);
    case PoolEventKind::kFailure:
      return log_.Warning("Token failure {}: {}: {}", notice.reason, name, why);
    case PoolEventKind::kDisabled:
      return log_.Warning("Token deactivated{}{}: {}: {}", notice.reason.empty() ? "" : " ", notice.reason, name, why);
    case PoolEventKind::kCooling:
      return log_.Warning("Token cooling, quota used up: {}: {}", name, why);
    case PoolEventKind::kRecovered:
      return log_.Info("Token works again: {}: {}", name, notice.reason);
    case PoolEventKind::kRefreshed:
      return log_.Info("Refreshed JWT: {} ({})", name, notice.reason);
    case PoolEventKind::kRotated:
      return log_.Info("Refresh token replaced by the service: {}", name);
    case PoolEventKind::kSameAccount:
      return log_.Warning("Token {} {}", name, notice.reason);
    case PoolEventKind::kTierExhausted:
      return log_.Warning("No token is ready any more in tier {}", TierName(notice.tier));
    case PoolEventKind::kPoolExhausted:
      return log_.Error("No token is ready any more");
    case PoolEventKind::kRemoved:
      return log_.Info("Removed token: {}", name);
    case PoolEventKind::kChanged:
      return log_.Info("Changed token: {}: {}", name, notice.reason);
    case PoolEventKind::kRestored:
      return log_.Info("Restored from the store: {}: {}", name, notice.reason);
    case PoolEventKind::kStoreFailed:
      return log_.Error("Store: {}{}{}", name, name.empty() ? "" : ": ", why);
  }
}

}  // namespace warppool::internal
