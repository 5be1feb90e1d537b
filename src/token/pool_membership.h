// Who is in the pool: tokens that come, go and change, and who of them may serve which request. Leases are of a member,
// so what runs finishes with the one it has.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "token/pool_state.h"
#include "token/token_restriction.h"
#include "warppool/token_pool.h"

namespace warppool::internal {

// Any thread.
class PoolMembership {
 public:
  explicit PoolMembership(PoolState* state) : state_(state) {}

  // The first members.
  void Begin(const std::vector<TokenConfig>& tokens) EXCLUDES(state_->mutex);
  // Tells of each token that it is there.
  void TellLoaded() const EXCLUDES(state_->mutex);

  // What is wrong with a call changes nothing, and comes back as kInvalidArgument. The names are as in
  // Client, and so is what each does.
  Result<std::shared_ptr<Token>> Add(const TokenConfig& config) EXCLUDES(state_->mutex);
  Status Remove(const std::string& name) EXCLUDES(state_->mutex);
  Result<std::string> Rename(const std::string& name, const std::string& wanted) EXCLUDES(state_->mutex);
  Result<std::string> Move(const std::string& name, Tier tier) EXCLUDES(state_->mutex);
  Result<std::shared_ptr<Token>> Replace(const std::string& name, TokenConfig config) EXCLUDES(state_->mutex);
  // All at once. `added`: those that were not there, and those with another credential.
  ReloadResult Reload(PoolOptions options, const std::vector<TokenConfig>& tokens,
                      std::vector<std::shared_ptr<Token>>* added) EXCLUDES(state_->mutex);

  std::vector<std::shared_ptr<Token>> All() const EXCLUDES(state_->mutex);
  // Null: there is none.
  std::shared_ptr<Token> Find(const std::string& name) const EXCLUDES(state_->mutex);
  // The one with this Token::key(); null: there is none.
  std::shared_ptr<const Token> FindKey(const std::string& key) const EXCLUDES(state_->mutex);
  // Whether there is any that is not among `tokens`, be it ready or not. `only`: and that it allows; null: all.
  bool AnyOther(const TokenSet& tokens, const TokenRestriction* only = nullptr) const EXCLUDES(state_->mutex);

  // Who may serve a request with these Request::tiers and Request::tokens, which also say what is refused. Null: all.
  // A name stands for the token that has it now. The tier is the one that a token is in when it is chosen.
  Result<std::shared_ptr<const TokenRestriction>> Restrict(const std::vector<Tier>& tiers,
                                                           const std::vector<std::string>& names) const
      EXCLUDES(state_->mutex);
  // Whether there is such a token, be it ready or not.
  bool HasAny(const TokenRestriction& only) const EXCLUDES(state_->mutex);
  // Whether `token` or another one of its account is such a token.
  bool Concerns(const Token& token, const TokenRestriction& only) const EXCLUDES(state_->mutex);

 private:
  bool AnyMayServe(const TokenRestriction& only) const REQUIRES(state_->mutex);
  Registry::Options RegistryOptions() const REQUIRES(state_->mutex);
  Status FaultOf(const TokenConfig& config, const PoolMember* replaced) const REQUIRES(state_->mutex);
  std::string NameFor(const TokenConfig& config, const PoolMember* replaced) const REQUIRES(state_->mutex);
  void Retire(PoolMember* member, PoolNews* news) REQUIRES(state_->mutex);
  void Release(PoolMember* member, PoolNews* news) REQUIRES(state_->mutex);
  void MoveTo(PoolMember* member, Tier tier) REQUIRES(state_->mutex);
  void Arrange(const Registry::Members& members, SteadyTime now, PoolNews* news) REQUIRES(state_->mutex);
  // Gives an id to those that have none.
  void Identify(const Registry::Members& members) REQUIRES(state_->mutex);
  std::vector<PoolMember*> Match(const Registry::Members& before, const std::vector<TokenConfig>& tokens) const
      REQUIRES(state_->mutex);
  bool Adapt(PoolMember* member, const TokenConfig& config, const std::string& name, PoolNews* news)
      REQUIRES(state_->mutex);
  void Inherit(const PoolMember& old, PoolMember* member) REQUIRES(state_->mutex);
  static void NoteChanged(const PoolMember& member, std::string what, PoolNews* news);

  PoolState* const state_;
};

}  // namespace warppool::internal
