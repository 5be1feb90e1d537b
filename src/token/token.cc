#include "token/token.h"

#include <fmt/format.h>

#include <set>
#include <utility>

namespace warppool {
namespace {

constexpr std::size_t kShortestDigits = 6;

}  // namespace

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

std::vector<std::string> NamesOf(const std::vector<TokenConfig>& tokens) {
  std::vector<std::string> full;  // of those without a name of their own
  std::multiset<std::string> given;
  for (const TokenConfig& token : tokens) {
    if (token.name.empty()) {
      full.push_back(Hex(FingerprintOf(token.credential)));
    } else {
      given.insert(token.name);
    }
  }
  // One length for all of them: a name then never is the beginning of another.
  for (std::size_t digits = kShortestDigits;; ++digits) {
    std::vector<std::string> names;
    std::set<std::string> taken(given.begin(), given.end());
    bool distinct = true;
    std::size_t next = 0;
    for (const TokenConfig& token : tokens) {
      if (!token.name.empty()) {
        names.push_back(token.name);
        continue;
      }
      names.push_back(fmt::format("{}_{}", TierName(token.tier), full[next++].substr(0, digits)));
      distinct = taken.insert(names.back()).second && distinct;
    }
    if (distinct || digits >= 2 * Fingerprint().size()) return names;
  }
}

Token::Token(std::string name, Tier tier, CredentialKind kind, Secret credential)
    : name_(std::move(name)), tier_(tier), kind_(kind), credential_(std::move(credential)) {}

Secret Token::credential() const {
  MutexLock lock(&mutex_);
  return credential_;
}

void Token::Rotate(Secret credential) {
  MutexLock lock(&mutex_);
  credential_.swap(credential);
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
  ++refreshes_;
}

void Token::PostponeRefresh(std::shared_ptr<const Jwt> same) {
  MutexLock lock(&mutex_);
  if (jwt_ && jwt_->text == same->text) jwt_ = std::move(same);
}

void Token::DropJwt(std::string_view refused) {
  MutexLock lock(&mutex_);
  if (jwt_ && jwt_->text.Reveal() == refused) jwt_.reset();
}

std::uint64_t Token::refreshes() const {
  MutexLock lock(&mutex_);
  return refreshes_;
}

}  // namespace warppool
