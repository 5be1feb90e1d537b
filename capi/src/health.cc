#include <utility>

#include "guard.h"

using warppool::Status;
using warppool::capi::ReadOr;

namespace {

using TokenResult = warppool_health_report::Result;
using Problem = std::optional<warppool_error>;

// Unlike MakeError() without a stand-in: a report that lacks a reason would be a wrong one.
Problem ToProblem(const Status& status) {
  if (status.ok()) return std::nullopt;
  return warppool_error{status.error(), status.ToString()};
}

const TokenResult* At(const warppool_health_report* report, size_t index) noexcept {
  if (report == nullptr || index >= report->results.size()) return nullptr;
  return &report->results[index];
}

const warppool_error* Lend(const Problem& problem) noexcept {
  return problem ? &*problem : nullptr;
}

}  // namespace

warppool_health_report::warppool_health_report(warppool::HealthReport from)
    : healthy(static_cast<std::size_t>(from.Healthy())), text(from.ToString()) {
  for (warppool::TokenHealthResult& result : from.tokens) {
    results.push_back({result.healthy, ToProblem(result.problem), ToProblem(result.quota_problem)});
    pool.status.tokens.push_back(std::move(result.token));
  }
  pool.summary = pool.status.Summary();
}

size_t warppool_health_report_count(const warppool_health_report* report) {
  return ReadOr(report, size_t{0}, [](const auto& r) { return r.results.size(); });
}

size_t warppool_health_report_healthy_count(const warppool_health_report* report) {
  return ReadOr(report, size_t{0}, [](const auto& r) { return r.healthy; });
}

int32_t warppool_health_report_healthy(const warppool_health_report* report, size_t index) {
  return ReadOr(At(report, index), int32_t{0}, [](const TokenResult& result) { return result.healthy ? 1 : 0; });
}

const warppool_error* warppool_health_report_problem(const warppool_health_report* report, size_t index) {
  const TokenResult* const result = At(report, index);
  return result == nullptr ? nullptr : Lend(result->problem);
}

const warppool_error* warppool_health_report_quota_problem(const warppool_health_report* report, size_t index) {
  const TokenResult* const result = At(report, index);
  return result == nullptr ? nullptr : Lend(result->quota_problem);
}

const warppool_pool_status* warppool_health_report_pool(const warppool_health_report* report) {
  return report == nullptr ? nullptr : &report->pool;
}

const char* warppool_health_report_to_string(const warppool_health_report* report) {
  return ReadOr(report, "", [](const auto& r) { return r.text.c_str(); });
}

void warppool_health_report_destroy(warppool_health_report** report) {
  warppool::capi::Destroy(report);
}
