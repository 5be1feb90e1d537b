#include "client/failure_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace warppool::internal {
namespace {

// The code of what each token met last, if they all met the same.
Code CommonCode(const std::vector<Attempt>& attempts) {
  std::vector<std::pair<std::string, Code>> last;
  for (const Attempt& attempt : attempts) {
    const auto same = [&](const auto& entry) { return entry.first == attempt.token; };
    const auto it = std::find_if(last.begin(), last.end(), same);
    if (it == last.end()) {
      last.emplace_back(attempt.token, attempt.code);
    } else {
      it->second = attempt.code;
    }
  }
  const bool all_same =
      std::all_of(last.begin(), last.end(), [&](const auto& e) { return e.second == last[0].second; });
  return all_same && !last.empty() ? last[0].second : Code::kAllTokensFailed;
}

}  // namespace

Status AllTokensFailed(const FailureReport& report, const Status& last, TokenPool* pool) {
  const bool tried_any = !report.attempts.empty();
  Error error = report.bad_setting != nullptr ? report.bad_setting->error() : last.error();
  if (tried_any && report.bad_setting == nullptr) error.code = CommonCode(report.attempts);
  if (error.code == Code::kAllTokensFailed) error.message = "every token failed, for different reasons";
  if (report.only != nullptr) {
    // It may have waited for one that is gone.
    if (!tried_any && error.code == Code::kNoTokenReady) error.message = report.none_is_ready;
    error.message += fmt::format("; who may serve is restricted by the request's {}", report.only->What());
  }
  error.attempts = report.attempts;
  const auto was_tried = [&](const std::string& token) {
    return std::any_of(report.attempts.begin(), report.attempts.end(),
                       [&](const Attempt& attempt) { return attempt.token == token; });
  };
  for (Attempt& attempt : pool->view().WhyNotReady(report.wanted.excluded, report.only)) {
    if (!was_tried(attempt.token)) error.attempts.push_back(std::move(attempt));
  }
  TokenPool::Wanted anything;
  anything.only = report.only;
  if (const auto earliest = pool->WhenReady(anything).earliest) {
    error.retryable = true;
    error.retry_after = std::min(*earliest, error.retry_after.value_or(*earliest));
  }
  // The last word of a service that refused many is not the word of one token.
  if (error.attempts.size() > 1) error.token.clear();
  return Status(std::move(error));
}

}  // namespace warppool::internal
