#include "token/token.h"

#include <fmt/format.h>

#include <set>
#include <utility>

namespace warppool {
const char* TierName(Tier tier) noexcept {
  switch (tier) {
    case Tier::kPersonal:
      return "PERSONAL";
    case Tier::kShared:
      return "SHARED";
    case Tier::kAnonymous:
      return "ANONYMOUS";
  }
  return "UNKNOWN";
}

}  // namespace warppool

namespace warppool::internal {

std::string AutomaticName(Tier tier, const Secret& credential, std::size_t digits) {
  return fmt::format("{}_{}", TierName(tier), Hex(FingerprintOf(credential)).substr(0, digits));
}

std::vector<std::string> NamesOf(const std::vector<TokenConfig>& tokens) {
  std::multiset<std::string> given;
  for (const TokenConfig& token : tokens) {
    if (!token.name.empty()) given.insert(token.name);
  }
  // One length for all of them: a name then never is the beginning of another.
  for (std::size_t digits = kShortestFingerprint;; ++digits) {
    std::vector<std::string> names;
    std::set<std::string> taken(given.begin(), given.end());
    bool distinct = true;
    for (const TokenConfig& token : tokens) {
      if (!token.name.empty()) {
        names.push_back(token.name);
        continue;
      }
      names.push_back(AutomaticName(token.tier, token.credential, digits));
      distinct = taken.insert(names.back()).second && distinct;
    }
    if (distinct || digits >= 2 * Fingerprint().size()) return names;
  }
}

namespace {

// Half a fingerprint is enough to tell credentials apart.
constexpr std::size_t kKeyDigits = 32;

std::string RecordKeyOf(CredentialKind kind, const Secret& credential, const std::string& name) {
  if (kind == CredentialKind::kCallback) return "source:" + name;
  return Hex(FingerprintOf(credential)).substr(0, kKeyDigits);
}

}  // namespace

Token::Token(std::string name, Tier tier, CredentialKind kind, Secret credential, BearerSource source)
    : tier_(tier),
      kind_(kind),
      configured_(std::move(credential)),
      key_(RecordKeyOf(kind, configured_, name)),
      name_(std::move(name)),
      credential_(configured_),
      source_(std::move(source)) {}

std::string Token::name() const {
  MutexLock lock(&mutex_);
  return name_;
}

void Token::Rename(std::string name) {
  MutexLock lock(&mutex_);
  name_ = std::move(name);
}

Secret Token::credential() const {
  MutexLock lock(&mutex_);
  return credential_;
}

std::uint64_t Token::serial() const {
  MutexLock lock(&mutex_);
  return serial_;
}

void Token::Rotate(Secret credential) {
  MutexLock lock(&mutex_);
  credential_.swap(credential);
  ++serial_;
}

bool Token::AdoptUnlessNewer(Secret credential, std::uint64_t serial, std::uint64_t known) {
  MutexLock lock(&mutex_);
  if (serial_ != known) return false;
  serial_ = serial;
  if (credential_ == credential) return false;
  credential_.swap(credential);
  return true;
}

bool Token::Adopt(Secret credential, std::uint64_t serial) {
  MutexLock lock(&mutex_);
  serial_ = serial;
  if (credential_ == credential) return false;
  credential_.swap(credential);
  return true;
}

BearerSource Token::bearer_source() const {
  MutexLock lock(&mutex_);
  return source_;
}

void Token::SetBearerSource(BearerSource source) {
  MutexLock lock(&mutex_);
  source_ = std::move(source);
}

std::shared_ptr<const Jwt> Token::jwt() const {
  MutexLock lock(&mutex_);
  return jwt_;
}

std::shared_ptr<const Jwt> Token::UseJwt() {
  MutexLock lock(&mutex_);
  used_ = true;
  return jwt_;
}

void Token::MarkUsed() {
  MutexLock lock(&mutex_);
  used_ = true;
}

bool Token::TakeUsed() {
  MutexLock lock(&mutex_);
  return std::exchange(used_, false);
}

void Token::SetJwt(std::shared_ptr<const Jwt> jwt) {
  MutexLock lock(&mutex_);
  jwt_ = std::move(jwt);
  used_ = false;
}

void Token::OfferJwt(std::shared_ptr<const Jwt> jwt) {
  MutexLock lock(&mutex_);
  if (!jwt_ && jwt->text != refused_) jwt_ = std::move(jwt);
}

void Token::PostponeRefresh(std::shared_ptr<const Jwt> same) {
  MutexLock lock(&mutex_);
  if (jwt_ && jwt_->text == same->text) jwt_ = std::move(same);
}

void Token::DropJwt(std::string_view refused) {
  MutexLock lock(&mutex_);
  if (jwt_ && jwt_->text.Reveal() == refused) jwt_.reset();
  refused_ = Secret(refused);
}

bool Token::Knows(const Secret& jwt) const {
  MutexLock lock(&mutex_);
  return jwt == refused_ || (jwt_ && jwt_->text == jwt);
}

}  // namespace warppool::internal
