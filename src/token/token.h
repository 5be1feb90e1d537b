// One token: who it is, its credential, and the JWT that was last issued for it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/fingerprint.h"
#include "base/mutex.h"
#include "token/jwt.h"
#include "warppool/config.h"

namespace warppool {

// The names of `tokens`, in their order: the configured ones as they are; for the others tier and fingerprint, six hex
// digits or as many more as it takes to tell them all apart.
std::vector<std::string> NamesOf(const std::vector<TokenConfig>& tokens);

// Any thread.
class Token {
 public:
  Token(std::string name, Tier tier, CredentialKind kind, Secret credential);

  const std::string& name() const { return name_; }
  Tier tier() const { return tier_; }
  CredentialKind kind() const { return kind_; }

  Secret credential() const EXCLUDES(mutex_);
  // The service replaced the credential.
  void Rotate(Secret credential) EXCLUDES(mutex_);

  // The JWT that was issued last; null: none. It may have ended.
  std::shared_ptr<const Jwt> jwt() const EXCLUDES(mutex_);
  // The same, to be sent.
  std::shared_ptr<const Jwt> UseJwt() EXCLUDES(mutex_);
  void MarkUsed() EXCLUDES(mutex_);
  // Whether a JWT was used since the last one was issued, or since this was asked.
  bool TakeUsed() EXCLUDES(mutex_);
  void SetJwt(std::shared_ptr<const Jwt> jwt) EXCLUDES(mutex_);
  // Puts `same`, the present JWT with another time to refresh it, in its place; nothing happens if that is gone.
  void PostponeRefresh(std::shared_ptr<const Jwt> same) EXCLUDES(mutex_);
  // Forgets the JWT if it is still the one whose text is `refused`: a 401 speaks only for the JWT it was sent with.
  void DropJwt(std::string_view refused) EXCLUDES(mutex_);

  std::uint64_t refreshes() const EXCLUDES(mutex_);

 private:
  const std::string name_;
  const Tier tier_;
  const CredentialKind kind_;

  mutable Mutex mutex_;
  Secret credential_ GUARDED_BY(mutex_);
  std::shared_ptr<const Jwt> jwt_ GUARDED_BY(mutex_);
  std::uint64_t refreshes_ GUARDED_BY(mutex_) = 0;
  bool used_ GUARDED_BY(mutex_) = false;
};

}  // namespace warppool
