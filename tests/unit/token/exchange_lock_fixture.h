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
  using Kind = ExchangeAdmission::Kind;

  void Acquire(const std::shared_ptr<Token>& token, Admitted done) override {
    Note("acquire", "no memory to ask for it");
    token_ = token;
    admitted_ = std::move(done);
  }
  void Keep(const std::shared_ptr<Token>& token, const Secret& sent, const Issuance& issued,
            std::function<void()> done) override {
    Note("keep " + Words(*token, sent, issued), "no memory to keep it");
    kept_ = std::move(done);
  }
  void Judge(const std::shared_ptr<Token>& token, const Secret& sent, Admitted done) override {
    Note("judge " + std::string(sent.Reveal()), "no memory to judge it");
    token_ = token;
    admitted_ = std::move(done);
  }
  void Release(const std::shared_ptr<Token>& token) override {
    Note("release with " + std::string(token->credential().Reveal()), "no memory to leave");
  }

  // With the token's credential, which is the present one.
  void Grant() { Grant(std::string(token_->credential().Reveal()), token_->serial()); }
  // With this credential, which is the present one.
  void Grant(const std::string& credential, std::uint64_t serial) {
    ExchangeAdmission admission;
    admission.credential = Secret(credential);
    admission.present = {Secret(credential), serial};
    Answer(admission);
  }
  // With a credential that is not the present one.
  void GrantOther(const std::string& credential) {
    ExchangeAdmission admission;
    admission.credential = Secret(credential);
    admission.present = {token_->credential(), token_->serial()};
    Answer(admission);
  }
  // Others have got a JWT.
  void Share(std::shared_ptr<const Jwt> jwt, const std::string& credential, std::uint64_t serial) {
    ExchangeAdmission admission;
    admission.kind = Kind::kUseJwt;
    admission.jwt = std::move(jwt);
    admission.present = {Secret(credential), serial};
    Answer(admission);
  }
  void Say(Kind kind) {
    ExchangeAdmission admission;
    admission.kind = kind;
    Answer(admission);
  }
  void Answer(const Result<ExchangeAdmission>& admission) {
    REQUIRE(admitted_ != nullptr);
    std::exchange(admitted_, nullptr)(admission);
  }
  void HasKept() { std::exchange(kept_, nullptr)(); }
  bool IsAsked() const { return admitted_ != nullptr; }

  std::vector<std::string> calls;
  std::size_t throw_at = 0;  // the number of a call; 0: none

 private:
  void Note(const std::string& call, const char* failure) {
    calls.push_back(call);
    if (throw_at == calls.size()) throw std::runtime_error(failure);
  }

  // What is kept, for what was sent, and what of it the token has by then.
  static std::string Words(const Token& token, const Secret& sent, const Issuance& issued) {
    std::string words(issued.credential.Reveal());
    if (issued.rotated) words += ", rotated";
    if (issued.jwt) words += ", " + std::string(issued.jwt->text.Reveal());
    words += " for " + std::string(sent.Reveal());
    return words + " over " + std::string(token.credential().Reveal());
  }

  std::shared_ptr<Token> token_;
  Admitted admitted_;
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
  std::shared_ptr<const Jwt> SharedJwt(const std::string& text, std::chrono::seconds life) const {
    return std::make_shared<const Jwt>(MakeJwt(Secret(text), life, clock.Steady(), clock.Wall()));
  }
  void Refuse(std::size_t i) { transport.Answer(i, 400, R"({"error": {"message": "TOKEN_EXPIRED"}})"); }
  // What was sent in transfer `i`, as it stands in the form.
  std::string Sent(std::size_t i) const {
    const std::string& body = transport.request(i).body;
    return body.substr(body.rfind('=') + 1);
  }
};

}  // namespace warppool::internal
