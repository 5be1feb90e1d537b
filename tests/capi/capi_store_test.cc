// The C API against the loopback service: what outlives a client.
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "arguments.h"
#include "capi_world.h"
#include "handle.h"
#include "refusals.h"

namespace {

// A store as a C program would write one: records in a map. Assertions stay in the main thread.
struct MapStore {
  static MapStore* From(void* store) { return static_cast<MapStore*>(store); }

  static warppool_code Read(const char* key, warppool_state_value* value, warppool_failure* failure, void* store) {
    const std::lock_guard lock(From(store)->mutex);
    if (From(store)->read_code != WARPPOOL_OK) {
      if (!From(store)->message.empty()) {
        warppool_failure_set_message(failure, From(store)->message.c_str(), nullptr);
      }
      return From(store)->read_code;
    }
    const auto found = From(store)->records.find(key);
    if (found == From(store)->records.end()) return WARPPOOL_OK;
    return warppool_state_value_set(value, reinterpret_cast<const uint8_t*>(found->second.data()), found->second.size(),
                                    nullptr);
  }

  static warppool_code Write(const warppool_state_change* changes, size_t count, int32_t durability,
                             warppool_failure* failure, void* store) {
    const std::lock_guard lock(From(store)->mutex);
    ++From(store)->writes;
    if (From(store)->write_code != WARPPOOL_OK) {
      warppool_failure_set_message(failure, From(store)->message.c_str(), nullptr);
      return From(store)->write_code;
    }
    From(store)->Make(changes, count, durability);
    return WARPPOOL_OK;
  }

  static warppool_code Commit(const warppool_state_change* changes, size_t count, int32_t durability,
                              int32_t* committed, warppool_failure* failure, void* store) {
    const std::lock_guard lock(From(store)->mutex);
    ++From(store)->commits;
    if (*committed != 0) From(store)->has_odd_arguments = true;
    if (From(store)->commit_code != WARPPOOL_OK) {
      warppool_failure_set_message(failure, From(store)->message.c_str(), nullptr);
      return From(store)->commit_code;
    }
    for (size_t i = 0; i < count; ++i) {
      if (!From(store)->IsAsBefore(changes[i])) return WARPPOOL_OK;
    }
    From(store)->Make(changes, count, durability);
    *committed = 1;
    return WARPPOOL_OK;
  }

  static void Destroy(void* store) {
    const std::lock_guard lock(From(store)->mutex);
    ++From(store)->destroyed;
  }

  warppool_state_store_callbacks Callbacks() {
    warppool_state_store_callbacks callbacks = WARPPOOL_STATE_STORE_CALLBACKS_INIT;
    callbacks.read = Read;
    callbacks.write = Write;
    callbacks.commit = Commit;
    callbacks.destroy = Destroy;
    callbacks.user_data = this;
    return callbacks;
  }

  void Open(StateStoreHandle* store) {
    const warppool_state_store_callbacks callbacks = Callbacks();
    REQUIRE(warppool_state_store_create(&callbacks, store->out(), nullptr) == WARPPOOL_OK);
  }

  static std::string Bytes(const uint8_t* bytes, size_t length) {
    return {reinterpret_cast<const char*>(bytes), length};
  }
  bool IsAsBefore(const warppool_state_change& change) const {
    const auto found = records.find(change.key);
    if (found == records.end()) return change.before == nullptr;
    return change.before != nullptr && Bytes(change.before, change.before_length) == found->second;
  }
  void Make(const warppool_state_change* changes, size_t count, int32_t durability) {
    asked_for = durability;
    for (size_t i = 0; i < count; ++i) {
      const warppool_state_change& change = changes[i];
      if (change.value == nullptr && change.length != 0) has_odd_arguments = true;
      if (change.before == nullptr && change.before_length != 0) has_odd_arguments = true;
      records.erase(change.key);
      if (change.value != nullptr) records[change.key] = Bytes(change.value, change.length);
    }
  }

  int Destroyed() {
    const std::lock_guard lock(mutex);
    return destroyed;
  }

  std::mutex mutex;
  std::map<std::string, std::string> records;
  warppool_code read_code = WARPPOOL_OK;
  warppool_code write_code = WARPPOOL_OK;
  warppool_code commit_code = WARPPOOL_OK;
  std::string message;
  int writes = 0;
  int commits = 0;
  int destroyed = 0;
  int32_t asked_for = -1;
  bool has_odd_arguments = false;
};

// A folder that goes with this object.
class Folder {
 public:
  Folder() { REQUIRE(mkdtemp(path_) != nullptr); }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string File(const char* name) const { return std::string(path_) + "/" + name; }

 private:
  char path_[32] = "/tmp/warppool-capi-XXXXXX";
};

// Has a client serve a request whose token the service replaced, and a second one after it, which must know of that.
// `connect` makes the client.
template <typename Connect>
void CheckContinues(World* world, const Connect& connect) {
  world->service.On(kOne).Exchange(loopback::Ok().RotateTo("demo-token-1-new").Times(1));
  connect();
  CHECK(world->Ask() == WARPPOOL_OK);
  CHECK(world->service.PoolEvents(WARPPOOL_POOL_EVENT_RESTORED).empty());
  REQUIRE(warppool_client_destroy(world->client.out()) == WARPPOOL_OK);

  connect();
  CHECK(TheOnly(world->service, WARPPOOL_POOL_EVENT_RESTORED).token == world->Name(0));
  CHECK(world->Info(0).served == 1);
  CHECK(world->Ask() == WARPPOOL_OK);
  CHECK(world->service.Count("/proxy/token") == 1);  // the JWT came from the store
  world->service.ExpireJwts();
  CHECK(world->Ask() == WARPPOOL_OK);
  CHECK(world->service.Count("/proxy/token") == 2);
  CHECK(world->service.Requests("/proxy/token").back().body.find("demo-token-1-new") != std::string::npos);
  CHECK(world->service.PoolEvents(WARPPOOL_POOL_EVENT_STORE_FAILED).empty());
  REQUIRE(warppool_client_destroy(world->client.out()) == WARPPOOL_OK);
}

}  // namespace

TEST_CASE("a client goes on where another one stopped, from a store of the program's") {
  MapStore map;
  World world;
  StateStoreHandle store;
  map.Open(&store);
  CheckContinues(&world, [&] { world.Connect({kOne}, {}, store); });
  warppool_state_store_destroy(store.out());
  CHECK(map.destroyed == 1);
  CHECK(map.commits > 0);
  CHECK(map.writes == 0);  // a write would undo what another process has written
  CHECK_FALSE(map.has_odd_arguments);
  CHECK_FALSE(map.records.empty());
  // Records are sealed: no secret is in them.
  for (const auto& [key, value] : map.records) {
    for (const std::string& secret : world.service.Secrets()) {
      CHECK((value + key).find(secret) == std::string::npos);
    }
  }
}

TEST_CASE("a store that no other process shares needs no commits of its own") {
  MapStore map;
  World world;
  warppool_state_store_callbacks callbacks = map.Callbacks();
  callbacks.commit = nullptr;
  callbacks.destroy = nullptr;
  StateStoreHandle store;
  REQUIRE(warppool_state_store_create(&callbacks, store.out(), nullptr) == WARPPOOL_OK);
  CheckContinues(&world, [&] { world.Connect({kOne}, {}, store); });
  warppool_state_store_destroy(store.out());
  CHECK(map.writes > 0);
  CHECK(map.destroyed == 0);
}

TEST_CASE("a client goes on where another one stopped, from memory") {
  World world;
  StateStoreHandle store;
  REQUIRE(warppool_state_store_create_memory(store.out(), nullptr) == WARPPOOL_OK);
  CheckContinues(&world, [&] { world.Connect({kOne}, {}, store); });
}

TEST_CASE("a client goes on where another one stopped, from a file") {
  const Folder folder;
  const std::string path = folder.File("state");
  World world;
  SECTION("that is opened for each of them") {
    CheckContinues(&world, [&] {
      StateStoreHandle store;
      REQUIRE(warppool_state_store_open_file(path.c_str(), CheckedService::Log, &world.service, store.out(), nullptr) ==
              WARPPOOL_OK);
      world.Connect({kOne}, {}, store);
    });
  }
  SECTION("that the configuration names") {
    CheckContinues(&world, [&] {
      world.Connect({kOne}, [&](warppool_config* config) {
        REQUIRE(warppool_config_set_state_file(config, path.c_str(), nullptr) == WARPPOOL_OK);
      });
    });
  }
  struct stat status = {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("a token that was disabled is half open after a restart, and says since when") {
  const int64_t before = warppool::capi::ToUnixMs(std::chrono::system_clock::now());
  MapStore map;
  World world;
  world.service.On(kOne).Exchange(loopback::Dead("USER_DISABLED"));
  StateStoreHandle store;
  map.Open(&store);
  world.Connect({kOne}, {}, store);
  CHECK(world.Ask() == WARPPOOL_UNAUTHORIZED);
  CHECK(world.Info(0).state == WARPPOOL_TOKEN_DISABLED);
  CHECK(world.Info(0).ready_at_ms == -1);
  REQUIRE(warppool_client_destroy(world.client.out()) == WARPPOOL_OK);

  world.Connect({kOne}, {}, store);
  const warppool_token_info info = world.Info(0);
  CHECK(info.state == WARPPOOL_TOKEN_HALF_OPEN);
  CHECK(info.ready_at_ms >= before);
  CHECK(info.ready_at_ms <= warppool::capi::ToUnixMs(std::chrono::system_clock::now()));
  CHECK(info.reason != std::string());
}

TEST_CASE("a store lives as long as something uses it, and then the program is told, once") {
  MapStore map;
  World world;
  world.service.On(kOne).Agent(loopback::Ok().Chunks(50).Gap(std::chrono::milliseconds(5)));
  {
    StateStoreHandle store;
    map.Open(&store);
    world.Connect({kOne}, {}, store);
  }
  CHECK(map.Destroyed() == 0);
  CHECK(world.Ask() == WARPPOOL_OK);
  SECTION("with the client") {
    REQUIRE(warppool_client_destroy(world.client.out()) == WARPPOOL_OK);
    CHECK(map.Destroyed() == 1);
  }
  SECTION("or with its last stream") {
    StreamHandle stream;
    REQUIRE(warppool_client_start_pull(world.client, world.request, stream.out(), nullptr) == WARPPOOL_OK);
    REQUIRE(warppool_client_destroy(world.client.out()) == WARPPOOL_OK);
    warppool_stream_destroy(stream.out());
    CHECK(map.Destroyed() == 1);
  }
}

TEST_CASE("a store that cannot be read keeps a client from being made, and says why") {
  struct Case {
    int code;
    const char* message;
    warppool_code expected;
    const char* complaint;
  };
  const Case given =
      GENERATE(values<Case>({{WARPPOOL_NETWORK, "the vault is away", WARPPOOL_NETWORK, "the vault is away"},
                             {WARPPOOL_INTERNAL, "", WARPPOOL_INTERNAL, "the store's read callback failed"},
                             {4711, "unheard", WARPPOOL_INTERNAL, "the store's read callback returned 4711"}}));
  MapStore map;
  map.read_code = static_cast<warppool_code>(given.code);
  map.message = given.message;
  StateStoreHandle store;
  map.Open(&store);
  ConfigHandle config;
  REQUIRE(warppool_config_create(config.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_config_add_token(config, WARPPOOL_TIER_PERSONAL, WARPPOOL_CREDENTIAL_REFRESH_TOKEN, kOne, nullptr,
                                    nullptr) == WARPPOOL_OK);
  warppool_client_options options = WARPPOOL_CLIENT_OPTIONS_INIT;
  options.store = store;
  ClientHandle client;
  ErrorHandle error;
  CHECK(warppool_client_create(config, &options, client.out(), error.out()) == given.expected);
  Contains(warppool_error_message(error), given.complaint);
  CHECK(static_cast<warppool_client*>(client) == nullptr);
  warppool_state_store_destroy(store.out());
  CHECK(map.destroyed == 1);
}

TEST_CASE("a store that cannot be written is reported, and requests are served all the same") {
  MapStore map;
  World world;
  world.service.Accept(kOne);
  StateStoreHandle store;
  map.Open(&store);
  map.message = "the disk is full";
  map.commit_code = GENERATE(WARPPOOL_INTERNAL, WARPPOOL_NETWORK);
  world.Connect({kOne}, {}, store);
  CHECK(world.Ask() == WARPPOOL_OK);
  REQUIRE(warppool_client_destroy(world.client.out()) == WARPPOOL_OK);
  const auto failed = world.service.PoolEvents(WARPPOOL_POOL_EVENT_STORE_FAILED);
  REQUIRE_FALSE(failed.empty());
  for (const PoolRecord& event : failed) {
    CHECK(event.code == map.commit_code);
    CHECK(event.reason == "the disk is full");
  }
}

TEST_CASE("a client has one store, and a file that is none is refused") {
  const Folder folder;
  StateStoreHandle store;
  ErrorHandle error;
  CHECK(warppool_state_store_open_file(folder.File(".").c_str(), nullptr, nullptr, store.out(), error.out()) ==
        WARPPOOL_INVALID_CONFIG);
  CHECK(static_cast<warppool_state_store*>(store) == nullptr);
  CHECK(warppool_error_message(error) != std::string());

  REQUIRE(warppool_state_store_create_memory(store.out(), nullptr) == WARPPOOL_OK);
  ConfigHandle config;
  REQUIRE(warppool_config_create(config.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_config_add_token(config, WARPPOOL_TIER_PERSONAL, WARPPOOL_CREDENTIAL_REFRESH_TOKEN, kOne, nullptr,
                                    nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_config_set_state_file(config, folder.File("state").c_str(), nullptr) == WARPPOOL_OK);
  warppool_client_options options = WARPPOOL_CLIENT_OPTIONS_INIT;
  options.store = store;
  ClientHandle client;
  CHECK(warppool_client_create(config, &options, client.out(), error.out()) == WARPPOOL_INVALID_CONFIG);
  Contains(warppool_error_message(error), "state_file");
}

TEST_CASE("a program that was compiled before there were stores is served as before") {
  MapStore map;
  World world;
  world.service.Accept(kOne);
  StateStoreHandle store;
  map.Open(&store);
  ConfigHandle config;
  REQUIRE(warppool_config_create(config.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_config_set_server_url(config, world.service.url().c_str(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_config_add_token(config, WARPPOOL_TIER_PERSONAL, WARPPOOL_CREDENTIAL_REFRESH_TOKEN, kOne, nullptr,
                                    nullptr) == WARPPOOL_OK);
  warppool_client_options options = WARPPOOL_CLIENT_OPTIONS_INIT;
  options.store = store;
  options.struct_size = offsetof(warppool_client_options, store);  // what lies beyond is not the library's to read
  MakeRequest("why", &world.request);
  for (const bool is_known : {false, true}) {
    if (is_known) options.struct_size = sizeof options;
    REQUIRE(warppool_client_create(config, &options, world.client.out(), nullptr) == WARPPOOL_OK);
    CHECK(world.Ask() == WARPPOOL_OK);
    REQUIRE(warppool_client_destroy(world.client.out()) == WARPPOOL_OK);
    CHECK((map.commits > 0) == is_known);
  }
}

TEST_CASE("functions of stores name what is missing, and clear what they would fill") {
  MapStore map;
  const warppool_state_store_callbacks callbacks = map.Callbacks();
  const auto check = [](const char* parameter, const auto& call) {
    auto* store = Rubbish<warppool_state_store>();
    CheckNames(parameter, [&](auto** e) { return call(&store, e); });
    CHECK(store == nullptr);
  };
  check("path", [](auto** s, auto** e) { return warppool_state_store_open_file(nullptr, nullptr, nullptr, s, e); });
  check("callbacks", [](auto** s, auto** e) { return warppool_state_store_create(nullptr, s, e); });
  CheckNames("store", [](auto** e) { return warppool_state_store_open_file("state", nullptr, nullptr, nullptr, e); });
  CheckNames("store", [](auto** e) { return warppool_state_store_create_memory(nullptr, e); });
  CheckNames("store", [&](auto** e) { return warppool_state_store_create(&callbacks, nullptr, e); });
  StateStoreHandle store;
  CHECK(Complaint([&](auto** e) { return warppool_state_store_open_file("", nullptr, nullptr, store.out(), e); }) ==
        "path: must not be empty");

  const auto complaint = [&](auto warppool_state_store_callbacks::*member) {
    warppool_state_store_callbacks lacking = callbacks;
    lacking.*member = nullptr;
    return Complaint([&](auto** e) { return warppool_state_store_create(&lacking, store.out(), e); });
  };
  CHECK(complaint(&warppool_state_store_callbacks::read) == "callbacks.read: must not be NULL");
  CHECK(complaint(&warppool_state_store_callbacks::write) == "callbacks.write: must not be NULL");
  CHECK(map.destroyed == 0);
  CheckReadSizes("callbacks", callbacks,
                 [&](const auto* given, auto** e) { return warppool_state_store_create(given, store.out(), e); });
  warppool_state_store_destroy(nullptr);
}

TEST_CASE("a record holds any bytes, none included, and the last ones count") {
  warppool_state_value value;
  const uint8_t bytes[] = {0, 1, 255};
  CheckNames("value", [&](auto** e) { return warppool_state_value_set(nullptr, bytes, 3, e); });
  CheckNames("bytes", [&](auto** e) { return warppool_state_value_set(&value, nullptr, 3, e); });
  CHECK_FALSE(value.bytes);
  REQUIRE(warppool_state_value_set(&value, bytes, 3, nullptr) == WARPPOOL_OK);
  CHECK(value.bytes == std::string("\0\1\xff", 3));
  REQUIRE(warppool_state_value_set(&value, nullptr, 0, nullptr) == WARPPOOL_OK);
  CHECK(value.bytes == std::string());
}

TEST_CASE("a C store without commits of its own commits by reading and writing, for one process") {
  MapStore map;
  warppool_state_store_callbacks callbacks = map.Callbacks();
  callbacks.commit = nullptr;
  StateStoreHandle store;
  REQUIRE(warppool_state_store_create(&callbacks, store.out(), nullptr) == WARPPOOL_OK);
  warppool::StateStore& opened = *static_cast<warppool_state_store*>(store)->store;
  CHECK_FALSE(opened.IsForManyProcesses());
  map.records["a"] = "1";
  const auto refused = opened.Commit({{"a", "2", "0"}}, warppool::StateDurability::kProcess);
  REQUIRE(refused.ok());
  CHECK_FALSE(*refused);
  CHECK(map.writes == 0);
  const auto made = opened.Commit({{"a", "2", "1"}}, warppool::StateDurability::kProcess);
  REQUIRE(made.ok());
  CHECK(*made);
  CHECK(map.records["a"] == "2");
  CHECK(map.asked_for == WARPPOOL_STATE_PROCESS);
}

TEST_CASE("a C store is given what C++ gives to its own") {
  constexpr auto kPowerLoss = warppool::StateDurability::kPowerLoss;
  MapStore map;
  StateStoreHandle store;
  map.Open(&store);
  warppool::StateStore& opened = *static_cast<warppool_state_store*>(store)->store;
  CHECK(opened.Write({{"a", "1"}, {"b", ""}, {"c", "3"}, {"c", std::nullopt}}, kPowerLoss).ok());
  CHECK(map.asked_for == WARPPOOL_STATE_POWER_LOSS);
  CHECK(map.records == std::map<std::string, std::string>{{"a", "1"}, {"b", ""}});
  const auto empty = opened.Read("b");
  REQUIRE(empty.ok());
  CHECK(*empty == std::optional<std::string>(""));
  const auto none = opened.Read("c");
  REQUIRE(none.ok());
  CHECK_FALSE(none->has_value());
  CHECK(opened.IsForManyProcesses());

  const auto commit = [&](const std::vector<warppool::StateChange>& changes) {
    const auto made = opened.Commit(changes, warppool::StateDurability::kProcess);
    REQUIRE(made.ok());
    return *made;
  };
  const std::string bytes("\0\xFF", 2);
  CHECK(commit({{"a", bytes, "1"}, {"b", std::nullopt, ""}, {"c", "3"}}));
  CHECK(map.asked_for == WARPPOOL_STATE_PROCESS);
  CHECK(map.records == std::map<std::string, std::string>{{"a", bytes}, {"c", "3"}});
  CHECK_FALSE(commit({{"a", "2", "1"}}));
  CHECK_FALSE(commit({{"b", "2", ""}}));
  CHECK_FALSE(commit({{"c", "2"}}));
  CHECK(commit({{"a", "2", bytes}}));
  CHECK_FALSE(map.has_odd_arguments);
  for (const int code : {int{WARPPOOL_NETWORK}, 4711}) {
    map.commit_code = static_cast<warppool_code>(code);
    map.message = code == WARPPOOL_NETWORK ? "the vault is away" : "unheard";
    const auto failed = opened.Commit({{"a", "3", "2"}}, kPowerLoss);
    CHECK(failed.status().message() == (code == WARPPOOL_NETWORK
                                            ? "the vault is away"
                                            : "the store's commit callback returned 4711, which says nothing"));
  }
  // Does not compile when C++ gets another field.
  const warppool::StateChange change;
  [[maybe_unused]] const auto& [key, value, before] = change;
  const warppool::ClientOptions options;
  [[maybe_unused]] const auto& [log, on_pool_event, client_store] = options;
}
