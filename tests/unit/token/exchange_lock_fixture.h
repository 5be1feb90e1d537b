// An exchange lock that does what the test says, and a refresher that asks it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "unit/token/refresher_fixture.h"

namespace warppool::internal {

// Holds back each answer until the test gives it.
class FakeExchangeLock final : public ExchangeLock {
 public:
  void Acquire(const std::shared_ptr<Token>& token, Acquired done) override {
    calls.push_back("acquire");
    if (throw_at == calls.size()) throw std::runtime_error("no memory to ask for it");
    (void)token;
    acquired_ = std::move(done);
  }
  void Keep(const std::shared_ptr<Token>& token, const Issuance& issued, std::function<void()> done) override {
    calls.push_back("keep " + Words(*token, issued));
    if (throw_at == calls.size()) throw std::runtime_error("no memory to keep it");
    kept_ = std::move(done);
  }
  void Release(const std::shared_ptr<Token>& token) override {
    calls.push_back("release with " + std::string(token->credential().Reveal()));
    if (throw_at == calls.size()) throw std::runtime_error("no memory to leave");
  }

  // Nothing is known elsewhere.
  void Grant() { Answer(std::optional<SharedKnowledge>()); }
  void Grant(SharedKnowledge known) { Answer(std::optional(std::move(known))); }
  void SayHeld() {
    Error error{.code = Code::kOverloaded, .message = "others keep it"};
    error.retryable = true;
    Answer(Status(std::move(error)));
  }
  void Answer(const Result<std::optional<SharedKnowledge>>& known) {
    REQUIRE(acquired_ != nullptr);
    std::exchange(acquired_, nullptr)(known);
  }
  void HasKept() { std::exchange(kept_, nullptr)(); }
  bool IsAsked() const { return acquired_ != nullptr; }

  std::vector<std::string> calls;
  std::size_t throw_at = 0;  // the number of a call; 0: none

 private:
  // What is kept, and what of it the token has by then.
  static std::string Words(const Token& token, const Issuance& issued) {
    std::string words(issued.credential.Reveal());
    if (issued.rotated) words += ", rotated";
    if (issued.jwt) words += ", " + std::string(issued.jwt->text.Reveal());
    return words + " over " + std::string(token.credential().Reveal());
  }

  Acquired acquired_;
  std::function<void()> kept_;
};

// Outlives the refresher, whose last operations finish when the transport ends.
struct HasLock {
  FakeExchangeLock lock;
};

struct Locking : HasLock, Refreshing {
  explicit Locking(RefresherOptions options = OneAddress()) : Refreshing(WithLock(std::move(options), &lock)) {}

  static RefresherOptions WithLock(RefresherOptions options, ExchangeLock* lock) {
    options.exchange_lock = lock;
    return options;
  }
  // Who gets the lock finds this in the store.
  SharedKnowledge Known(const std::string& credential, std::uint64_t serial) const {
    return {Secret(credential), serial, nullptr};
  }
  SharedKnowledge Known(const std::string& credential, std::uint64_t serial, const std::string& jwt,
                        std::chrono::seconds life) const {
    return {Secret(credential), serial,
            std::make_shared<const Jwt>(MakeJwt(Secret(jwt), life, clock.Steady(), clock.Wall()))};
  }
  void Refuse(std::size_t i) { transport.Answer(i, 400, R"({"error": {"message": "TOKEN_EXPIRED"}})"); }
  // What was sent in transfer `i`, as it stands in the form.
  std::string Sent(std::size_t i) const {
    const std::string& body = transport.request(i).body;
    return body.substr(body.rfind('=') + 1);
  }
};

}  // namespace warppool::internal
