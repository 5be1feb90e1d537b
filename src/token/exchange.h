// The token exchange, as bytes: what is posted, and what came of it. No I/O.
//
// The protocol is Google's securetoken (OAuth 2.0 refresh_token grant), which the agent service also offers through a
// proxy of its own.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"
#include "http/fetch.h"
#include "warppool/config.h"
#include "warppool/outcome.h"
#include "warppool/status.h"

namespace warppool::internal {

// Where tokens are exchanged; the next one is asked when the one before is broken.
struct ExchangeEndpoint {
  std::string url;
  std::string setting;  // which setting it comes from, for errors
  bool direct = false;  // past the proxy
};

// An answer holds two tokens and a few words.
inline constexpr std::size_t kMaxExchangeAnswer = 1U << 20U;

// The form body, with the credential percent-encoded.
std::string ExchangeBody(const Secret& refresh_token);

// The endpoint's URL, with "?key=" and the key percent-encoded if there is one.
std::string ExchangeUrl(std::string_view url, const Secret& api_key);

struct ExchangeSuccess {
  Secret bearer;
  std::optional<std::chrono::seconds> life;  // expires_in
  Secret refresh_token;                      // replaces the one that was sent; empty: the answer has none
  std::string user_id;
};

struct ExchangeFailure {
  Outcome outcome;
  Status status;
  // Another URL of the same exchange may do better: this one is broken, or its word is not final.
  bool ask_elsewhere;
  // As in ExchangeSuccess: an answer whose rest is of no use may still replace the credential.
  Secret refresh_token;
};

// `sent`: the credential. Neither it nor the key nor the transport's own secrets are in a status that comes out.
std::variant<ExchangeSuccess, ExchangeFailure> ReadExchange(const FetchResult& answer, const ExchangeEndpoint& endpoint,
                                                            const Secret& sent, const Secret& api_key, WallTime now);

// Of two addresses the one whose failure says more about the token itself is believed.
int Weight(Outcome outcome);

}  // namespace warppool::internal
