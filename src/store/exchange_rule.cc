#include "store/exchange_rule.h"

#include <algorithm>

#include "store/seal.h"

namespace warppool::internal {
namespace {

bool Has(const std::vector<Secret>& credentials, const Secret& credential) {
  return std::find(credentials.begin(), credentials.end(), credential) != credentials.end();
}

void Drop(std::vector<Secret>* credentials, const Secret& credential) {
  credentials->erase(std::remove(credentials->begin(), credentials->end(), credential), credentials->end());
}

// What to send next: the credential, then the candidates, the newest first. Null: nothing is left.
const Secret* Next(const ExchangeTurn& turn, const StoredToken& record) {
  if (turn.refused.empty() || turn.refused != RecordKey(record.credential)) return &record.credential;
  return record.exchange.candidates.empty() ? nullptr : &record.exchange.candidates.back();
}

void OweNothing(std::uint64_t number, StoredExchange* exchange) {
  const auto is_it = [&](const OwedAnswer& owed) { return owed.number == number; };
  exchange->owed.erase(std::remove_if(exchange->owed.begin(), exchange->owed.end(), is_it), exchange->owed.end());
}

void Replace(const Secret& credential, StoredToken* record) {
  record->exchange.refused.clear();
  if (record->credential == credential) return;
  record->credential = credential;
  ++record->serial;
}

}  // namespace

void AddCandidate(const Secret& credential, StoredToken* record) {
  std::vector<Secret>& candidates = record->exchange.candidates;
  if (record->credential == credential || Has(candidates, credential)) return;
  candidates.push_back(credential);
  if (candidates.size() > kMostCandidates) candidates.erase(candidates.begin());
}

void AddOwed(const OwedAnswer& answer, StoredToken* record) {
  std::vector<OwedAnswer>& owed = record->exchange.owed;
  owed.push_back(answer);
  const auto is_less = [](const OwedAnswer& a, const OwedAnswer& b) { return a.seen < b.seen; };
  if (owed.size() > kMostOwed) owed.erase(std::max_element(owed.begin(), owed.end(), is_less));
}

ExchangeStep Take(const TakeOptions& options, ExchangeTurn* turn, StoredToken* record) {
  StoredExchange& exchange = record->exchange;
  if (options.has_jwt) return ExchangeStep::kUseJwt;
  if (IsRevoked(*record) && !options.is_probe) return ExchangeStep::kRevoked;
  if (exchange.number != 0 && exchange.number != turn->number) {
    if (!options.overtakes) return ExchangeStep::kHeld;
    AddOwed({exchange.number, {}}, record);
  }
  exchange.number = turn->number;
  ++exchange.renewal;
  turn->refused = exchange.refused;
  const Secret* const next = Next(*turn, *record);
  turn->sent = next != nullptr ? *next : record->credential;
  return ExchangeStep::kSend;
}

bool Renew(const ExchangeTurn& turn, StoredToken* record) {
  if (record->exchange.number != turn.number) return false;
  ++record->exchange.renewal;
  return true;
}

void Write(const Secret& got, const std::optional<StoredJwt>& jwt, const ExchangeTurn& turn, StoredToken* record) {
  StoredExchange& exchange = record->exchange;
  if (jwt) record->jwt = jwt;
  OweNothing(turn.number, &exchange);
  const Secret& issued = got.empty() ? turn.sent : got;
  const bool was_current = record->credential == turn.sent;
  if (was_current || Has(exchange.candidates, turn.sent)) {
    Drop(&exchange.candidates, turn.sent);
    Drop(&exchange.candidates, issued);
    const bool was_refused = turn.refused == RecordKey(record->credential);
    const Secret former = record->credential;
    Replace(issued, record);
    if (!was_current && !was_refused) AddCandidate(former, record);
    return;
  }
  AddCandidate(issued, record);
}

ExchangeStep Judge(bool has_jwt, ExchangeTurn* turn, StoredToken* record) {
  StoredExchange& exchange = record->exchange;
  Drop(&exchange.candidates, turn->sent);
  if (turn->sent == record->credential) turn->refused = RecordKey(turn->sent);
  OweNothing(turn->number, &exchange);
  if (has_jwt || exchange.number != turn->number) return ExchangeStep::kAgain;
  if (const Secret* const next = Next(*turn, *record)) {
    turn->sent = *next;
    return ExchangeStep::kSend;
  }
  exchange.number = 0;
  if (!exchange.owed.empty()) return ExchangeStep::kInDoubt;
  exchange.refused = RecordKey(record->credential);
  return ExchangeStep::kRevoked;
}

void Release(const ExchangeTurn& turn, StoredToken* record) {
  OweNothing(turn.number, &record->exchange);
  if (record->exchange.number == turn.number) record->exchange.number = 0;
}

bool IsRevoked(const StoredToken& record) {
  const StoredExchange& exchange = record.exchange;
  return !exchange.refused.empty() && exchange.candidates.empty() && exchange.refused == RecordKey(record.credential);
}

bool IsDoubtOver(bool has_jwt, const std::string& refused, const StoredToken& record) {
  const StoredExchange& exchange = record.exchange;
  return has_jwt || refused != RecordKey(record.credential) || !exchange.candidates.empty() || exchange.owed.empty();
}

bool NoteSeen(const OwedAnswer& seen, StoredToken* record) {
  for (OwedAnswer& owed : record->exchange.owed) {
    if (owed.number != seen.number || seen.seen <= owed.seen) continue;
    owed.seen = seen.seen;
    if (owed.seen >= kOwedFor) OweNothing(seen.number, &record->exchange);
    return true;
  }
  return false;
}

}  // namespace warppool::internal
