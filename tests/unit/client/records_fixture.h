// What the tests of StateRecords share: a store that fails when the test says so, and a process that uses it.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.h"
#include "client/state_records.h"
#include "store/exchange_rule.h"
#include "store/seal.h"
#include "unit/fakes.h"

namespace warppool::internal {

// Records in a map that the test can see.
class FaultyStore final : public StateStore {
 public:
  Result<std::optional<std::string>> Read(const std::string& key) override {
    if (Fails()) return Status(Code::kInternal, "the disk is gone");
    const auto found = records.find(key);
    return found == records.end() ? std::optional<std::string>() : std::optional(found->second);
  }
  Status Write(const std::vector<StateChange>& changes, StateDurability /*durability*/) override {
    const bool fails = Fails();
    if (!fails || fails_late) {
      for (const StateChange& change : changes) {
        records.erase(change.key);
        if (change.value) records.emplace(change.key, *change.value);
      }
    }
    ++writes;
    return fails ? Status(Code::kInternal, "the disk is full") : Status();
  }
  std::map<std::string, std::string> records;
  int writes = 0;
  int fail_in = 0;          // so many calls from now; 0: none
  bool fails_late = false;  // a write that fails has done its work all the same

 private:
  bool Fails() { return fail_in > 0 && --fail_in == 0; }
};

inline std::shared_ptr<FaultyStore> NewStore() {
  return std::make_shared<FaultyStore>();
}

// A client's records of one token.
struct Process {
  Process(std::shared_ptr<FaultyStore> in, std::string_view configured)
      : store(std::move(in)), token(NewToken(configured)) {}

  static std::shared_ptr<Token> NewToken(std::string_view configured) {
    return std::make_shared<Token>("PERSONAL_fake", Tier::kPersonal, CredentialKind::kRefreshToken, Secret(configured));
  }
  // What the store knows; it must work.
  std::optional<StoredToken> Find() {
    auto found = records.Find(*token);
    INFO(found.status().ToString());
    REQUIRE(found.ok());
    return *std::move(found);
  }
  StoredToken FindIt() {
    auto found = Find();
    REQUIRE(found);
    return *std::move(found);
  }
  // Goes on where another process stopped, as a client that starts.
  void Restore() {
    const auto found = Find();
    if (!found) return;
    token->Adopt(found->credential, found->serial);
    records.NoteRestored(token, *found);
    kept.counters += found->counters;
  }
  PoolRecords::Kept Kept() {
    PoolRecords::Kept now = kept;
    now.token = token;
    return now;
  }
  Status Save() { return records.Save(std::vector<PoolRecords::Kept>{Kept()}); }
  // The service replaces the credential, and issues a JWT.
  Status Exchange(std::string_view credential, std::string_view jwt = "") {
    const Secret sent = token->credential();
    std::optional<StoredJwt> stored;
    if (!jwt.empty()) stored = StoredJwt{Secret(jwt), clock.Wall() + std::chrono::hours(1), std::chrono::hours(1)};
    const auto outcome = logins.Commit({{{token->configured(), sent},
                                         [&](StoredToken* record) {
                                           Write(Secret(credential), stored, ExchangeTurn{1, sent, {}}, record);
                                           return true;
                                         }}},
                                       StateDurability::kPowerLoss);
    if (sent != Secret(credential)) token->Rotate(Secret(credential));
    if (stored) {
      token->SetJwt(std::make_shared<const Jwt>(MakeJwt(Secret(jwt), stored->life, clock.Steady(), clock.Wall())));
    }
    return outcome.status;
  }

  FakeClock clock;
  std::shared_ptr<FaultyStore> store;
  std::shared_ptr<Token> token;
  std::vector<std::string> complaints;
  LoginRecords logins{store,
                      [this](const LoginCredentials&, const Status& why) { complaints.push_back(why.message()); }};
  StateRecords records{&logins};
  PoolRecords::Kept kept;  // what the pool would say
};

inline std::string KeyOf(std::string_view credential) {
  return RecordKey(Secret(credential));
}

}  // namespace warppool::internal
