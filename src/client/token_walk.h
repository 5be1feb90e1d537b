// The search for a token that serves: leases one, gets it a bearer, lets its owner use that, reports how it went, and
// goes on as the failover policy says.
//
//   Use(bearer) -> the owner tries -> Succeed(), or Fail(...) -> Use(the next bearer) ... or OnWalkFailed(why)
//
// Everything in the I/O thread. The owner must outlive it, and be kept alive by whoever calls into the two.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "client/agent_answer.h"
#include "client/core.h"
#include "client/failover_policy.h"
#include "token/token_pool.h"
#include "warppool/event.h"

namespace warppool {

struct Bearer {
  std::shared_ptr<Token> token;
  std::shared_ptr<const Jwt> jwt;  // null: the credential itself is the bearer
  bool fresh = false;              // issued for this very request

  Secret Text() const { return jwt ? jwt->text : token->credential(); }
};

class TokenWalk {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void Use(const Bearer& bearer) = 0;
    // The program is told of each failed attempt; it may cancel the walk there.
    virtual void OnAttemptFailed(const AttemptFailed& event) = 0;
    virtual void OnWalkFailed(const Status& why) = 0;  // the walk is over
  };

  TokenWalk(Core* core, Owner* owner) : core_(core), owner_(owner), policy_(core->failover()) {}
  ~TokenWalk() { End(); }
  TokenWalk(const TokenWalk&) = delete;
  TokenWalk& operator=(const TokenWalk&) = delete;

  void Start();
  void Start(Lease first);  // with a token that was leased already

  // How the last use went. Success ends the walk, and makes strikes of the server errors on the way.
  void Succeed();
  void Fail(AttemptResult result);
  // Ends the walk; a lease that is held reports `outcome`.
  void End(Outcome outcome = Outcome::kCancelled, const Status& why = {});

  // What was tried so far, for an error that ends the walk from outside.
  const std::vector<Attempt>& attempts() const { return attempts_; }

 private:
  void Lead();  // leases a token, or gives up
  void GetBearer();
  void OnRefreshed(const RefreshResult& result);
  void UseBearer(Bearer bearer);
  void Follow(const Decision& decision, const Status& last);
  void GiveUp(const Status& last);
  Status NoneReady() const;

  // Calls `call`. What it throws ends the walk, and the owner hears of it.
  template <typename Call>
  void Protected(const Call& call) noexcept;

  Core* const core_;
  Owner* const owner_;
  FailoverPolicy policy_;

  bool ended_ = false;
  std::optional<Lease> lease_;
  Bearer bearer_;
  bool stale_once_ = false;  // this lease's cached JWT was refused before
  TokenRefresher::Ticket ticket_ = 0;
  TimerId timer_ = 0;

  TokenPool::Tokens tried_;      // in this pass
  TokenPool::Tokens ruled_out_;  // for good; part of tried_
  std::vector<Lease::Charge> charges_;
  std::vector<Attempt> attempts_;
};

}  // namespace warppool
