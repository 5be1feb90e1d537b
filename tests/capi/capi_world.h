// What most tests against the loopback service begin with.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "capi_client.h"
#include "catch.h"

inline constexpr const char* kOne = "demo-token-1";
inline constexpr const char* kTwo = "demo-token-2";

inline bool Contains(const std::string& text, const std::string& part) {
  INFO(text);
  const bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

// A service, a client of it and a request that waits for no token.
struct World {
  void Connect(std::initializer_list<const char*> tokens, const Configure& configure = {},
               const warppool_state_store* store = nullptr) {
    MakeClient(service, tokens, &client, configure, store);
    MakeRequest("why", &request);
    REQUIRE(warppool_request_set_wait_for_token(request, 0, nullptr) == WARPPOOL_OK);
  }

  warppool_code Ask() {
    AnswerHandle answer;
    ErrorHandle error;
    const warppool_code code = warppool_client_ask(client, request, answer.out(), error.out());
    service.Said(error);
    served_by = warppool_answer_token(answer);
    complaint = warppool_error_to_string(error);
    return code;
  }

  // The name stays valid until the next call.
  warppool_token_info Info(std::size_t index) {
    warppool_token_info info = WARPPOOL_TOKEN_INFO_INIT;
    REQUIRE(warppool_client_pool(client, pool.out(), nullptr) == WARPPOOL_OK);
    REQUIRE(warppool_pool_status_token(pool, index, &info, nullptr) == WARPPOOL_OK);
    return info;
  }
  std::string Name(std::size_t index) { return Info(index).name; }

  CheckedService service;
  ClientHandle client;
  RequestHandle request;
  PoolStatusHandle pool;
  std::string served_by;  // by Ask()
  std::string complaint;  // from Ask()
};

// The one event of its kind.
inline PoolRecord TheOnly(const CheckedService& service, warppool_pool_event_kind kind) {
  const std::vector<PoolRecord> events = service.PoolEvents(kind);
  INFO(warppool_pool_event_kind_name(kind));
  REQUIRE(events.size() == 1);
  return events.front();
}
