// One token: who it is, its credential, and the JWT that was last issued for it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/fingerprint.h"
#include "base/mutex.h"
#include "token/jwt.h"
#include "warppool/config.h"

namespace warppool::internal {

// Hex digits of the fingerprint in a name, where they are enough to tell the tokens apart.
inline constexpr std::size_t kShortestFingerprint = 6;

// The names of `tokens`, in their order: the configured ones as they are; for the others tier and fingerprint, six hex
// digits or as many more as it takes to tell them all apart.
std::vector<std::string> NamesOf(const std::vector<TokenConfig>& tokens);

// `tier` and the first `digits` hex digits of the fingerprint.
std::string AutomaticName(Tier tier, const Secret& credential, std::size_t digits);

// Any thread.
class Token {
 public:
  Token(std::string name, Tier tier, CredentialKind kind, Secret credential, BearerSource source = {});

  std::string name() const EXCLUDES(mutex_);
  void Rename(std::string name) EXCLUDES(mutex_);
  Tier tier() const { return tier_.load(std::memory_order_relaxed); }
  void MoveTo(Tier tier) { tier_.store(tier, std::memory_order_relaxed); }
  CredentialKind kind() const { return kind_; }

  // The credential as the user gave it: who the token is, whatever the service made of it since.
  const Secret& configured() const { return configured_; }
  // The same at every start, and no secret: of the configured credential, or of the name that a bearer source began
  // with.
  const std::string& key() const { return key_; }
  Secret credential() const EXCLUDES(mutex_);
  // How often the service replaced it.
  std::uint64_t serial() const EXCLUDES(mutex_);
  // The service replaced the credential.
  void Rotate(Secret credential) EXCLUDES(mutex_);
  // What the store takes for the present one. Whether that is another one than here.
  bool Adopt(Secret credential, std::uint64_t serial) EXCLUDES(mutex_);
  // The same, unless the token's own one was replaced since it had the serial `known`.
  bool AdoptUnlessNewer(Secret credential, std::uint64_t serial, std::uint64_t known) EXCLUDES(mutex_);

  BearerSource bearer_source() const EXCLUDES(mutex_);
  void SetBearerSource(BearerSource source) EXCLUDES(mutex_);

  // The JWT that was issued last; null: none. It may have ended.
  std::shared_ptr<const Jwt> jwt() const EXCLUDES(mutex_);
  // The same, to be sent.
  std::shared_ptr<const Jwt> UseJwt() EXCLUDES(mutex_);
  void MarkUsed() EXCLUDES(mutex_);
  // Whether a JWT was used since the last one was issued, or since this was asked.
  bool TakeUsed() EXCLUDES(mutex_);
  void SetJwt(std::shared_ptr<const Jwt> jwt) EXCLUDES(mutex_);
  // One that comes from a store; taken if there is none, and it was not refused.
  void OfferJwt(std::shared_ptr<const Jwt> jwt) EXCLUDES(mutex_);
  // Puts `same`, the present JWT with another time to refresh it, in its place; nothing happens if that is gone.
  void PostponeRefresh(std::shared_ptr<const Jwt> same) EXCLUDES(mutex_);
  // Forgets the JWT if it is still the one whose text is `refused`: a 401 speaks only for the JWT it was sent with.
  void DropJwt(std::string_view refused) EXCLUDES(mutex_);
  // Whether that was the last one that DropJwt() was told of, or is the present one.
  bool Knows(const Secret& jwt) const EXCLUDES(mutex_);

 private:
  std::atomic<Tier> tier_;
  const CredentialKind kind_;
  const Secret configured_;
  const std::string key_;

  mutable Mutex mutex_;
  std::string name_ GUARDED_BY(mutex_);
  Secret credential_ GUARDED_BY(mutex_);
  std::uint64_t serial_ GUARDED_BY(mutex_) = 0;
  BearerSource source_ GUARDED_BY(mutex_);
  std::shared_ptr<const Jwt> jwt_ GUARDED_BY(mutex_);
  Secret refused_ GUARDED_BY(mutex_);
  bool used_ GUARDED_BY(mutex_) = false;
};

}  // namespace warppool::internal
