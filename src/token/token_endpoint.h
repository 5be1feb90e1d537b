// The token exchange, as bytes: what is posted, and what the answer means. No I/O.
//
// The protocol is Google's securetoken (OAuth 2.0 refresh_token grant), which the agent service also offers through a
// proxy of its own.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "warppool/config.h"
#include "warppool/stats.h"
#include "warppool/status.h"

namespace warppool {

// The form body, with the credential percent-encoded.
std::string ExchangeBody(const Secret& refresh_token);

// "?key=" and the key percent-encoded; empty without a key.
std::string ExchangeQuery(const Secret& api_key);

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

// `url_setting`: the name of the setting that an answer which no token exchange gives is blamed on.
// `has_api_key`: whether a key was sent.
std::variant<ExchangeSuccess, ExchangeFailure> ReadExchange(int http_status, std::string_view body,
                                                            std::optional<std::chrono::milliseconds> retry_after,
                                                            std::string_view url_setting, bool has_api_key);

}  // namespace warppool
