// When memory runs out in bearer sources, stores, changes of the pool and statistics.
#include <warppool.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "catch.h"
#include "handle.h"
#include "more_memory.h"

namespace {

const char* const kLong = "a-text-that-is-too-long-to-stay-inside-a-std::string";

warppool_code Supply(const char* /*token*/, warppool_supplied_bearer* bearer, warppool_failure* /*failure*/,
                     void* /*user_data*/) {
  return warppool_supplied_bearer_set(bearer, "demo-bearer-1", -1, nullptr);
}

warppool_bearer_source Source() {
  warppool_bearer_source source = WARPPOOL_BEARER_SOURCE_INIT;
  source.supply = Supply;
  return source;
}

// Counts how often it was told of its end.
warppool_state_store_callbacks EmptyStore(int* destroyed) {
  warppool_state_store_callbacks callbacks = WARPPOOL_STATE_STORE_CALLBACKS_INIT;
  callbacks.read = [](const char* /*key*/, warppool_state_value* /*value*/, warppool_failure* /*failure*/,
                      void* /*user_data*/) { return WARPPOOL_OK; };
  callbacks.write = [](const warppool_state_change* /*changes*/, size_t /*count*/, int32_t /*durability*/,
                       warppool_failure* /*failure*/, void* /*user_data*/) { return WARPPOOL_OK; };
  callbacks.destroy = [](void* counter) { ++*static_cast<int*>(counter); };
  callbacks.user_data = destroyed;
  return callbacks;
}

}  // namespace

TEST_CASE("what callbacks are lent says so when there is no memory to fill it") {
  warppool_supplied_bearer bearer;
  warppool_failure failure;
  warppool_state_value value;
  const auto* bytes = reinterpret_cast<const uint8_t*>(kLong);
  CHECK(WithMoreAndMoreMemory([&](auto** e) { return warppool_supplied_bearer_set(&bearer, kLong, 1, e); }) ==
        WARPPOOL_OK);
  CHECK(WithMoreAndMoreMemory([&](auto** e) { return warppool_failure_set_message(&failure, kLong, e); }) ==
        WARPPOOL_OK);
  CHECK(WithMoreAndMoreMemory([&](auto** e) { return warppool_state_value_set(&value, bytes, 50, e); }) == WARPPOOL_OK);
  CHECK(bearer.bearer.value.Reveal() == kLong);
  CHECK(failure.message == kLong);
  CHECK(value.bytes == std::string(kLong, 50));
}

TEST_CASE("a configuration without the memory for a bearer source or a file stays as it is") {
  ConfigHandle config;
  REQUIRE(warppool_config_create(config.out(), nullptr) == WARPPOOL_OK);
  const warppool_bearer_source source = Source();
  CHECK(WithMoreAndMoreMemory([&](auto** e) {
          return warppool_config_add_bearer_source(config, WARPPOOL_TIER_SHARED, kLong, &source, e);
        }) == WARPPOOL_OK);
  CHECK(warppool_config_token_count(config) == 1);
  CHECK(WithMoreAndMoreMemory([&](auto** e) { return warppool_config_set_state_file(config, kLong, e); }) ==
        WARPPOOL_OK);
  CHECK(static_cast<warppool_config*>(config)->config.state_file == kLong);
}

TEST_CASE("a store is made whole, or not at all") {
  int destroyed = 0;
  const warppool_state_store_callbacks callbacks = EmptyStore(&destroyed);
  StateStoreHandle store;
  CHECK(WithMoreAndMoreMemory([&](auto** e) { return warppool_state_store_create_memory(store.out(), e); }) ==
        WARPPOOL_OK);
  CHECK(WithMoreAndMoreMemory([&](auto** e) { return warppool_state_store_create(&callbacks, store.out(), e); }) ==
        WARPPOOL_OK);
  CHECK(destroyed == 0);
  warppool_state_store_destroy(store.out());
  CHECK(destroyed == 1);

  char folder[] = "/tmp/warppool-capi-XXXXXX";
  REQUIRE(mkdtemp(folder) != nullptr);
  const std::string path = std::string(folder) + "/" + kLong;
  CHECK(WithMoreAndMoreMemory([&](auto** e) {
          return warppool_state_store_open_file(path.c_str(), nullptr, nullptr, store.out(), e);
        }) == WARPPOOL_OK);
  std::filesystem::remove_all(folder);
}

TEST_CASE("a client with a store is made whole, or not at all") {
  loopback::Service service;
  service.Accept("demo-token-1");
  int destroyed = 0;
  const warppool_state_store_callbacks callbacks = EmptyStore(&destroyed);
  ConfigHandle config;
  REQUIRE(warppool_config_create(config.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_config_set_server_url(config, service.url().c_str(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_config_add_token(config, WARPPOOL_TIER_PERSONAL, WARPPOOL_CREDENTIAL_REFRESH_TOKEN, "demo-token-1",
                                    nullptr, nullptr) == WARPPOOL_OK);
  StateStoreHandle store;
  REQUIRE(warppool_state_store_create(&callbacks, store.out(), nullptr) == WARPPOOL_OK);
  warppool_client_options options = WARPPOOL_CLIENT_OPTIONS_INIT;
  options.store = store;
  ClientHandle client;
  CHECK(WithMoreAndMoreMemory([&](auto** e) { return warppool_client_create(config, &options, client.out(), e); }) ==
        WARPPOOL_OK);
  warppool_state_store_destroy(store.out());
  CHECK(destroyed == 0);
  RequestHandle request;
  AnswerHandle answer;
  REQUIRE(warppool_request_create("why", request.out(), nullptr) == WARPPOOL_OK);
  CHECK(warppool_client_ask(client, request, answer.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_client_destroy(client.out()) == WARPPOOL_OK);
  CHECK(destroyed == 1);
}

TEST_CASE("statistics are whole, or there is no memory for them") {
  loopback::Service service;
  ClientHandle client;
  MakeClient(&service, &client);
  StatsHandle stats;
  CHECK(WithMoreAndMoreMemory([&](auto** e) {
          const warppool_code code = warppool_client_statistics(client, stats.out(), e);
          const bool whole = warppool_stats_token_count(stats) == 2 && *warppool_stats_json(stats) == '{' &&
                             *warppool_stats_prometheus(stats) == '#';
          return code == WARPPOOL_OK && !whole ? WARPPOOL_INTERNAL : code;
        }) == WARPPOOL_OK);
}

namespace {

// Makes `call` on one new client after the other, with 0, 1, 2, ... allocations allowed, until it gets by with them.
template <typename Call>
void OnNewClients(const Call& call) {
  loopback::Service service;
  for (int allowed = 0; allowed < kEnough; ++allowed) {
    ClientHandle client;
    MakeClient(&service, &client);
    PoolChangeHandle change;
    ErrorHandle error;
    warppool_code code = WARPPOOL_OK;
    {
      const FailingMemory memory(allowed);
      code = call(static_cast<warppool_client*>(client), change.out(), error.out());
    }
    const bool enough = !FailingMemory::Failed();
    INFO("allocations that worked: " << allowed << ", code: " << warppool_code_name(code));
    CHECK(warppool_error_code(error) == code);
    CHECK((code == WARPPOOL_OK) == (static_cast<warppool_pool_change*>(change) != nullptr));
    if (enough) {
      CHECK(allowed > 0);
      CHECK(code == WARPPOOL_OK);
      return;
    }
    CHECK((code == WARPPOOL_OK || code == WARPPOOL_OUT_OF_MEMORY));
  }
  FAIL("it never got by");
}

}  // namespace

TEST_CASE("a change of the pool that runs out of memory says so, and the client can be destroyed") {
  const warppool_bearer_source source = Source();
  SECTION("a token is added") {
    OnNewClients([](auto* client, auto** change, auto** e) {
      return warppool_client_add_token(client, WARPPOOL_TIER_SHARED, WARPPOOL_CREDENTIAL_REFRESH_TOKEN, "demo-token-3",
                                       kLong, change, e);
    });
  }
  SECTION("a bearer source is added") {
    OnNewClients([&](auto* client, auto** change, auto** e) {
      return warppool_client_add_bearer_source(client, WARPPOOL_TIER_SHARED, kLong, &source, change, e);
    });
  }
  SECTION("one is renamed") {
    OnNewClients([](auto* client, auto** change, auto** e) {
      return warppool_client_rename_token(client, "1", kLong, change, e);
    });
  }
  SECTION("one is moved") {
    OnNewClients([](auto* client, auto** change, auto** e) {
      return warppool_client_move_token(client, "1", WARPPOOL_TIER_SHARED, change, e);
    });
  }
  SECTION("one gets another credential") {
    OnNewClients([](auto* client, auto** change, auto** e) {
      return warppool_client_replace_credential(client, "1", WARPPOOL_CREDENTIAL_REFRESH_TOKEN, "demo-token-3", change,
                                                e);
    });
  }
  SECTION("one gets a bearer source") {
    OnNewClients([&](auto* client, auto** change, auto** e) {
      return warppool_client_replace_bearer_source(client, "1", &source, change, e);
    });
  }
}
