#include "store/login_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/guarded.h"
#include "store/exchange_rule.h"
#include "store/seal.h"

namespace warppool::internal {
namespace {

// Others that come between two steps in a row: it cannot go on like this.
constexpr int kMostAttempts = 100;
// The oldest links go: credentials that were replaced so often do not come back.
constexpr std::size_t kMostRecordLinks = 32;
// Records of one key that do not open. The last one is replaced.
constexpr int kMostSetAside = 9;

Status OthersCome() {
  return {Code::kTimeout, "others have changed the store's record each time that it was to be written"};
}

}  // namespace

// What is read and what is to be written, until it is committed.
class LoginRecords::Transaction {
 public:
  explicit Transaction(StateStore* store) : store_(store) {}

  // As it was read first, or as it was put since.
  Result<std::optional<std::string>> Read(const std::string& key) {
    const auto known = values_.find(key);
    if (known != values_.end()) return known->second.present;
    auto read = Guarded([&] { return store_->Read(key); });
    if (read.ok()) values_.emplace(key, Value{*read, *read});
    return read;
  }
  // After Read().
  void Put(const std::string& key, std::optional<std::string> value) {
    Value& known = values_.at(key);
    known.present = std::move(value);
    if (std::find(written_.begin(), written_.end(), key) == written_.end()) written_.push_back(key);
  }

  bool HasChanges() const { return !written_.empty(); }
  void Complain(const LoginCredentials& login, const Status& why) { complaints_.emplace_back(login, why); }
  const auto& complaints() const { return complaints_; }
  // False: somebody has come between.
  Result<bool> Commit(StateDurability durability) {
    std::vector<StateChange> changes;
    for (const std::string& key : written_) {
      const Value& value = values_.at(key);
      changes.push_back({key, value.present, value.before});
    }
    return Guarded([&] { return store_->Commit(changes, durability); });
  }
  // Whether a commit that failed was made all the same. Each record is sealed anew, so that none looks as before.
  bool IsMade() {
    const std::string& key = written_.back();
    const auto there = Guarded([&] { return store_->Read(key); });
    return there.ok() && *there == values_.at(key).present;
  }

 private:
  struct Value {
    std::optional<std::string> before{};
    std::optional<std::string> present{};
  };

  StateStore* const store_;
  std::map<std::string, Value> values_;
  std::vector<std::string> written_;  // in their order
  std::vector<std::pair<LoginCredentials, Status>> complaints_;
};

// Where a login's record is, or would be.
struct LoginRecords::Place {
  Secret seal;  // the credential whose key it has
  std::optional<StoredToken> token{};
};

Status LoginRecords::SetAside(Transaction* transaction, const LoginCredentials& login, const std::string& key,
                              const std::string& value, const Status& why) {
  transaction->Complain(login, Status(Code::kInternal, fmt::format("a record in the store does not open, and is set "
                                                                   "aside: {}",
                                                                   why.message())));
  for (int number = 1; number <= kMostSetAside; ++number) {
    const std::string place = number == 1 ? key + ".aside" : fmt::format("{}.aside-{}", key, number);
    const auto there = transaction->Read(place);
    if (!there.ok()) return there.status();
    if (*there && number < kMostSetAside) continue;
    transaction->Put(place, value);
    break;
  }
  transaction->Put(key, std::nullopt);
  return {};
}

// Once, however often a transaction had to be begun anew.
void LoginRecords::TellOf(const Transaction& transaction) const {
  for (const auto& [login, why] : transaction.complaints()) complain_(login, why);
}

// From one credential to the next, to the record.
Status LoginRecords::Follow(Transaction* transaction, const LoginCredentials& login, const Secret& start,
                            Place* place) {
  Secret credential = start;
  std::set<std::string> seen;  // they may lead in a circle
  for (std::string key = RecordKey(start); seen.insert(key).second; key = RecordKey(credential)) {
    const auto sealed = transaction->Read(key);
    if (!sealed.ok()) return sealed.status();
    if (!*sealed) return {};
    auto opened = OpenRecord(**sealed, credential);
    if (!opened.ok()) {
      if (opened.code() != Code::kInvalidArgument) return opened.status();
      return SetAside(transaction, login, key, **sealed, opened.status());
    }
    StoredToken& token = opened->token;
    // Of records of 0.1.0 that disagree the one whose credential was replaced more often counts, and else the one that
    // the other leads to: whoever had another credential in its configuration wrote that one only.
    const bool is_newer = !place->token || token.serial >= place->token->serial;
    if (opened->leads_to.empty()) {
      if (is_newer) *place = {credential, std::move(token)};
      return {};
    }
    if (!token.credential.empty()) {
      if (!is_newer) return {};
      *place = {opened->leads_to, std::move(token)};
    }
    credential = std::move(opened->leads_to);
    // Should there be nothing: all that lead there are to find the one that is made.
    if (!place->token) place->seal = credential;
  }
  return {};
}

Status LoginRecords::Find(Transaction* transaction, const LoginCredentials& login, Place* place) {
  place->seal = login.configured;
  if (Status status = Follow(transaction, login, login.configured, place); !status.ok()) return status;
  if (place->token || login.present == login.configured) return {};
  return Follow(transaction, login, login.present, place);
}

Result<std::optional<StoredToken>> LoginRecords::Read(const LoginCredentials& login) {
  return Guarded([&]() -> Result<std::optional<StoredToken>> {
    for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
      Transaction transaction(store_.get());
      Place place;
      if (Status status = Find(&transaction, login, &place); !status.ok()) return status;
      if (transaction.HasChanges()) {  // something was set aside
        const auto committed = transaction.Commit(StateDurability::kPowerLoss);
        if (!committed.ok()) transaction.Complain(login, committed.status());
        if (committed.ok() && !*committed) continue;  // somebody did so in this very moment
      }
      TellOf(transaction);
      return std::move(place.token);
    }
    return OthersCome();
  });
}

// The same login, begun in another way: what its other record has led to, and who may still get something, is not lost.
// Its place leads here from now on.
Status LoginRecords::Absorb(Transaction* transaction, const LoginCredentials& login, const Place& place,
                            const Secret& credential, StoredToken* token) {
  Place other;
  if (Status status = Follow(transaction, login, credential, &other); !status.ok()) return status;
  if (!other.token || other.seal == place.seal) return {};
  StoredExchange& exchange = other.token->exchange;
  for (const Secret& candidate : exchange.candidates) AddCandidate(candidate, token);
  AddCandidate(other.token->credential, token);
  if (exchange.number != 0) exchange.owed.push_back({exchange.number, {}});
  for (const OwedAnswer& owed : exchange.owed) AddOwed(owed, token);
  if (other.seal == credential) return {};
  transaction->Put(RecordKey(other.seal), SealLink(place.seal, other.seal));
  token->links.push_back(RecordKey(other.seal));
  return {};
}

// That `credential` leads to the record at `place`.
Status LoginRecords::Link(Transaction* transaction, const LoginCredentials& login, const Place& place,
                          const Secret& credential, StoredToken* token) {
  if (credential == place.seal) return {};
  const std::string key = RecordKey(credential);
  std::vector<std::string>& links = token->links;
  links.erase(std::remove(links.begin(), links.end(), key), links.end());
  links.push_back(key);  // the newest last: in use, and not to be dropped
  const auto sealed = transaction->Read(key);
  if (!sealed.ok()) return sealed.status();
  if (*sealed) {
    const auto opened = OpenRecord(**sealed, credential);
    if (!opened.ok() && opened.code() != Code::kInvalidArgument) return opened.status();
    if (opened.ok() && opened->leads_to == place.seal && opened->token.credential.empty()) return {};
    if (!opened.ok()) {
      if (Status status = SetAside(transaction, login, key, **sealed, opened.status()); !status.ok()) return status;
    }
    if (Status status = Absorb(transaction, login, place, credential, token); !status.ok()) return status;
  }
  transaction->Put(key, SealLink(place.seal, credential));
  return {};
}

Status LoginRecords::Make(Transaction* transaction, const Edit& edit) {
  Place place;
  if (Status status = Find(transaction, edit.login, &place); !status.ok()) return status;
  StoredToken token;
  if (place.token) {
    token = *std::move(place.token);
  } else {
    token.credential = edit.login.present;
    token.serial = edit.login.present == edit.login.configured ? 0 : 1;
  }
  if (!edit.change(&token)) return {};
  if (Status status = Link(transaction, edit.login, place, edit.login.configured, &token); !status.ok()) return status;
  if (Status status = Link(transaction, edit.login, place, token.credential, &token); !status.ok()) return status;
  while (token.links.size() > kMostRecordLinks) {
    const std::string oldest = token.links.front();
    token.links.erase(token.links.begin());
    const auto there = transaction->Read(oldest);
    if (!there.ok()) return there.status();
    if (*there) transaction->Put(oldest, std::nullopt);
  }
  const std::string key = RecordKey(place.seal);
  const auto there = transaction->Read(key);
  if (!there.ok()) return there.status();
  transaction->Put(key, SealRecord(token, place.seal));
  return {};
}

LoginRecords::Outcome LoginRecords::Commit(const std::vector<Edit>& edits, StateDurability durability) {
  Outcome outcome;
  outcome.status = Guarded([&]() -> Status {
    for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
      Transaction transaction(store_.get());
      for (const Edit& edit : edits) {
        if (Status status = Make(&transaction, edit); !status.ok()) return status;
      }
      if (!transaction.HasChanges()) {
        outcome.is_made = true;
        TellOf(transaction);
        return {};
      }
      const auto committed = transaction.Commit(durability);
      if (!committed.ok()) {
        outcome.is_made = transaction.IsMade();
        TellOf(transaction);
        return committed.status();
      }
      if (*committed) {
        outcome.is_made = true;
        TellOf(transaction);
        return {};
      }
    }
    return OthersCome();
  });
  return outcome;
}

}  // namespace warppool::internal
