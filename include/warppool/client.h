// The client: a pool of tokens and one way to use them. Everything starts here.
//
//   auto config = warppool::LoadConfig({".env"});
//   if (!config.ok()) return Fail(config.status());
//   auto client = warppool::Client::Create(*std::move(config));
//   if (!client.ok()) return Fail(client.status());
//   auto answer = (*client)->Ask(warppool::Request("Why is the sky blue?"));
//   std::cout << answer.text << "\n";
//   if (!answer.ok()) return Fail(answer.status);
//
// Each client has one I/O thread of its own, and nothing is shared between clients. All its functions may be called
// from any thread at the same time, but for the destructor, which must be the last call. After a fork, a client is the
// parent's: in the child every call returns kMisuse, and destroying it does nothing.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "warppool/config.h"
#include "warppool/conversation.h"
#include "warppool/event.h"
#include "warppool/log.h"
#include "warppool/request.h"
#include "warppool/state_store.h"
#include "warppool/stats.h"
#include "warppool/status.h"
#include "warppool/stream.h"
#include "warppool/token_pool.h"

namespace warppool {

namespace internal {
class ClientImpl;
}  // namespace internal

struct ClientOptions {
  LogSink log{};                  // empty: silent
  PoolEventSink on_pool_event{};  // empty: nobody is told

  // Where to keep what outlives the client; null: Config::state_file, if that is set, else nowhere. Not both.
  std::shared_ptr<StateStore> store{};
};

// A whole answer, for who does not care for its parts, or as much of one as came. Whatever the status, the rest is what
// had been received by then, and is empty if that was nothing: an answer that reached the model's limit, broke off or
// passed its time-out has its text all the same.
struct Answer {
  Status status;     // OK: the agent is done; else why this is not the whole answer
  std::string text;  // the root task's agent output; of several messages, one right after the other
  std::string conversation_id;
  std::string request_id;
  std::string token;                            // the name of the token that served it
  std::optional<FinishReason> finish_reason{};  // nullopt: the service's last word did not come
  Usage usage;                                  // comes with that word

  bool ok() const noexcept { return status.ok(); }
};

// A bearer for a program that speaks HTTP itself: "Authorization: Bearer " + value.
struct BearerToken {
  Secret value;
  std::string token;  // the name of the token that it was issued for

  // When it ends; nullopt: not known (API keys).
  std::optional<std::chrono::system_clock::time_point> expires{};
};

class Client {
 public:
  // Validates the configuration, takes over what the store knows, and starts the I/O thread; sends nothing yet.
  // Fails with kInvalidConfig, kNoTokens, kOutOfMemory, kInternal (no thread or descriptor to be had), or as the store
  // does.
  static Result<std::unique_ptr<Client>> Create(Config config, ClientOptions options = {});

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // As Close(0). When it returns no callback runs any more, and streams that are left say kCancelled. Not inside a
  // callback of this client: it could not wait for itself. There it cancels the streams and leaves the I/O thread to
  // finish alone, which may still call the log and pool-event sinks until it has; call Close() first to be told
  // (kMisuse).
  ~Client();

  // Sends a request and pushes its events. Returns at once, and callbacks may be called before it does. If it fails no
  // callback is called, otherwise on_done is, exactly once. The stream must be kept: destroying it cancels the request.
  // Fails with kInvalidArgument or kMisuse.
  Result<std::unique_ptr<Stream>> Start(const Request& request, StreamCallbacks callbacks);

  // Sends a request whose events are pulled with Stream::Next(). Returns at once. Fails as above.
  Result<std::unique_ptr<Stream>> Start(const Request& request);

  // Sends a request and waits for the whole answer, or for its end: what came is there with any status. kMisuse inside
  // a callback.
  Answer Ask(const Request& request);

  // The same three as the next turn of `conversation`, which takes in what the answer does. kMisuse if it is busy with
  // another request; kInvalidArgument if the request is raw: it brings a conversation of its own.
  Result<std::unique_ptr<Stream>> Start(const Request& request, Conversation& conversation, StreamCallbacks callbacks);
  Result<std::unique_ptr<Stream>> Start(const Request& request, Conversation& conversation);
  Answer Ask(const Request& request, Conversation& conversation);

  // A bearer from the first token that has one or gets one: cached, or refreshed. Waits at most `timeout` (negative: no
  // limit but those of the configuration). kMisuse inside a callback.
  Result<BearerToken> AccessToken(std::chrono::milliseconds timeout = std::chrono::milliseconds(-1));

  // The service refused `refused`: the next call, and every request, gets another one. Nothing happens if that has been
  // replaced already.
  void DropAccessToken(const BearerToken& refused);

  // A snapshot of the pool. Empty after a fork.
  PoolStatus Pool() const;

  // For each token, in the order of Pool(): whether a request that comes now would get it, and if not, why and until
  // when. Nothing is sent, and nobody's turn changes. Empty after a fork.
  std::vector<TokenExplanation> Explain() const;

  // Makes a token ready again that is disabled, cooling or resting: its failures are forgotten, and what older requests
  // still report does not count. A cooling that it shares with other tokens of its account ends for them, too. OK if it
  // was ready already. kInvalidArgument: there is no token of that name.
  Status Recover(const std::string& token);

  // Recover() for all tokens; returns how many were not ready.
  Result<int> RecoverAll();

  // How the tokens are. Passive by default, and then it neither sends nor waits. An active check waits (kMisuse inside
  // a callback), and is the one thing besides Recover() that tries tokens which were refused for good. What is not
  // through when its time is over is unhealthy with kTimeout.
  // Fails with kInvalidArgument, or kMisuse.
  Result<HealthReport> CheckHealth(const HealthCheckOptions& options = {});

  // What the tokens did, in numbers. Empty after a fork.
  Stats Statistics() const;

  // ---- Which tokens there are. Any of these at any time: requests that run with a token finish with it, whatever
  // becomes of it. Names are those of Pool(). A failure changes nothing: kInvalidArgument says what is wrong (no token
  // of that name, a name or credential that another one has, a value out of range), kMisuse that the client is closed.
  // (kOutOfMemory may come when all is done but to tell of it.)

  // Adds a token behind the others of its tier, and takes over what the store knows of it, soon. Returns its name.
  Result<std::string> AddToken(const TokenConfig& token);

  // No request gets it any more. Its record in the store stays. Not the last one of the tiers that are used.
  Status RemoveToken(const std::string& token);

  // Calls it `name` from now on; empty: by tier and fingerprint. Returns the name.
  Result<std::string> RenameToken(const std::string& token, const std::string& name);

  // Puts it behind the others of `tier`, healthy or not, with its counters. A name by tier and fingerprint changes with
  // the tier. Returns the name.
  Result<std::string> MoveToken(const std::string& token, Tier tier);

  // Gives it another credential, of any kind: from now on it is a new token, ready and untried (unless a store knows
  // better), with the name (unless that is by fingerprint), the place and the counters of the old one. Of `replacement`
  // only what concerns the credential counts. Returns the name.
  Result<std::string> ReplaceCredential(const std::string& token, const TokenConfig& replacement);

  // Makes the pool what `config` says, without a restart: tokens, tier_order, strategy, max_in_flight, max_failures,
  // recovery_delay, recovery_max_delay and quota_cooling. A token that stays, by its credential (the configured one, or
  // one that replaced it) or else by the name that the configuration gives it, keeps its health and its counters;
  // with another credential under the same name, as ReplaceCredential() does. Fails as Validate() does, and
  // with kInvalidConfig if another field differs: that takes a new client.
  Result<ReloadResult> Reload(const Config& config);

  // Accepts no new request, lets the running ones finish for at most `timeout` (0: not at all; negative: no limit),
  // cancels the rest, stops the I/O thread and brings everything to the store. Every later call returns kMisuse, but
  // for Pool(), Explain(), Statistics() and Close() itself (OK, nothing happens). With a store, token exchanges that
  // are under way are waited for, up to 5 s: the answer may hold a new refresh token. kMisuse inside a callback of this
  // client, which then stays as it is.
  Status Close(std::chrono::milliseconds timeout);

 private:
  friend class internal::ClientImpl;
  explicit Client(std::unique_ptr<internal::ClientImpl> impl);

  std::unique_ptr<internal::ClientImpl> impl_;
};

}  // namespace warppool
