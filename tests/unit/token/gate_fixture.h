// A gate and a program's supply of bearers that do what the test says, and a refresher that asks them.
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
class FakeGate final : public ExchangeLock {
 public:
  void Enter(const std::shared_ptr<Token>& token, Entered done) override {
    calls.push_back("enter");
    if (throw_at == calls.size()) throw std::runtime_error("no memory for a visit");
    (void)token;
    entered_ = std::move(done);
  }
  void Keep(const std::shared_ptr<Token>& token, const Issuance& issued, std::function<void()> done) override {
    calls.push_back("keep " + Words(*token, issued));
    if (throw_at == calls.size()) throw std::runtime_error("no memory to keep it");
    kept_ = std::move(done);
  }
  void Leave(const std::shared_ptr<Token>& token) override {
    calls.push_back("leave with " + std::string(token->credential().Reveal()));
    if (throw_at == calls.size()) throw std::runtime_error("no memory to leave");
  }

  // Nothing is known elsewhere.
  void LetIn() { Answer(std::optional<SharedKnowledge>()); }
  void LetIn(SharedKnowledge known) { Answer(std::optional(std::move(known))); }
  void TurnAway() {
    Error error{.code = Code::kOverloaded, .message = "others keep it"};
    error.retryable = true;
    Answer(Status(std::move(error)));
  }
  void Answer(const Result<std::optional<SharedKnowledge>>& known) {
    REQUIRE(entered_ != nullptr);
    std::exchange(entered_, nullptr)(known);
  }
  void HasKept() { std::exchange(kept_, nullptr)(); }
  bool AsksToEnter() const { return entered_ != nullptr; }

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

  Entered entered_;
  std::function<void()> kept_;
};

// Outlives the refresher, whose last flights land when the transport ends.
struct HasLock {
  FakeGate gate;
};

struct Guarding : HasLock, Refreshing {
  explicit Guarding(RefresherOptions options = OneAddress()) : Refreshing(WithGate(std::move(options), &gate)) {}

  static RefresherOptions WithGate(RefresherOptions options, ExchangeLock* gate) {
    options.gate = gate;
    return options;
  }
  // Whoever is let in finds this.
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
