// Requests that only some of the tokens may serve.
#include <fmt/format.h>

#include <algorithm>

#include "token/pool_membership.h"

namespace warppool::internal {
namespace {

bool IsKnownTier(Tier tier) {
  return tier == Tier::kPersonal || tier == Tier::kShared || tier == Tier::kAnonymous;
}

bool MayServe(const PoolMember& member, const TokenRestriction& only) {
  return only.Allows(member.token.tier(), member.id);
}

}  // namespace

Result<std::shared_ptr<const TokenRestriction>> PoolMembership::Restrict(const std::vector<Tier>& tiers,
                                                                         const std::vector<std::string>& names) const {
  if (tiers.empty() && names.empty()) return std::shared_ptr<const TokenRestriction>();
  const auto only = std::make_shared<TokenRestriction>();
  for (std::size_t i = 0; i < tiers.size(); ++i) {
    if (!IsKnownTier(tiers[i])) return Status(Code::kInvalidArgument, fmt::format("tiers[{}]: is no tier", i));
    if (only->tiers.empty() || !only->Allows(tiers[i])) only->tiers.push_back(tiers[i]);
  }
  MutexLock lock(&state_->mutex);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const PoolMember* const member = state_->registry.Find(names[i]);
    if (member == nullptr) {
      return Status(Code::kInvalidArgument, fmt::format("tokens[{}]: no token is called \"{}\"", i, names[i]));
    }
    only->tokens.push_back(member->id);
  }
  std::sort(only->tokens.begin(), only->tokens.end());
  only->tokens.erase(std::unique(only->tokens.begin(), only->tokens.end()), only->tokens.end());
  if (AnyMayServe(*only)) return std::shared_ptr<const TokenRestriction>(only);
  if (!names.empty()) return Status(Code::kInvalidArgument, "tokens: none of them is in one of the request's tiers");
  std::string why;
  for (const Tier tier : only->tiers) {
    const auto& order = state_->options.tier_order;
    const bool used = std::find(order.begin(), order.end(), tier) != order.end();
    why +=
        fmt::format("{}{} {}", why.empty() ? "" : ", ", TierName(tier), used ? "has no token" : "is not in tier_order");
  }
  return Status(Code::kInvalidArgument, "tiers: " + why);
}

bool PoolMembership::AnyMayServe(const TokenRestriction& only) const {
  for (const Registry::Tier& tier : state_->registry.tiers()) {
    if (!only.Allows(tier.tier)) continue;
    for (const auto& member : tier.members) {
      if (MayServe(*member, only)) return true;
    }
  }
  return false;
}

bool PoolMembership::HasAny(const TokenRestriction& only) const {
  MutexLock lock(&state_->mutex);
  return AnyMayServe(only);
}

bool PoolMembership::Concerns(const Token& token, const TokenRestriction& only) const {
  MutexLock lock(&state_->mutex);
  PoolMember* const member = state_->registry.Find(token);
  if (member == nullptr) return false;
  const auto members = state_->registry.MembersOf(member);
  return std::any_of(members.begin(), members.end(), [&](const PoolMember* m) { return MayServe(*m, only); });
}

}  // namespace warppool::internal
