// What came of one exchange at one address, be it an answer or none.
#pragma once

#include <string>
#include <variant>

#include "base/clock.h"
#include "http/fetch.h"
#include "token/token_endpoint.h"

namespace warppool {

// Where tokens are exchanged; the next one is asked when the one before is broken.
struct ExchangeEndpoint {
  std::string url;
  std::string setting;  // which setting it comes from, for errors
  bool direct = false;  // past the proxy
};

// An answer holds two tokens and a few words.
inline constexpr std::size_t kMaxExchangeAnswer = 1U << 20U;

// `sent`: the credential. Neither it nor the key is in a status that comes out.
std::variant<ExchangeSuccess, ExchangeFailure> ReadExchangeAnswer(const FetchResult& answer,
                                                                  const ExchangeEndpoint& endpoint, const Secret& sent,
                                                                  const Secret& api_key, WallTime now);

// How much a failure says about the token itself.
int Weight(Outcome outcome);

}  // namespace warppool
