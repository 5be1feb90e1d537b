// Makes one exchange of a refresh token out of those of many processes, and shares with them what it brings.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "token/token.h"

namespace warppool::internal {

// What an exchange issued.
struct Issuance {
  Secret credential;                 // the one that counts from now on
  bool rotated = false;              // it replaces the one that was sent
  std::shared_ptr<const Jwt> jwt{};  // null: none
};

// What a token needs for its next JWT, or why it gets none.
struct ExchangeAdmission {
  enum class Kind : std::uint8_t {
    kSend,     // `credential` is to be exchanged; Release() is to be called in the end
    kUseJwt,   // another process got `jwt`, which is of use
    kHeld,     // another process exchanges it just now
    kInDoubt,  // it was refused for good, but another process may get an answer that is the reason for it
    kRevoked,  // it is refused for good
  };
  Kind kind = Kind::kSend;
  Secret credential{};
  std::shared_ptr<const Jwt> jwt{};
  // What the store takes for the present credential; nothing: it is absent, or has not heard yet of a newer one.
  struct Present {
    Secret credential;
    std::uint64_t serial;
  };
  std::optional<Present> present{};
};

// In the executor's thread, and so are the callbacks, which are never called from inside. A store that does not work,
// or not in time, keeps nobody from an exchange: it goes on without.
class ExchangeLock {
 public:
  virtual ~ExchangeLock() = default;

  // It fails when there was no memory; there is nothing to release then.
  using Admitted = std::function<void(const Result<ExchangeAdmission>&)>;
  virtual void Acquire(const std::shared_ptr<Token>& token, Admitted done) = 0;

  // An exchange of `sent` has issued it: writes it to the store. `done` is called when it is there, or is not to be
  // waited for; it is written as soon as that can be done then.
  virtual void Keep(const std::shared_ptr<Token>& token, const Secret& sent, const Issuance& issued,
                    std::function<void()> done) = 0;

  // `sent` was refused for good. Tells what that means, and what may be done.
  virtual void Judge(const std::shared_ptr<Token>& token, const Secret& sent, Admitted done) = 0;

  // To be called when everything that had to be kept is.
  virtual void Release(const std::shared_ptr<Token>& token) = 0;
};

// Asks the program for bearers.
class BearerSupply {
 public:
  virtual ~BearerSupply() = default;
  using Supplied = std::function<void(const Result<SuppliedBearer>&)>;
  virtual void Supply(const std::shared_ptr<Token>& token, Supplied done) = 0;
};

}  // namespace warppool::internal
