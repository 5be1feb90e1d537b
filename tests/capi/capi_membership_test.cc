// The C API against the loopback service: tokens that come, go and change while the client runs.
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "arguments.h"
#include "capi_world.h"
#include "handle.h"
#include "refusals.h"

using namespace std::chrono_literals;

namespace {

using Names = std::vector<std::string>;

// What a change says, as a line: "added a; removed b; changed c; kept 1".
std::string Summary(const warppool_pool_change* change) {
  std::string text;
  const auto list = [&](const char* what, size_t count, auto name) {
    text += what;
    for (size_t i = 0; i < count; ++i) text += std::string(" ") + name(change, i);
    text += "; ";
    CHECK(name(change, count) == std::string());
  };
  list("added", warppool_pool_change_added_count(change), warppool_pool_change_added);
  list("removed", warppool_pool_change_removed_count(change), warppool_pool_change_removed);
  list("changed", warppool_pool_change_changed_count(change), warppool_pool_change_changed);
  return text + "kept " + std::to_string(warppool_pool_change_kept(change));
}

Names NamesOf(World* world) {
  Names names;
  REQUIRE(warppool_client_pool(world->client, world->pool.out(), nullptr) == WARPPOOL_OK);
  for (size_t i = 0; i < warppool_pool_status_count(world->pool); ++i) names.push_back(world->Name(i));
  return names;
}

void AddToken(warppool_config* config, const char* credential, const char* name,
              warppool_tier tier = WARPPOOL_TIER_PERSONAL) {
  REQUIRE(warppool_config_add_token(config, tier, WARPPOOL_CREDENTIAL_REFRESH_TOKEN, credential, name, nullptr) ==
          WARPPOOL_OK);
}

// One token, "one", that works; a second one is known to the service.
struct OneToken : World {
  OneToken() {
    service.Accept(kOne);
    service.Accept(kTwo);
    service.AcceptApiKey("demo-bearer-1");
    Connect({}, [](warppool_config* config) { AddToken(config, kOne, "one"); });
  }

  warppool_code Add(const char* credential, const char* name, warppool_tier tier = WARPPOOL_TIER_PERSONAL) {
    return warppool_client_add_token(client, tier, WARPPOOL_CREDENTIAL_REFRESH_TOKEN, credential, name, change.out(),
                                     nullptr);
  }

  PoolChangeHandle change;
};

warppool_bearer_source SourceOf(const char* bearer) {
  warppool_bearer_source source = WARPPOOL_BEARER_SOURCE_INIT;
  source.supply = [](const char* /*token*/, warppool_supplied_bearer* supplied, warppool_failure* /*failure*/,
                     void* text) {
    return warppool_supplied_bearer_set(supplied, static_cast<const char*>(text), -1, nullptr);
  };
  source.user_data = const_cast<char*>(bearer);
  return source;
}

}  // namespace

TEST_CASE("a token that is added serves, and one that is removed does not") {
  OneToken world;
  CHECK(world.Add(kTwo, "two") == WARPPOOL_OK);
  CHECK(Summary(world.change) == "added two; removed; changed; kept 0");
  CHECK(NamesOf(&world) == Names{"one", "two"});
  const auto loaded = world.service.PoolEvents(WARPPOOL_POOL_EVENT_LOADED);
  REQUIRE(loaded.size() == 2);
  CHECK(loaded.back().token == "two");

  CHECK(warppool_client_remove_token(world.client, "one", nullptr) == WARPPOOL_OK);
  CHECK(NamesOf(&world) == Names{"two"});
  CHECK(TheOnly(world.service, WARPPOOL_POOL_EVENT_REMOVED).token == "one");
  for (int i = 0; i < 3; ++i) {
    CHECK(world.Ask() == WARPPOOL_OK);
    CHECK(world.served_by == "two");
  }
}

TEST_CASE("a token without a name is added under one, which the change tells") {
  OneToken world;
  CHECK(world.Add(kTwo, nullptr, WARPPOOL_TIER_SHARED) == WARPPOOL_OK);
  const std::string name = warppool_pool_change_added(world.change, 0);
  CHECK(name.find("SHARED_") == 0);
  CHECK(NamesOf(&world) == Names{"one", name});

  CHECK(warppool_client_move_token(world.client, name.c_str(), WARPPOOL_TIER_ANONYMOUS, world.change.out(), nullptr) ==
        WARPPOOL_OK);
  const std::string moved = warppool_pool_change_changed(world.change, 0);
  CHECK(moved == "ANONYMOUS_" + name.substr(7));
  CHECK(Summary(world.change) == "added; removed; changed " + moved + "; kept 0");
  CHECK(world.Info(1).tier == WARPPOOL_TIER_ANONYMOUS);
  CHECK(TheOnly(world.service, WARPPOOL_POOL_EVENT_CHANGED).token == moved);

  CHECK(warppool_client_rename_token(world.client, moved.c_str(), "two", world.change.out(), nullptr) == WARPPOOL_OK);
  CHECK(Summary(world.change) == "added; removed; changed two; kept 0");
  for (const char* none : {static_cast<const char*>(nullptr), ""}) {
    REQUIRE(warppool_client_rename_token(world.client, "two", "two", nullptr, nullptr) == WARPPOOL_OK);
    CHECK(warppool_client_rename_token(world.client, "two", none, world.change.out(), nullptr) == WARPPOOL_OK);
    CHECK(warppool_pool_change_changed(world.change, 0) == moved);
    REQUIRE(warppool_client_rename_token(world.client, moved.c_str(), "two", nullptr, nullptr) == WARPPOOL_OK);
  }
}

TEST_CASE("a token with another credential is a new one under the old name") {
  OneToken world;
  world.service.On(kTwo).Exchange(loopback::Dead("TOKEN_EXPIRED"));
  CHECK(warppool_client_replace_credential(world.client, "one", WARPPOOL_CREDENTIAL_REFRESH_TOKEN, kTwo,
                                           world.change.out(), nullptr) == WARPPOOL_OK);
  CHECK(Summary(world.change) == "added; removed; changed one; kept 0");
  CHECK(world.Ask() == WARPPOOL_UNAUTHORIZED);
  CHECK(world.Info(0).state == WARPPOOL_TOKEN_DISABLED);

  CHECK(warppool_client_replace_credential(world.client, "one", WARPPOOL_CREDENTIAL_API_KEY, "demo-bearer-1", nullptr,
                                           nullptr) == WARPPOOL_OK);
  CHECK(world.Info(0).kind == WARPPOOL_CREDENTIAL_API_KEY);
  CHECK(world.Info(0).state == WARPPOOL_TOKEN_READY);
  CHECK(world.Ask() == WARPPOOL_OK);
  CHECK(world.served_by == "one");
}

TEST_CASE("the program may come to supply the bearers of a new token, or of one that there is") {
  OneToken world;
  const warppool_bearer_source source = SourceOf("demo-bearer-1");
  SECTION("of a new one") {
    CHECK(warppool_client_add_bearer_source(world.client, WARPPOOL_TIER_SHARED, "mine", &source, world.change.out(),
                                            nullptr) == WARPPOOL_OK);
    CHECK(Summary(world.change) == "added mine; removed; changed; kept 0");
    REQUIRE(warppool_client_remove_token(world.client, "one", nullptr) == WARPPOOL_OK);
  }
  SECTION("of one that there is") {
    CHECK(warppool_client_replace_bearer_source(world.client, "one", &source, world.change.out(), nullptr) ==
          WARPPOOL_OK);
    CHECK(Summary(world.change) == "added; removed; changed one; kept 0");
  }
  CHECK(world.Info(0).kind == WARPPOOL_CREDENTIAL_CALLBACK);
  CHECK(world.Ask() == WARPPOOL_OK);
  CHECK(world.served_by == world.Name(0));
  CHECK(world.service.Count("/proxy/token") == 0);
}

TEST_CASE("a reload makes the pool what the configuration says, and tells by name what it did") {
  OneToken world;
  world.service.Accept("demo-token-3");
  REQUIRE(world.Add(kTwo, "two") == WARPPOOL_OK);
  REQUIRE(world.Add("demo-token-3", "three") == WARPPOOL_OK);
  CHECK(world.Ask() == WARPPOOL_OK);
  CHECK(world.served_by == "one");

  const bool wants_change = GENERATE(true, false);
  ConfigHandle config;
  REQUIRE(warppool_config_create(config.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_config_set_server_url(config, world.service.url().c_str(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_config_set_retry_base_delay_ms(config, 10, nullptr) == WARPPOOL_OK);
  AddToken(config, kOne, "one");
  AddToken(config, kTwo, "zwei", WARPPOOL_TIER_SHARED);
  AddToken(config, "demo-token-4", "four");
  ErrorHandle error;
  const warppool_code code =
      warppool_client_reload(world.client, config, wants_change ? world.change.out() : nullptr, error.out());
  INFO(warppool_error_to_string(error));
  REQUIRE(code == WARPPOOL_OK);
  if (wants_change) CHECK(Summary(world.change) == "added four; removed three; changed zwei; kept 1");
  CHECK(NamesOf(&world) == Names{"one", "four", "zwei"});
  CHECK(world.Info(0).served == 1);
}

TEST_CASE("a reload that is not possible says which field is at fault, and changes nothing") {
  OneToken world;
  ConfigHandle config;
  REQUIRE(warppool_config_create(config.out(), nullptr) == WARPPOOL_OK);
  ErrorHandle error;
  auto* change = Rubbish<warppool_pool_change>();
  CHECK(warppool_client_reload(world.client, config, &change, error.out()) == WARPPOOL_NO_TOKENS);
  CHECK(change == nullptr);
  AddToken(config, kTwo, "two");
  CHECK(warppool_client_reload(world.client, config, &change, error.out()) == WARPPOOL_INVALID_CONFIG);
  Contains(warppool_error_message(error), "server_url");
  CHECK(change == nullptr);
  CHECK(NamesOf(&world) == Names{"one"});
}

TEST_CASE("a request goes on with its token, whatever becomes of that") {
  World world;
  world.service.On(kOne).Agent(loopback::Ok().Text(std::string(50, 'x')).Chunks(50).Gap(10ms));
  world.service.Accept(kTwo);
  world.Connect({}, [](warppool_config* config) { AddToken(config, kOne, "one"); });
  Recorder recorder(&world.service);
  const warppool_stream_callbacks callbacks = recorder.Callbacks();
  StreamHandle stream;
  REQUIRE(warppool_client_start(world.client, world.request, &callbacks, stream.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(recorder.WaitForText());
  CHECK(warppool_client_add_token(world.client, WARPPOOL_TIER_PERSONAL, WARPPOOL_CREDENTIAL_REFRESH_TOKEN, kTwo, "two",
                                  nullptr, nullptr) == WARPPOOL_OK);
  SECTION("removed") {
    CHECK(warppool_client_remove_token(world.client, "one", nullptr) == WARPPOOL_OK);
  }
  SECTION("renamed and moved") {
    CHECK(warppool_client_rename_token(world.client, "one", "eins", nullptr, nullptr) == WARPPOOL_OK);
    CHECK(warppool_client_move_token(world.client, "eins", WARPPOOL_TIER_SHARED, nullptr, nullptr) == WARPPOOL_OK);
  }
  SECTION("with another credential") {
    CHECK(warppool_client_replace_credential(world.client, "one", WARPPOOL_CREDENTIAL_REFRESH_TOKEN, "demo-token-3",
                                             nullptr, nullptr) == WARPPOOL_OK);
  }
  SECTION("reloaded away") {
    ConfigHandle config;
    REQUIRE(warppool_config_create(config.out(), nullptr) == WARPPOOL_OK);
    REQUIRE(warppool_config_set_server_url(config, world.service.url().c_str(), nullptr) == WARPPOOL_OK);
    REQUIRE(warppool_config_set_retry_base_delay_ms(config, 10, nullptr) == WARPPOOL_OK);
    AddToken(config, kTwo, "two");
    CHECK(warppool_client_reload(world.client, config, nullptr, nullptr) == WARPPOOL_OK);
  }
  REQUIRE(recorder.WaitForDone());
  CHECK(recorder.Code() == WARPPOOL_OK);
  CHECK(TextOf(recorder.Records()) == std::string(50, 'x'));
}

TEST_CASE("an event callback may change the pool") {
  OneToken world;
  std::vector<warppool_code> codes;
  warppool_client* const client = world.client;
  Recorder recorder(&world.service);
  recorder.on_event = [&](const Record& record) {
    if (record.type != WARPPOOL_EVENT_STREAM_STARTED) return WARPPOOL_FLOW_CONTINUE;
    codes = {warppool_client_add_token(client, WARPPOOL_TIER_PERSONAL, WARPPOOL_CREDENTIAL_REFRESH_TOKEN, kTwo, "two",
                                       nullptr, nullptr),
             warppool_client_move_token(client, "two", WARPPOOL_TIER_SHARED, nullptr, nullptr),
             warppool_client_remove_token(client, record.token.c_str(), nullptr)};
    return WARPPOOL_FLOW_CONTINUE;
  };
  const warppool_stream_callbacks callbacks = recorder.Callbacks();
  StreamHandle stream;
  REQUIRE(warppool_client_start(client, world.request, &callbacks, stream.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(recorder.WaitForDone());
  CHECK(recorder.Code() == WARPPOOL_OK);
  CHECK(codes == std::vector<warppool_code>(3, WARPPOOL_OK));
  CHECK(NamesOf(&world) == Names{"two"});
}

TEST_CASE("a change that is not possible is refused, the message says why, and the pool stays as it is") {
  OneToken world;
  REQUIRE(world.Add(kTwo, "two") == WARPPOOL_OK);
  warppool_client* const client = world.client;
  const auto add = [&](const char* credential, const char* name, int tier = 1, int kind = 1) {
    return Complaint([&](auto** e) {
      return warppool_client_add_token(client, static_cast<warppool_tier>(tier),
                                       static_cast<warppool_credential_kind>(kind), credential, name, nullptr, e);
    });
  };
  CHECK(add("demo-token-3", "two") == "name: another token has the same");
  CHECK(add(kTwo, "three") == "credential: two has the same");
  CHECK(add("", "three") == "credential: must not be empty");
  Contains(add("demo token 3", "three"), "credential: ");
  Contains(add("demo-token-3", "a\nb"), "name: ");
  for (const int number : {-1, 0, 4, 9999}) CHECK(add("demo-token-3", "", number) == "tier: is none of warppool_tier");
  for (const int number : {-1, 0, static_cast<int>(WARPPOOL_CREDENTIAL_CALLBACK), 9999}) {
    CHECK(add("demo-token-3", "", 1, number) == "kind: is none of warppool_credential_kind");
  }
  const std::string nobody = "token: there is none with the name \"nobody\"";
  CHECK(Complaint([&](auto** e) { return warppool_client_remove_token(client, "nobody", e); }) == nobody);
  CHECK(Complaint([&](auto** e) { return warppool_client_rename_token(client, "nobody", "x", nullptr, e); }) == nobody);
  CHECK(Complaint([&](auto** e) { return warppool_client_rename_token(client, "one", "two", nullptr, e); }) ==
        "name: another token has the same");
  CHECK(Complaint([&](auto** e) {
          return warppool_client_move_token(client, "nobody", WARPPOOL_TIER_SHARED, nullptr, e);
        }) == nobody);
  CHECK(Complaint([&](auto** e) {
          return warppool_client_move_token(client, "one", static_cast<warppool_tier>(4), nullptr, e);
        }) == "tier: is none of warppool_tier");
  CHECK(Complaint([&](auto** e) {
          return warppool_client_replace_credential(client, "nobody", WARPPOOL_CREDENTIAL_API_KEY, "fake-key", nullptr,
                                                    e);
        }) == nobody);
  CHECK(Complaint([&](auto** e) {
          return warppool_client_replace_credential(client, "one", WARPPOOL_CREDENTIAL_CALLBACK, "x", nullptr, e);
        }) == "kind: is none of warppool_credential_kind");
  const warppool_bearer_source source = SourceOf("demo-bearer-1");
  CHECK(Complaint([&](auto** e) {
          return warppool_client_replace_bearer_source(client, "nobody", &source, nullptr, e);
        }) == nobody);
  CHECK(Complaint([&](auto** e) {
          return warppool_client_add_bearer_source(client, WARPPOOL_TIER_SHARED, "two", &source, nullptr, e);
        }) == "name: another token has the same");
  CheckReadSizes("source", source, [&](const auto* given, auto** e) {
    return warppool_client_replace_bearer_source(client, "one", given, nullptr, e);
  });
  CHECK(NamesOf(&world) == Names{"one", "two"});
  REQUIRE(warppool_client_remove_token(client, "one", nullptr) == WARPPOOL_OK);
  Contains(Complaint([&](auto** e) { return warppool_client_remove_token(client, "two", e); }), "token: ");
}

TEST_CASE("a tier that is not used takes no token") {
  World world;
  world.service.Accept(kOne);
  world.Connect({kOne}, [](warppool_config* config) {
    const warppool_tier tier = WARPPOOL_TIER_PERSONAL;
    REQUIRE(warppool_config_set_tier_order(config, &tier, 1, nullptr) == WARPPOOL_OK);
  });
  CHECK(Complaint([&](auto** e) {
          return warppool_client_move_token(world.client, world.Name(0).c_str(), WARPPOOL_TIER_SHARED, nullptr, e);
        }) == "tier: SHARED is not in tier_order");
}

TEST_CASE("a closed client does not change its pool") {
  OneToken world;
  warppool_client* const client = world.client;
  REQUIRE(warppool_client_close(client, 0, nullptr) == WARPPOOL_OK);
  const warppool_bearer_source source = SourceOf("demo-bearer-1");
  ConfigHandle config;
  REQUIRE(warppool_config_create(config.out(), nullptr) == WARPPOOL_OK);
  auto* change = Rubbish<warppool_pool_change>();
  CHECK(world.Add(kTwo, "two") == WARPPOOL_MISUSE);
  CHECK(warppool_client_add_bearer_source(client, WARPPOOL_TIER_SHARED, "mine", &source, &change, nullptr) ==
        WARPPOOL_MISUSE);
  CHECK(change == nullptr);
  CHECK(warppool_client_remove_token(client, "one", nullptr) == WARPPOOL_MISUSE);
  CHECK(warppool_client_rename_token(client, "one", "eins", nullptr, nullptr) == WARPPOOL_MISUSE);
  CHECK(warppool_client_move_token(client, "one", WARPPOOL_TIER_SHARED, nullptr, nullptr) == WARPPOOL_MISUSE);
  CHECK(warppool_client_replace_credential(client, "one", WARPPOOL_CREDENTIAL_API_KEY, "x", nullptr, nullptr) ==
        WARPPOOL_MISUSE);
  CHECK(warppool_client_replace_bearer_source(client, "one", &source, nullptr, nullptr) == WARPPOOL_MISUSE);
  CHECK(warppool_client_reload(client, config, nullptr, nullptr) == WARPPOOL_MISUSE);
}

TEST_CASE("functions that change the pool name what is missing, and clear what they would fill") {
  auto* client = Rubbish<warppool_client>();
  const warppool_bearer_source source = SourceOf("demo-bearer-1");
  const auto tier = WARPPOOL_TIER_SHARED;
  const auto kind = WARPPOOL_CREDENTIAL_API_KEY;
  const auto check = [](const char* parameter, const auto& call) {
    auto* change = Rubbish<warppool_pool_change>();
    CheckNames(parameter, [&](auto** e) { return call(&change, e); });
    CHECK(change == nullptr);
  };
  check("client", [&](auto** c, auto** e) { return warppool_client_add_token(nullptr, tier, kind, "x", "n", c, e); });
  check("credential",
        [&](auto** c, auto** e) { return warppool_client_add_token(client, tier, kind, nullptr, "n", c, e); });
  check("client",
        [&](auto** c, auto** e) { return warppool_client_add_bearer_source(nullptr, tier, "n", &source, c, e); });
  check("name",
        [&](auto** c, auto** e) { return warppool_client_add_bearer_source(client, tier, nullptr, &source, c, e); });
  check("source",
        [&](auto** c, auto** e) { return warppool_client_add_bearer_source(client, tier, "n", nullptr, c, e); });
  CheckNames("client", [&](auto** e) { return warppool_client_remove_token(nullptr, "n", e); });
  CheckNames("token", [&](auto** e) { return warppool_client_remove_token(client, nullptr, e); });
  check("client", [&](auto** c, auto** e) { return warppool_client_rename_token(nullptr, "n", "m", c, e); });
  check("token", [&](auto** c, auto** e) { return warppool_client_rename_token(client, nullptr, "m", c, e); });
  check("client", [&](auto** c, auto** e) { return warppool_client_move_token(nullptr, "n", tier, c, e); });
  check("token", [&](auto** c, auto** e) { return warppool_client_move_token(client, nullptr, tier, c, e); });
  check("client",
        [&](auto** c, auto** e) { return warppool_client_replace_credential(nullptr, "n", kind, "x", c, e); });
  check("token",
        [&](auto** c, auto** e) { return warppool_client_replace_credential(client, nullptr, kind, "x", c, e); });
  check("credential",
        [&](auto** c, auto** e) { return warppool_client_replace_credential(client, "n", kind, nullptr, c, e); });
  check("client",
        [&](auto** c, auto** e) { return warppool_client_replace_bearer_source(nullptr, "n", &source, c, e); });
  check("token",
        [&](auto** c, auto** e) { return warppool_client_replace_bearer_source(client, nullptr, &source, c, e); });
  check("source",
        [&](auto** c, auto** e) { return warppool_client_replace_bearer_source(client, "n", nullptr, c, e); });
  check("client",
        [&](auto** c, auto** e) { return warppool_client_reload(nullptr, Rubbish<warppool_config>(), c, e); });
  check("config", [&](auto** c, auto** e) { return warppool_client_reload(client, nullptr, c, e); });
}

TEST_CASE("a change is read from its lists, and NULL has none") {
  warppool_pool_change change;
  change.result = {{"a", "b"}, {"c"}, {"d", "e", "f"}, 7};
  CHECK(Summary(&change) == "added a b; removed c; changed d e f; kept 7");
  CHECK(Summary(nullptr) == "added; removed; changed; kept 0");
  warppool_pool_change_destroy(nullptr);
  // Does not compile when C++ gets another field: give it a function.
  [[maybe_unused]] const auto& [added, removed, changed, kept] = change.result;
}
