// What the tests of TokenRefresher share: a token, two addresses to exchange it at, and who waits for it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "token/token_refresher.h"
#include "unit/fakes.h"

namespace warppool::internal {

inline RefresherOptions TwoAddresses() {
  RefresherOptions options;
  options.endpoints = {{"https://first.example/token", "FIRST_SETTING", false},
                       {"https://localhost/token", "SECOND_SETTING", true}};
  options.api_key = Secret("fake+key");
  options.connect_timeout = std::chrono::seconds(3);
  options.timeout = std::chrono::seconds(30);
  return options;
}

// The exchange's good answer; every credential and JWT in these tests holds "hunter2".
inline std::string Issued(const std::string& jwt, const std::string& more = "") {
  return R"({"id_token": "hunter2-)" + jwt + "\"" + more + "}";
}

inline RefresherOptions OneAddress() {
  RefresherOptions options = TwoAddresses();
  options.endpoints.pop_back();
  return options;
}

// Writes down what it is told.
struct Observed final : RefreshObserver {
  void OnRefreshed(const Token& token, const Jwt& jwt, bool rotated, const std::string& account) override {
    refreshed.push_back(token.name() + " " + account + (rotated ? " rotated" : ""));
    jwts.emplace_back(jwt.text.Reveal());
  }
  void OnRotated(const Token& token) override { rotated.push_back(token.name()); }
  void OnAdopted(const Token& token, bool is_rotated) override {
    adopted.push_back(token.name() + (is_rotated ? " rotated" : ""));
  }
  void OnInDoubt(const Token& token) override { in_doubt.push_back(token.name()); }
  void OnRefreshDue(const std::shared_ptr<Token>& token) override {
    due.push_back(token->name());
    if (on_due) on_due();
  }

  std::vector<std::string> refreshed;
  std::vector<std::string> jwts;
  std::vector<std::string> due;
  std::vector<std::string> rotated;
  std::vector<std::string> adopted;
  std::vector<std::string> in_doubt;
  std::function<void()> on_due;
};

struct Refreshing {
  explicit Refreshing(RefresherOptions options = TwoAddresses(), bool is_observed = true)
      : refresher(std::move(options), &transport, is_observed ? &observed : nullptr, clock, log.logger()) {}
  ~Refreshing() {
    transport.Shutdown();
    CHECK_THAT(log.text(),
               !Catch::Matchers::ContainsSubstring("hunter2") && !Catch::Matchers::ContainsSubstring("fake+key"));
  }
  Refreshing(const Refreshing&) = delete;
  Refreshing& operator=(const Refreshing&) = delete;

  // One more who waits; they are counted from 0.
  TokenRefresher::Ticket Refresh() {
    return refresher.Refresh(token, [this, who = waiters++](const RefreshResult& result) {
      results.push_back(result);
      order.push_back(who);
      if (on_result) on_result(who);
    });
  }
  // The exchange that is transfer `i` fails, and so does the second address.
  void FailAll(std::size_t i) {
    transport.Done(i, TransferError::kNoConnection, "nobody there");
    transport.Done(i + 1, TransferError::kConnectionLost, "gone");
  }
  // A JWT that lives for so long, from an exchange of its own; `i`: which transfer that is.
  void Issue(std::size_t i, const std::string& jwt, std::chrono::seconds life) {
    Refresh();
    REQUIRE(transport.started() == i + 1);
    transport.Answer(i, 200, Issued(jwt, R"(, "expires_in": )" + std::to_string(life.count())));
    REQUIRE(last().fresh);
  }
  // Somebody sends the JWT.
  bool Use() { return TokenRefresher::Cached(token.get(), clock.Steady()) != nullptr; }
  const RefreshResult& last() const {
    REQUIRE_FALSE(results.empty());
    return results.back();
  }

  FakeClock clock;
  FakeExecutor executor{&clock};
  FakeTransport transport{&executor};
  LogLines log;
  Observed observed;
  TokenRefresher refresher;
  std::shared_ptr<Token> token =
      std::make_shared<Token>("PERSONAL_fake", Tier::kPersonal, CredentialKind::kRefreshToken, Secret("hunter2+old"));
  int waiters = 0;
  std::vector<RefreshResult> results;
  std::vector<int> order;  // who was called
  std::function<void(int)> on_result;
};

}  // namespace warppool::internal
