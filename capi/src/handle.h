// What the C handles hold. Nobody but capi/ knows of them.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "terminated_secret.h"
#include "warppool.h"
#include "warppool/client.h"

// Never changes, so that the static one (guard.h) can be handed out again and again.
struct warppool_error {
  warppool::Error details;
  std::string text;  // Status::ToString()
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

struct warppool_access_token {
  explicit warppool_access_token(warppool::BearerToken from) : bearer(std::move(from)), value(bearer.value) {}

  warppool::BearerToken bearer;
  warppool::capi::TerminatedSecret value;
};

struct warppool_pool_status {
  warppool::PoolStatus status;
  std::string summary;
};

struct warppool_client {
  std::unique_ptr<warppool::Client> client;
  pid_t owner;  // the process that created it
};

// A C++ event whose texts end with NUL.
struct warppool_event {
  // If it throws (std::bad_alloc), it can be called again with the same event.
  void Assign(const warppool::Event& source);

  warppool::Event event;  // its texts point into `texts`, its bytes to where they came from
  std::string texts;      // used again for the next event
};

struct warppool_stream {
  std::unique_ptr<warppool::Stream> stream;
  std::optional<warppool::Event> taken;  // taken from `stream`, but not yet handed out: memory was too short to copy it
  warppool_event event;                  // the one that was handed out last
};
