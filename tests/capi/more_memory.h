// Calls that are repeated with more and more memory, and a client to make them with.
#pragma once

#include <loopback.h>
#include <warppool.h>

#include <string>

#include "catch.h"
#include "failing_memory.h"
#include "handles.h"
#include "protocol/schema.h"

inline constexpr int kEnough = 10'000;  // no call here allocates more often

// Makes `call` with 0, 1, 2, ... allocations allowed, until it gets by with them. Returns what it returned then.
template <typename Call>
warppool_code WithMoreAndMoreMemory(const Call& call) {
  warppool::internal::LoadSchema();  // the one thing that cannot go on without memory, and is done once in a process
  for (int allowed = 0; allowed < kEnough; ++allowed) {
    warppool_error* error = nullptr;
    warppool_code code = WARPPOOL_OK;
    {
      const FailingMemory memory(allowed);
      code = call(&error);
    }
    const bool enough = !FailingMemory::Failed();
    const warppool_code details = warppool_error_code(error);
    INFO("allocations that worked: " << allowed << ", code: " << warppool_code_name(code));
    CHECK((error == nullptr) == (code == WARPPOOL_OK));
    CHECK((details == code || details == WARPPOOL_OUT_OF_MEMORY));
    CHECK((error == nullptr || warppool_error_message(error) != std::string()));
    warppool_error_destroy(&error);
    CHECK(error == nullptr);
    if (enough) return code;
  }
  FAIL("it never got by");
  return WARPPOOL_INTERNAL;
}

// "1" for "demo-token-1".
inline std::string NameOf(const std::string& token) {
  return token.substr(token.size() - 1);
}

// A client of `service` with two tokens that it accepts.
inline void MakeClient(loopback::Service* service, ClientHandle* client,
                       const warppool_client_options* options = nullptr) {
  ConfigHandle config;
  REQUIRE(warppool_config_create(config.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_config_set_server_url(config, service->url().c_str(), nullptr) == WARPPOOL_OK);
  for (const char* token : {"demo-token-1", "demo-token-2"}) {
    service->Accept(token);
    REQUIRE(warppool_config_add_token(config, WARPPOOL_TIER_PERSONAL, WARPPOOL_CREDENTIAL_REFRESH_TOKEN, token,
                                      NameOf(token).c_str(), nullptr) == WARPPOOL_OK);
  }
  REQUIRE(warppool_client_create(config, options, client->out(), nullptr) == WARPPOOL_OK);
}
