// The rule by which processes that share a store make one exchange out of many, and lose no credential on the way: what
// each step of an exchange makes of the login's record. Pure; whoever calls it commits the record, and begins anew with
// the one that is there then, should somebody have come between. The turn, which Take() and Judge() change as well,
// goes back to what it was then: else what is to be tried next would be judged as refused.
//
//   ExchangeTurn turn{DrawNumber()};
//   Take()   -> kSend: post turn.sent -> answered:  Write(), Release()
//                                     -> refused for good: Judge() -> kSend: post turn.sent; or it is over
//                                     -> anything else: Release()
//
// Nothing rests on the lock alone, for its holder may be stopped at any moment, overtaken, and go on. What an exchange
// brought is judged by the credential that was sent, whoever has the lock by then. A holder that was overtaken owes an
// answer: as long as one is owed, a refusal does not end the account, since the answer may be the reason for it.
//
// The rule was checked by a model of all interleavings, and each clause of it is needed.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "store/record.h"

namespace warppool::internal {

// After such a time without a change of number and renewal a waiter takes the lock over. A holder renews each second.
inline constexpr std::chrono::seconds kOvertakeAfter{5};
inline constexpr std::chrono::seconds kRenewEvery{1};
// An answer that did not come in so long is owed no more: it outlasts any exchange.
inline constexpr std::chrono::minutes kOwedFor{10};
inline constexpr std::size_t kMostCandidates = 8;
// Those that have been seen the longest go.
inline constexpr std::size_t kMostOwed = 32;

// One process's exchange of one login.
struct ExchangeTurn {
  std::uint64_t number = 0;  // the lock's while this process has it: drawn at random, not 0
  Secret sent{};             // what is to be sent, or was sent last
  std::string refused{};     // key of the record's credential, if that is known to be refused for good
};

enum class ExchangeStep : std::uint8_t {
  kUseJwt,   // the record has one of use
  kSend,     // turn.sent
  kHeld,     // another process exchanges it
  kAgain,    // the record is another one than when the turn began: release, and take anew
  kInDoubt,  // refused, but an answer is owed that may be why; the lock is given back
  kRevoked,  // refused for good; the lock is given back
};

struct TakeOptions {
  bool has_jwt = false;    // the record's is of use
  bool overtakes = false;  // the lock has not been renewed for kOvertakeAfter
  bool is_probe = false;   // a credential that is marked is sent all the same
};

ExchangeStep Take(const TakeOptions& options, ExchangeTurn* turn, StoredToken* record);
// False: it has been overtaken.
bool Renew(const ExchangeTurn& turn, StoredToken* record);
// `got` was issued for turn.sent. Empty: the credential stays as it was. `jwt`: none, if there is none of use.
void Write(const Secret& got, const std::optional<StoredJwt>& jwt, const ExchangeTurn& turn, StoredToken* record);
// `credential` is worth a try when the record's own one is refused for good. Of nine the oldest goes.
void AddCandidate(const Secret& credential, StoredToken* record);
// Whoever had this number may still get an answer.
void AddOwed(const OwedAnswer& answer, StoredToken* record);
// turn.sent is refused for good.
ExchangeStep Judge(bool has_jwt, ExchangeTurn* turn, StoredToken* record);
// The exchange is over, or was never sent.
void Release(const ExchangeTurn& turn, StoredToken* record);

// Whether the record's credential is refused for good, and there is none to be tried in its place.
bool IsRevoked(const StoredToken& record);
// Whether who was in doubt of the credential with the key `refused` may try again.
bool IsDoubtOver(bool has_jwt, const std::string& refused, const StoredToken& record);
// Somebody has seen that answer owed for so long. Whether that changes the record.
bool NoteSeen(const OwedAnswer& seen, StoredToken* record);

}  // namespace warppool::internal
