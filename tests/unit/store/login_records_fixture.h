// What the tests of LoginRecords share: a store in which the test can see and break everything, and a process that uses
// it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.h"
#include "store/login_records.h"
#include "store/seal.h"

namespace warppool::internal {

// Records in a map. Its commits are the ones that every store has.
class OpenStore final : public StateStore {
 public:
  Result<std::optional<std::string>> Read(const std::string& key) override {
    if (Fails()) return Status(Code::kNetwork, "the vault is away");
    const auto found = records.find(key);
    return found == records.end() ? std::optional<std::string>() : std::optional(found->second);
  }
  Status Write(const std::vector<StateChange>& changes, StateDurability durability) override {
    const bool fails = Fails();
    if (!fails || fails_late) {
      for (const StateChange& change : changes) {
        records.erase(change.key);
        if (change.value) records.emplace(change.key, *change.value);
      }
    }
    ++writes;
    asked_for = durability;
    return fails ? Status(Code::kNetwork, "the vault is full") : Status();
  }
  Result<bool> Commit(const std::vector<StateChange>& changes, StateDurability durability) override {
    ++commits;
    if (const auto come = std::exchange(between, nullptr)) come();
    if (always_between) always_between();
    return StateStore::Commit(changes, durability);
  }

  std::map<std::string, std::string> records;
  int writes = 0;
  int commits = 0;
  StateDurability asked_for = StateDurability::kPowerLoss;
  std::function<void()> between;         // what happens right before the next commit
  std::function<void()> always_between;  // and before each one
  int fail_in = 0;                       // so many calls from now; 0: none
  bool fails_late = false;               // a write that fails has done its work all the same
  bool throws = false;                   // instead of returning a failure

 private:
  bool Fails() {
    const bool fails = fail_in > 0 && --fail_in == 0;
    if (fails && throws) throw std::runtime_error("the vault broke");
    return fails;
  }
};

inline std::string RecordKeyOf(std::string_view credential) {
  return RecordKey(Secret(credential));
}

// A process with one credential in its configuration.
class LoginProcess {
 public:
  LoginProcess(std::shared_ptr<StateStore> store, std::string_view configured)
      : login{Secret(configured), Secret(configured)},
        records(std::move(store),
                [this](const LoginCredentials&, const Status& why) { complaints.push_back(why.ToString()); }) {}

  std::optional<StoredToken> Read() {
    auto read = records.Read(login);
    INFO(read.status().ToString());
    REQUIRE(read.ok());
    return *std::move(read);
  }
  StoredToken ReadIt() {
    auto read = Read();
    REQUIRE(read);
    return *std::move(read);
  }

  LoginRecords::Edit Counting(std::uint64_t requests) const {
    return {login, [requests](StoredToken* record) {
              record->counters.requests += requests;
              return true;
            }};
  }
  // The service replaces the credential.
  LoginRecords::Edit Rotating(std::string_view to) const {
    return {login, [to = std::string(to)](StoredToken* record) {
              record->credential = Secret(to);
              ++record->serial;
              return true;
            }};
  }
  LoginRecords::Outcome Commit(const std::vector<LoginRecords::Edit>& edits) {
    return records.Commit(edits, StateDurability::kPowerLoss);
  }
  void Count(std::uint64_t requests) { Must(Commit({Counting(requests)})); }
  void Rotate(std::string_view to) {
    Must(Commit({Rotating(to)}));
    login.present = Secret(to);
  }

  LoginCredentials login;
  std::vector<std::string> complaints;
  LoginRecords records;

 private:
  static void Must(const LoginRecords::Outcome& outcome) {
    INFO(outcome.status.ToString());
    REQUIRE(outcome.status.ok());
    REQUIRE(outcome.is_made);
  }
};

// What is under the key of `credential`: "record", "link to ...", "old record", or why it is none.
inline std::string KindAt(const OpenStore& store, std::string_view credential) {
  const auto found = store.records.find(RecordKeyOf(credential));
  if (found == store.records.end()) return "nothing";
  const auto plain = Unseal(Secret(credential), found->second);
  if (!plain.ok()) return plain.status().ToString();
  if (plain->Reveal().substr(0, 12) == "{\"format\":1,") return "old record";
  const auto opened = OpenRecord(found->second, Secret(credential));
  if (!opened.ok()) return opened.status().ToString();
  return opened->leads_to.empty() ? "record" : "link to " + std::string(opened->leads_to.Reveal());
}

}  // namespace warppool::internal
