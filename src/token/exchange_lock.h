// Others who know the same refresh token, in other processes: who keeps them away from an exchange, and brings what
// came out of theirs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "token/token.h"

namespace warppool::internal {

// What is known of a token where all look.
struct SharedKnowledge {
  Secret credential;
  std::uint64_t serial = 0;
  std::shared_ptr<const Jwt> jwt{};  // null: none that still lives
};

// What an exchange issued.
struct Issuance {
  Secret credential;                 // that counts from now on
  bool rotated = false;              // it replaces the one before
  std::shared_ptr<const Jwt> jwt{};  // null: none
};

// In the executor's thread, and so are the callbacks, which are never called from inside.
class ExchangeLock {
 public:
  virtual ~ExchangeLock() = default;

  // Keeps all others from exchanging `token` until Leave(), and tells what is known of it; nothing, if nothing is.
  // Inside already: looks once more. With a failure others keep it, or there was no memory to find that out
  // (kOutOfMemory), and there is nothing to leave. A lock that does not work is no failure: it keeps nobody away, then.
  using Entered = std::function<void(const Result<std::optional<SharedKnowledge>>&)>;
  virtual void Enter(const std::shared_ptr<Token>& token, Entered done) = 0;

  // Brings it to where all look. `done` when it is there, or cannot be.
  virtual void Keep(const std::shared_ptr<Token>& token, const Issuance& issued, std::function<void()> done) = 0;

  // After all that was to be kept is.
  virtual void Leave(const std::shared_ptr<Token>& token) = 0;
};

// Who gets bearers from the program.
class BearerSupply {
 public:
  virtual ~BearerSupply() = default;
  using Supplied = std::function<void(const Result<SuppliedBearer>&)>;
  virtual void Supply(const std::shared_ptr<Token>& token, Supplied done) = 0;
};

}  // namespace warppool::internal
