#include "guard.h"

using warppool::capi::ReadOr;

namespace {

using Names = std::vector<std::string>;

const char* At(const Names& names, size_t index) noexcept {
  return index < names.size() ? names[index].c_str() : "";
}

}  // namespace

size_t warppool_pool_change_added_count(const warppool_pool_change* change) {
  return ReadOr(change, size_t{0}, [](const auto& c) { return c.result.added.size(); });
}

const char* warppool_pool_change_added(const warppool_pool_change* change, size_t index) {
  return ReadOr(change, "", [index](const auto& c) { return At(c.result.added, index); });
}

size_t warppool_pool_change_removed_count(const warppool_pool_change* change) {
  return ReadOr(change, size_t{0}, [](const auto& c) { return c.result.removed.size(); });
}

const char* warppool_pool_change_removed(const warppool_pool_change* change, size_t index) {
  return ReadOr(change, "", [index](const auto& c) { return At(c.result.removed, index); });
}

size_t warppool_pool_change_changed_count(const warppool_pool_change* change) {
  return ReadOr(change, size_t{0}, [](const auto& c) { return c.result.changed.size(); });
}

const char* warppool_pool_change_changed(const warppool_pool_change* change, size_t index) {
  return ReadOr(change, "", [index](const auto& c) { return At(c.result.changed, index); });
}

size_t warppool_pool_change_kept(const warppool_pool_change* change) {
  return ReadOr(change, size_t{0}, [](const auto& c) { return c.result.kept; });
}

void warppool_pool_change_destroy(warppool_pool_change** change) {
  warppool::capi::Destroy(change);
}
