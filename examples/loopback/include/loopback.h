// An in-process stand-in of the agent service, for working offline: the quick start, the tests, the benchmarks, and an
// embedder's own tests.
//
//   loopback::Service service;                             // 127.0.0.1, a free port, running
//   service.Accept("demo-token-1");                        // known refresh token, healthy
//   service.On("demo-token-2").Agent(loopback::Quota().After(3));
//   config.server_url = service.url();
//   ...
//   CHECK(service.Requests("/ai/multi-agent").size() == 1);
//
// It is as strict as a server: a request that the real service would not take is refused the way it would refuse it,
// and its complaint is kept in Complaints(). It keeps every request for tests to look at. Only requests that are not
// refused count for the scripts.
//
// An answer's events: `init`, `create_task` (left out when the conversation has a root task), `add_messages_to_task`
// with the first part of the text, one `append_to_message_content` for each further part (at most chunks - 1; no part
// is empty), `finished` with the query's and the text's bytes as token usage, and a cost of 1. What the request brought
// is added to the root task by an action of its own, in the same event as the text's first part, or as the first action
// that is scripted: the query, each tool's result, or the wish to resume or to summarize. Play() scripts other answers.
//
// It holds conversations, each for the account whose token began it. A request brings the conversation's tasks, and
// they must be what the service sent, to the last byte and in the same order:
//
//   conversation_id, and tasks    it goes on; refused with 400 if it is unknown or its tasks differ, the complaint says
//                                 where; and with 403 if it belongs to another account
//   tasks only                    a conversation from elsewhere: a new one here, with these tasks
//   neither                       a new one
//
// An answer that was cut off cleanly counts as far as it was sent. One that was reset or stalled, or whose client went
// away, may have arrived up to any of its events; the next request's tasks tell. A transaction that is open at the end
// of an answer, whatever its end, is rolled back. Results are taken only of tool calls that are in the tasks and that
// no result answers yet. Raw() changes no conversation, whatever its bytes say.
//
// All functions may be called from any thread at any time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "steps.h"

namespace loopback {

enum class Endpoint : std::uint8_t {
  kExchange,  // POST /proxy/token and /v1/token
  kAgent,     // POST /ai/multi-agent
  kAccount,   // POST /graphql/v2?op=GetRequestLimitInfo
};

// One way to answer. Made by the functions below; the setters return the object itself, so that they can be chained.
class Behaviour {
 public:
  enum class Kind : std::uint8_t {
    kOk,           // the exchange answers a JWT, the agent the text, the account its quota
    kStatus,       // an HTTP status, headers and body
    kQuotaFinish,  // a stream whose `finished` says quota_limit
    kFinish,       // a stream whose `finished` says something else than done
    kRaw,          // 200 with these bytes: of the agent, instead of events; of the others, as the body
    kReset,        // the connection is reset before any answer
  };
  // How a stream ends after `cut_after` events, or another body after so many bytes.
  enum class Cut : std::uint8_t { kNone, kClean, kReset, kStall };

  Kind kind = Kind::kOk;
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;                    // of kStatus and kRaw
  std::string finish;                  // of kFinish: a field name of StreamFinished ("internal_error"), "unknown" for a
                                       // reason that no schema knows, "none" for none
  std::string finish_message{};        // what internal_error says; empty: a word of this service's own
  std::chrono::milliseconds delay{0};  // before the answer's head
  std::chrono::milliseconds gap{0};    // between two events; of a body that is no stream, between two bytes
  Cut cut = Cut::kNone;
  int cut_after = 0;                       // events, or bytes, that are sent whole before the cut
  bool byte_by_byte = false;               // one byte per chunk, each a write of its own
  bool gzip = false;                       // the body is encoded, and says so
  std::string before_events{};             // of a stream: these bytes come before each event
  std::optional<std::string> rotate_to;    // exchange: the answer's refresh_token, which replaces the one that was sent
  std::chrono::seconds jwt_life{3600};     // exchange: expires_in, and when this service stops accepting the JWT
  std::optional<std::string> text;         // agent: the answer; default: "Echo: " and the query, else a word or two
  int chunks = 8;                          // agent: text deltas that the answer is split into
  std::optional<std::vector<Step>> steps;  // agent: the answer instead of a text
  int actions_per_event = 1;               // agent
  int times = -1;  // how often it applies before the next behaviour takes over; -1: for ever, 0: never
  int after = 0;   // requests that are answered normally before

  Behaviour& Times(int n) {
    times = n;
    return *this;
  }
  Behaviour& After(int n) {
    after = n;
    return *this;
  }
  Behaviour& Delay(std::chrono::milliseconds d) {
    delay = d;
    return *this;
  }
  Behaviour& Gap(std::chrono::milliseconds g) {
    gap = g;
    return *this;
  }
  Behaviour& ByteByByte() {
    byte_by_byte = true;
    return *this;
  }
  // Content-Encoding: gzip, whether or not it was asked for. Each event can be decoded as soon as it has arrived.
  Behaviour& Gzip() {
    gzip = true;
    return *this;
  }
  // As a service, or a proxy, keeps a connection alive: ": still here\n\n", "event: ping\ndata: {}\n\n".
  Behaviour& BeforeEvents(std::string bytes) {
    before_events = std::move(bytes);
    return *this;
  }
  Behaviour& CutAfter(int events, Cut how) {
    cut_after = events;
    cut = how;
    return *this;
  }
  Behaviour& Header(std::string name, std::string value) {
    headers.emplace_back(std::move(name), std::move(value));
    return *this;
  }
  Behaviour& RotateTo(std::string token) {
    rotate_to = std::move(token);
    return *this;
  }
  Behaviour& JwtLife(std::chrono::seconds s) {
    jwt_life = s;
    return *this;
  }
  Behaviour& Text(std::string t) {
    text = std::move(t);
    return *this;
  }
  Behaviour& Chunks(int n) {
    chunks = n;
    return *this;
  }
  // So many client actions go into one event; but `create_task` of the root task comes alone, as does Action().
  Behaviour& Pack(int actions) {
    actions_per_event = actions;
    return *this;
  }
  Behaviour& FinishAs(std::string reason);  // as Finish(), after what else is scripted
  Behaviour& FinishSaying(std::string message) {
    finish_message = std::move(message);
    return *this;
  }
};

Behaviour Ok();
Behaviour Status(int status, std::string body = "");
Behaviour Quota();                           // 429, X-Warp-Error-Code: OUT_OF_CREDITS, userDisplayMessage in the body
Behaviour QuotaInBody();                     // 429 without that header; the body says "No remaining quota"
Behaviour Overloaded();                      // 429 with an HTML body
Behaviour Dead(const std::string& message);  // exchange: 400 with {"error":{"code":400,"message":…}}
Behaviour QuotaFinish();                     // agent: `init`, `finished`; with Text(), that comes before the end
// agent: the text, then this end. Throws std::invalid_argument if there is no such reason.
Behaviour Finish(std::string reason);
Behaviour Play(std::vector<Step> steps);  // agent: an answer of these steps (steps.h)
// agent: an answer of steps of all kinds, legal wherever it is played; the same for the same seed and the same tasks.
Behaviour Random(std::uint32_t seed);
Behaviour Raw(std::string bytes);  // agent: these bytes as the event stream; elsewhere: as a 200's body
Behaviour Garbage();               // agent: 200 text/html
Behaviour UndecodableEvent();      // agent: after `init`, an event that is not base64
Behaviour EmptyBody();             // agent: 200 text/event-stream without a byte
Behaviour Reset();                 // the connection is reset before any answer
Behaviour AccountRefused(const std::string& message);  // account: 200 with a UserFacingError that says this

// What the account endpoint says of an account. As it stands here, it is what is said of one that SetQuota() never
// heard of.
struct AccountQuota {
  bool unlimited = false;
  int limit = 150;
  // Nothing: as many as its agent endpoint gave answers to (Ok() and Finish(), cut off or not) since the service began.
  std::optional<int> used{};
  // Nothing: 30 days after the service began. Told in whole seconds, rounded down.
  std::optional<std::chrono::system_clock::time_point> next_refresh{};
  int bonus = 0;  // credits of one grant, all of them left, that expires a year after the service began; 0: no grant
};

// One request as it came.
struct Seen {
  std::string path;
  std::string query;  // after the "?", as sent
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string token;   // the refresh token that was sent, or that the bearer was issued for; empty: unknown
  int status = 0;      // what was answered
  int connection = 0;  // which TCP connection it came on: its client's port
};

// One conversation that the service knows.
struct ConversationSeen {
  std::string id{};
  std::string user_id{};  // the account that it belongs to
  int answers = 0;        // streams that were begun, however they ended
};

struct Options {
  bool tls = false;  // certificates are made at start
  int port = 0;      // 0: a free one
  int threads = 80;  // a kept-alive connection occupies one; beyond them, connections wait
  // For Requests(), Count() and Secrets(). Without it memory stays flat, however many requests come: of one login the
  // newest 8 JWTs are valid, the newest 8 tokens that were replaced are told from unknown ones, Secrets() knows what is
  // valid or scripted, Complaints() keeps the first 1000, and Conversations() the 1000 that were used last. With it,
  // those are 10,000.
  bool keep_requests = true;
};

class Service {
 public:
  // What is scripted for one token. Behaviours queue up: each applies for its `times`, then the next one; after the
  // last one the token is healthy.
  class Script {
   public:
    Script& Exchange(Behaviour behaviour);  // POST /proxy/token and /v1/token
    Script& Agent(Behaviour behaviour);     // POST /ai/multi-agent
    Script& Account(Behaviour behaviour);   // POST /graphql/v2?op=GetRequestLimitInfo

   private:
    friend class Service;
    Script(Service* service, std::optional<std::string> token) : service_(service), token_(std::move(token)) {}
    Service* service_;
    std::optional<std::string> token_;  // nothing: OnAny()
  };

  // How to answer this one request; nothing: as the scripts say. `token` is the refresh token or API key concerned.
  using Decision = std::function<std::optional<Behaviour>(Endpoint endpoint, const std::string& token)>;

  explicit Service(Options options = {});  // throws std::runtime_error if it cannot listen
  ~Service();                              // breaks what is still running
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  std::string url() const;  // "http://127.0.0.1:PORT" or "https://localhost:PORT"
  int port() const;
  std::string ca_file() const;  // TLS: a PEM file with the authority; removed at the end. Empty without TLS.

  Service& Accept(const std::string& token);                                // a refresh token that this service knows
  Service& AcceptAs(const std::string& token, const std::string& user_id);  // the same, of this account
  Service& AcceptApiKey(const std::string& key);                            // a bearer that needs no exchange
  Script On(std::string token);  // Accept(), and scripts it; "wk-…" and accepted API keys are API keys
  Script OnAny();                // one script that all tokens use up together that have none of their own left

  // For soak tests: `decide` is asked before the scripts, for each request that is not refused. What it returns applies
  // to that request, whatever its `times` and `after`, and moves no script on. It runs in the connection's thread,
  // several at once, without a lock of the service. (When two exchanges of one token come at the same moment, and the
  // first replaces it, the second may be refused although `decide` was asked.)
  // Set it before requests come.
  Service& Decide(Decision decide);

  // What the account of this token says of its quota from now on, to all tokens of that account: AcceptAs() comes
  // before. A token that is not known yet is accepted, as by On().
  Service& SetQuota(const std::string& token, AccountQuota quota);

  void RequireKey(const std::string& key);  // the exchange wants ?key=…, and refuses others as Firebase does
  void ExpireJwts();                        // every JWT issued so far is refused with 401 from now on
  void Stop();                              // closes the port: connections are refused from now on, idle ones closed;
                                            // answers that are under way are finished

  // The conversation's client broke its last answer off: what it has of it may end with any event, although all were
  // sent. The service sees that by itself only if it was still sending.
  void AcceptAnyPrefix(const std::string& conversation_id);

  std::vector<Seen> Requests(const std::string& path) const;  // whole path; empty: all
  int Count(const std::string& path, const std::string& token = "") const;
  std::vector<std::string> Complaints() const;          // why requests were refused as malformed
  std::vector<ConversationSeen> Conversations() const;  // the one used last at the end
  // A serialized Request.TaskContext: what the client has if it got all that was sent. Empty, too, if there is no such
  // conversation.
  std::string TasksOf(const std::string& conversation_id) const;
  std::vector<std::string> Secrets() const;  // every token, JWT and key it has seen or issued, for leak tests

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace loopback
