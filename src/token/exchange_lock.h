// Keeps other processes that know the same refresh token from exchanging it at the same time, and shares with them what
// exchanges bring.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "token/token.h"

namespace warppool::internal {

// What the store knows of a token.
struct SharedKnowledge {
  Secret credential;
  std::uint64_t serial = 0;
  std::shared_ptr<const Jwt> jwt{};  // null: none that still lives
};

// What an exchange issued.
struct Issuance {
  Secret credential;                 // the one that counts from now on
  bool rotated = false;              // it replaces the one before
  std::shared_ptr<const Jwt> jwt{};  // null: none
};

// In the executor's thread, and so are the callbacks, which are never called from inside.
class ExchangeLock {
 public:
  virtual ~ExchangeLock() = default;

  // Keeps all other processes from exchanging `token` until Release(), and tells what the store knows of it; nothing if
  // it knows nothing. When the lock is held already, this reads the store once more. It fails when another process
  // keeps the lock, or when there was no memory (kOutOfMemory); there is nothing to release then. A store that does not
  // work is no failure: the exchange goes on without a lock.
  using Acquired = std::function<void(const Result<std::optional<SharedKnowledge>>&)>;
  virtual void Acquire(const std::shared_ptr<Token>& token, Acquired done) = 0;

  // Writes it to the store. `done` is called when it is there, or cannot be written.
  virtual void Keep(const std::shared_ptr<Token>& token, const Issuance& issued, std::function<void()> done) = 0;

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
