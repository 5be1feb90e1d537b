// What the C handles hold. Nobody but capi/ knows of them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "platform/process.h"
#include "terminated_secret.h"
#include "warppool.h"
#include "warppool/client.h"

// Never changes, so that the static one (guard.h) can be handed out again and again.
struct warppool_error {
  warppool::Error details;
  std::string text;  // Status::ToString()
};

// What a callback of the program's is lent to fill in.
struct warppool_failure {
  std::string message;
};

struct warppool_supplied_bearer {
  warppool::SuppliedBearer bearer;
};

struct warppool_state_value {
  std::optional<std::string> bytes;
};

struct warppool_state_store {
  std::shared_ptr<warppool::StateStore> store;
};

struct warppool_config {
  warppool::Config config;
};

struct warppool_request {
  warppool::Request request;
};

struct warppool_answer {
  warppool::Answer answer;
};

struct warppool_conversation {
  warppool::Conversation conversation;
};

struct warppool_bytes {
  std::string bytes;
};

struct warppool_conversation_view {
  std::string id;
  std::string token;
  warppool::Usage usage;
  std::vector<warppool::TaskInfo> tasks;
  std::vector<std::vector<warppool::TodoInfo>> todos;  // of each task
  std::vector<warppool::PendingToolCall> calls;
};

struct warppool_message_list {
  std::vector<warppool::MessageInfo> messages;
};

struct warppool_access_token {
  explicit warppool_access_token(warppool::BearerToken from) : bearer(std::move(from)), value(bearer.value) {}

  warppool::BearerToken bearer;
  warppool::capi::TerminatedSecret value;
};

struct warppool_pool_status {
  warppool::PoolStatus status;
  std::string summary;
};

struct warppool_explanation {
  std::vector<warppool::TokenExplanation> tokens;
};

struct warppool_health_report {
  struct Result {
    bool healthy;
    std::optional<warppool_error> problem;
    std::optional<warppool_error> quota_problem;
  };

  explicit warppool_health_report(warppool::HealthReport from);

  std::size_t healthy;
  std::string text;
  std::vector<Result> results;
  warppool_pool_status pool;  // the same tokens in the same order
};

struct warppool_pool_change {
  warppool::ReloadResult result;
};

struct warppool_counters {
  warppool::Counters counters;
};

struct warppool_stats {
  explicit warppool_stats(warppool::Stats from);

  warppool::Stats stats;
  std::string json;
  std::string prometheus;
  warppool_counters total;
  std::vector<warppool_counters> tiers;  // as in `stats`
  std::vector<warppool_counters> tokens;
};

struct warppool_client {
  std::unique_ptr<warppool::Client> client;
  warppool::internal::ProcessId owner;  // the process that created it
};

// A C++ event whose texts end with NUL.
struct warppool_event {
  // If it throws (std::bad_alloc), it can be called again with the same event.
  void Assign(const warppool::Event& source);

  warppool::Event event;                         // its texts point into `texts`, its bytes to where they came from
  std::string texts;                             // used again for the next event
  std::optional<warppool::OwnedEvent> source{};  // of a copy: it owns the bytes
};

// A C++ pool event, and its texts with a NUL behind them.
struct warppool_pool_event {
  explicit warppool_pool_event(const warppool::PoolEvent& from);

  warppool::PoolEvent event;
  std::string token;
  std::string reason;
};

struct warppool_stream {
  std::unique_ptr<warppool::Stream> stream;
  std::optional<warppool::Event> taken;  // taken from `stream`, but not yet handed out: memory was too short to copy it
  warppool_event event;                  // the one that was handed out last
};
