// The records of logins in a store: finds a login's record by the credentials that a process knows, and changes it by
// commits, so that no two processes undo what the other one wrote.
//
// Whichever credential of a login a configuration holds, it leads to the record: under its key there is the record
// itself, or a link. A file of 0.1.0, which had one record for each credential, becomes that with the first change.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/record.h"
#include "warppool/state_store.h"

namespace warppool::internal {

// The credentials that a process knows a login by. Neither is empty.
struct LoginCredentials {
  Secret configured;  // as the user gave it
  Secret present;     // as the service made it since
};

// In one thread at a time.
class LoginRecords {
 public:
  // Hears why a login's record cannot be used. It is set aside in the store, and the login begins with what is
  // configured.
  using Complaint = std::function<void(const LoginCredentials& login, const Status& why)>;

  LoginRecords(std::shared_ptr<StateStore> store, Complaint complain)
      : store_(std::move(store)), complain_(std::move(complain)) {}

  // What the store has of the login; nothing if it has nothing.
  Result<std::optional<StoredToken>> Read(const LoginCredentials& login);

  struct Edit {
    LoginCredentials login;
    // Makes of the record what it is to be; of one that has the present credential and nothing else, if there is none.
    // False: there is nothing to write. It is called again with the newer record when somebody came between.
    std::function<bool(StoredToken*)> change;
  };
  // Makes all of these edits, or none.
  struct Outcome {
    Status status{};
    bool is_made = false;  // a write that fails may have been made all the same
  };
  Outcome Commit(const std::vector<Edit>& edits, StateDurability durability);

 private:
  class Transaction;
  struct Place;

  Status Find(Transaction* transaction, const LoginCredentials& login, Place* place);
  Status Follow(Transaction* transaction, const LoginCredentials& login, const Secret& start, Place* place);
  Status SetAside(Transaction* transaction, const LoginCredentials& login, const std::string& key,
                  const std::string& value, const Status& why);
  Status Link(Transaction* transaction, const LoginCredentials& login, const Place& place, const Secret& credential,
              StoredToken* token);
  Status Absorb(Transaction* transaction, const LoginCredentials& login, const Place& place, const Secret& credential,
                StoredToken* token);
  void TellOf(const Transaction& transaction) const;
  Status Make(Transaction* transaction, const Edit& edit);

  const std::shared_ptr<StateStore> store_;
  const Complaint complain_;
};

}  // namespace warppool::internal
