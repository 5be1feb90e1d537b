// What a client works with: the tokens, the service's address, limits. Filled by hand, or loaded from the environment
// and a .env file:
//
//   auto config = warppool::LoadConfig({".env"});
//   if (!config.ok()) ...                          // config.status() names file and line, or the variable
//   auto client = warppool::Client::Create(*std::move(config));
//
// Value types: copy them freely, and use each copy from one thread at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "warppool/log.h"
#include "warppool/secret.h"
#include "warppool/status.h"

namespace warppool {

// Which tokens are tried first. The numbers are stable and the same in C (warppool_tier).
enum class Tier : int { kPersonal = 1, kShared = 2, kAnonymous = 3 };

// "PERSONAL", "SHARED", "ANONYMOUS". Never NULL. Any thread.
const char* TierName(Tier tier) noexcept;

enum class CredentialKind : int {
  kRefreshToken = 1,  // exchanged for a short-lived JWT, which is the bearer
  kApiKey = 2,        // sent as the bearer as it is
  kCallback = 3,      // the program supplies the bearer, see BearerSource
};

// Which token of a tier serves next. The numbers are stable and the same in C (warppool_strategy).
enum class Strategy : int {
  kRoundRobin = 1,     // all of them in turn
  kFillFirst = 2,      // the first one that is ready, in the order of the configuration; the others are its reserve
  kLeastInFlight = 3,  // the one that serves the fewest requests at the moment; among equals, in turn
};

// "round_robin", "fill_first", "least_in_flight". Never NULL. Any thread.
const char* StrategyName(Strategy strategy) noexcept;

// A bearer that the program manages itself.
struct SuppliedBearer {
  Secret value;

  // When it ends: somewhat before, the next one is asked for; one that has ended is not sent. nullopt: as its `exp`
  // says, if it is a JWT, but not before 30 s have passed, since the issuer's clock may be another; else it serves
  // until it is refused.
  std::optional<std::chrono::system_clock::time_point> expires{};
};

// Where the bearers of a kCallback token come from. Both functions are called in threads that the client has for this
// alone: those of one token one at a time, those of different tokens at the same time if need be, so what they share
// must be safe for that. They may take their time. Whoever waits for a bearer goes on to another token after
// Config::refresh_timeout, without blame; what is supplied later is used by the next who asks, and nobody asks again
// before. A call that hangs holds up no other token, as long as there are fewer than 8 of them; nothing can end it, so
// that destroying the client waits for it. They may call anything of the client but what waits for a bearer
// (Client::Ask, AccessToken and Close, an active CheckHealth: kMisuse there). `token` is the token's name.
struct BearerSource {
  // The bearer to be sent from now on. Asked for when there is none, when it is about to end, and after a refusal. If
  // it fails with kNetwork, kOverloaded, kServerError, kTimeout, kCancelled or kOutOfMemory, nobody is to blame; with
  // any other code, or an exception, it is as if the token was refused. Must not be empty.
  std::function<Result<SuppliedBearer>(const std::string& token)> supply{};

  // The service refused `bearer` (401 or 403). Comes before the next call of `supply`. May be empty.
  std::function<void(const std::string& token, const Secret& bearer, const Status& why)> on_refused{};
};

struct TokenConfig {
  Secret credential;  // kMinSecretBytes (8 bytes) or more; empty with kCallback
  Tier tier = Tier::kPersonal;
  CredentialKind kind = CredentialKind::kRefreshToken;
  // How logs, errors and statistics call it; empty: tier and fingerprint (token_pool.h). kCallback needs one.
  std::string name{};
  BearerSource bearer_source{};  // kCallback only
};

struct Config {
  std::vector<TokenConfig> tokens;
  std::vector<Tier> tier_order{Tier::kPersonal, Tier::kShared, Tier::kAnonymous};  // a tier left out is not used
  Strategy strategy = Strategy::kRoundRobin;                                       // inside a tier
  int max_in_flight = 0;  // requests that one token serves at a time, up to 1,000,000; more wait. 0: no limit

  // A token that is refused, or has a server error, rests for 5 s. A failure it has only if another token then serves
  // the same request: after a refusal, one of the same kind. max_failures failures in a row (1 or more) disable it;
  // after recovery_delay one request at a time may try it again, and each such probe that is a failure doubles the
  // delay, up to recovery_max_delay. A recovery_delay of 0: disabled tokens come back by hand only.
  int max_failures = 3;
  std::chrono::milliseconds recovery_delay{60'000};
  std::chrono::milliseconds recovery_max_delay{3'600'000};  // what is below recovery_delay means recovery_delay

  // Where. http:// is accepted for loopback addresses only.
  std::string server_url = "https://app.warp.dev";
  std::string refresh_url{};      // token exchange; empty: server_url + "/proxy/token"
  std::string securetoken_url{};  // asked when the one above fails, and its word is not final; empty: Google's, if
                                  // server_url and refresh_url are the default and firebase_api_key is set; else none
  // The "key" parameter of the token exchange, kMinSecretBytes (8 bytes) or more; empty: sent without one.
  Secret firebase_api_key{};
  std::string client_version = "v0.2025.08.06.08.12.stable_02";  // X-Warp-Client-Version
  std::string ca_bundle{};  // PEM file of trusted authorities; empty: libcurl's default
  // [scheme://][user[:password]@]host[:port] for all but loopback addresses; empty: none. Scheme: http (the default),
  // https, socks4, socks4a, socks5 or socks5h. In user and password @ / ? # are percent-encoded (%40 %2F %3F %23). The
  // environment is not looked at again.
  Secret proxy{};
  std::string no_proxy{};  // hosts that bypass the proxy, comma-separated, in curl's notation

  // Time limits. There is none for a whole answer: an agent may think for minutes.
  std::chrono::milliseconds connect_timeout{10'000};  // name look-up, TCP and TLS
  // silence_timeout: without a byte in either direction, before and in an answer, counted from the last one. What has
  // arrived is read before any of them is declared over, also when a callback or a stop of the process kept the I/O
  // thread from reading it. A connection whose data nobody acknowledges for 20 s is lost, whatever is set here.
  std::chrono::milliseconds silence_timeout{300'000};
  // How long a request waits for one token exchange at one address, all in all, or for a BearerSource; then it goes on
  // to another token. The exchange lives on for 2 minutes, since its answer may hold the only copy of a replaced
  // refresh token, and so does a call of a BearerSource: what comes is used by the next who asks.
  std::chrono::milliseconds refresh_timeout{30'000};

  // Trying again after the network or the service failed (going to the next token is not counted). Wait n lasts
  // retry_base_delay * 4^(n-1), at most retry_max_delay, plus up to 30 %; or what Retry-After asks for, if that is
  // longer. When several tokens, or the only one, find the service overloaded, the client remembers that for 0.5, 1, 2,
  // 4, 4 ... s (the first is half of retry_base_delay, if that is less), or what Retry-After asks for: requests that
  // come meanwhile wait, without spending their budget, and one of them tries when the time is over.
  int retry_budget = 3;  // such waits in one request; 0: none after a failed attempt
  std::chrono::milliseconds retry_base_delay{1'000};
  std::chrono::milliseconds retry_max_delay{32'000};
  std::chrono::milliseconds retry_after_limit{120'000};  // a service that asks for more is asked again after this

  // How long a token rests whose quota is used up, when neither the answer nor the quota query says it.
  std::chrono::milliseconds quota_cooling{3'600'000};

  // When no token is ready, a request waits for the first one that will be, if that is before its own time-out; one
  // without a time-out (and Client::AccessToken() without a limit), if that is within max_token_wait, which is for all
  // its waits together, those before trying again included. Otherwise it fails at once. Request::wait_for_token
  // switches off the waits for a token for one request.
  std::chrono::milliseconds max_token_wait{30'000};

  // A JWT that is in use is renewed before it ends, between two requests, and not by the request that finds it old.
  bool background_refresh = true;

  // Where to keep rotated refresh tokens, JWTs, health and counters (state_store.h); empty: in memory only.
  std::string state_file{};
  // How long changes of the counters are gathered before they are written; of health at most 200 ms, and what an
  // exchange issued is written at once. 1 ms or more.
  std::chrono::milliseconds state_save_interval{10'000};
  // A call of the store that takes longer is gone on without, and its result taken when it comes. 1 ms or more.
  std::chrono::milliseconds store_timeout{5'000};

  // Against a service that is broken or means harm. More of it ends the request with kLimitExceeded.
  std::size_t max_event_bytes = 16U << 20;    // one server-sent event as it comes; 1 KiB to 1 GiB
  std::size_t max_message_bytes = 64U << 20;  // one message of a conversation, however it came; 1 KiB to 1 GiB
  // What reading one event may take beyond 4 times its bytes: as messages in a conversation, and as events until the
  // program has taken them. It is reckoned before anything is read; 1 MiB to 1 GiB.
  std::size_t max_event_memory = 4U << 20;
  int max_event_messages = 100'000;              // one event, with those that lie in others; 1 to 10,000,000
  std::size_t max_answer_bytes = 1024U << 20;    // one answer, all its events together; 1 KiB or more
  std::uint64_t max_stream_events = 10'000'000;  // one answer; 1 or more
  int max_tasks = 1'000;                         // one conversation; 1 to 1,000,000
  int max_messages = 100'000;                    // one conversation, all its tasks together; 1 to 10,000,000
  int max_nesting_depth = 100;                   // messages in messages of one event; 10 to 1000
};

// Says what is wrong with `config`, naming the field. Client::Create() calls it.
Status Validate(const Config& config);

struct LoadOptions {
  std::string env_file{};  // path of a .env file; empty: none. A file that does not exist is an error.
  LogSink log{};           // what was loaded from where, and warnings
  // Instead of the process environment, for tests and for programs that keep their own; nullopt: the process
  // environment.
  std::optional<std::map<std::string, std::string>> environment{};
};

// Reads the WARP_* variables (the guide, "Configuration") from the environment and the .env file; the environment wins.
// The process environment is read, never changed: call it while no other thread changes it.
//
// Fails with kInvalidConfig (the message names file and line, or variable and position, never a value) or kNoTokens.
Result<Config> LoadConfig(const LoadOptions& options);

}  // namespace warppool
