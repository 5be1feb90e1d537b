// A client in a process that forks, starts programs, gets signals, and ends threads.

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <future>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "integration/state_fixture.h"
#include "process/child.h"

namespace warppool {
namespace {

using internal::TemporaryDirectory;

void CheckLives(const std::string& way, loopback::Service* service) {
  INFO(way);
  Child child({WARPPOOL_LIVING, way, service->url(), "fake-token-one"});
  CHECK(child.Wait() == "exit 0");
  CHECK(child.output() == "");
}

}  // namespace

TEST_CASE("a forked child may end in any way, can only destroy a client, and its parent's streams go on") {
  loopback::Service service;
  service.On("fake-token-one").Agent(loopback::Ok().Text(std::string(500, 'x')).Chunks(100).Gap(2ms));
  for (const char* way : {"fork-exec", "fork-destroy", "fork-_exit", "fork-exit"}) CheckLives(way, &service);
}

TEST_CASE("a storm of signals disturbs nothing") {
  loopback::Service service;
  service.On("fake-token-one").Agent(loopback::Ok().Text(std::string(500, 'x')).Chunks(100).Gap(2ms));
  CheckLives("alarms", &service);
}

TEST_CASE("a service that hangs up while it is written to ends no process") {
  loopback::Service service;
  service.On("fake-token-one").Agent(loopback::Reset());
  CheckLives("broken-pipes", &service);
}

#if defined(WARPPOOL_LOADING)
namespace {

void CheckLoads(const char* program, const std::vector<std::string>& orders) {
  loopback::Service service;
  service.On("fake-token-one").Agent(loopback::Ok().Text(std::string(2000, 'x')).Chunks(1000).Gap(5ms));
  for (const std::string& order : orders) {
    for (const char* then : {"close", "keep"}) {
      INFO(order << ", " << then);
      Child child({program, WARPPOOL_C_SHARED, service.url(), "fake-token-one", order, then});
      CHECK(child.Wait() == "exit 42");
      CHECK(child.output() == "");
    }
  }
}

}  // namespace

TEST_CASE("a program may load the shared library, close it while it streams, and end") {
  CheckLoads(WARPPOOL_LOADING, {"loaded"});
}
#endif

#if defined(WARPPOOL_LOADING_TWICE)
TEST_CASE("a program that has the library in itself may load the shared one beside it, stream with both, and end") {
  CheckLoads(WARPPOOL_LOADING_TWICE, {"static-first", "loaded-first"});
}
#endif

// --------------------------------------------------------------------------------------------- Close on exec -----

namespace {

// Where the descriptors of a process lead: "socket:[123]", "/tmp/x", "anon_inode:[eventpoll]".
std::vector<std::string> DescriptorsOf(const std::string& pid) {
  std::vector<std::string> found;
  const std::string folder = "/proc/" + pid + "/fd";
  DIR* const directory = opendir(folder.c_str());
  REQUIRE(directory != nullptr);
  while (const dirent* entry = readdir(directory)) {
    char target[512];
    const ssize_t size = readlink((folder + "/" + entry->d_name).c_str(), target, sizeof target);
    if (size > 0) found.emplace_back(target, static_cast<std::size_t>(size));
  }
  closedir(directory);
  return found;
}

// The rows of /proc/net/tcp without its head: local address, remote address, state, ..., inode.
std::vector<std::vector<std::string>> TcpSockets() {
  std::vector<std::vector<std::string>> rows;
  std::ifstream file("/proc/net/tcp");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::vector<std::string> row;
    for (std::string word; words >> word;) row.push_back(word);
    if (row.size() > 9 && row[0] != "sl") rows.push_back(row);
  }
  return rows;
}

// ":1F90", as the kernel writes ports.
std::string PortSuffix(int port) {
  char suffix[16];
  std::snprintf(suffix, sizeof suffix, ":%04X", static_cast<unsigned>(port));
  return suffix;
}

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// Connections to this port of which no end has been closed.
std::size_t Established(int port) {
  const std::string suffix = PortSuffix(port);
  const auto rows = TcpSockets();
  return static_cast<std::size_t>(std::count_if(
      rows.begin(), rows.end(), [&](const auto& row) { return row[3] == "01" && EndsWith(row[2], suffix); }));
}

}  // namespace

TEST_CASE("a program that is started while a stream runs holds none of its connections and files") {
  World world;
  const TemporaryDirectory directory;
  world.service.On("fake-token-one").Agent(loopback::Ok().CutAfter(3, loopback::Behaviour::Cut::kStall));
  Config config = ConfigFor(world.service, {"fake-token-one"});
  config.state_file = directory.path() + "/state";
  auto made = Client::Create(std::move(config));
  REQUIRE(made.ok());
  auto stream = (*made)->Start(Request("hello"));
  REQUIRE(stream.ok());
  REQUIRE((*stream)->Descriptor().ok());
  for (bool said = false; !said;) {
    const auto event = (*stream)->Next(kPatience);
    REQUIRE(event.ok());
    said = std::holds_alternative<TextDelta>(*event);
  }
  REQUIRE(Established(world.service.port()) > 0);

  const std::string pid_file = directory.path() + "/pid";
  REQUIRE(std::system(("sleep 600 & echo $! >" + pid_file).c_str()) == 0);
  std::string pid;
  std::ifstream(pid_file) >> pid;
  REQUIRE_FALSE(pid.empty());
  const std::vector<std::string> inherited = DescriptorsOf(pid);
  std::set<std::string> tcp;
  const std::string service_port = PortSuffix(world.service.port());
  for (const auto& row : TcpSockets()) {
    if (EndsWith(row[2], service_port)) tcp.insert("socket:[" + row[9] + "]");  // the client's; the service has its own
  }
  REQUIRE_FALSE(tcp.empty());
  for (const std::string& target : inherited) {
    INFO(target);
    // (Two ends of a pair that libcurl wakes itself by are inherited, and hold up nobody: they are no connection.)
    CHECK(tcp.count(target) == 0);
    CHECK(target.find("anon_inode") == std::string::npos);
    CHECK(target.find("/state") == std::string::npos);
  }

  // The service hears at once that the stream is over, while the program still runs.
  (*stream)->Cancel();
  stream->reset();
  made->reset();
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (Established(world.service.port()) > 0 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  CHECK(Established(world.service.port()) == 0);
  CHECK(kill(std::stoi(pid), SIGKILL) == 0);
}

// ------------------------------------------------------------------------------- Threads that are ended -----

namespace {

// What the program may do to the thread that it is called in.
void ExitThread() {
  pthread_exit(nullptr);
}

void CancelThread() {
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
  pthread_cancel(pthread_self());
  pthread_testcancel();
}

}  // namespace

TEST_CASE("an I/O thread that is ended inside a callback is parked: its requests are cancelled, and closing returns") {
  for (const auto end : {ExitThread, CancelThread}) {
    World world;
    const TemporaryDirectory directory;
    world.service.On("fake-token-one").Agent(loopback::Ok().CutAfter(3, loopback::Behaviour::Cut::kStall));
    Config config = ConfigFor(world.service, {"fake-token-one"});
    config.state_file = directory.path() + "/state";
    auto made = Client::Create(std::move(config));
    REQUIRE(made.ok());
    auto pulled = (*made)->Start(Request("other"));
    REQUIRE(pulled.ok());
    std::atomic<int> dones{0};
    Code told = Code::kOk;
    auto stream = (*made)->Start(Request("hello"), {[&](const Event& event) {
                                                      if (std::holds_alternative<TextDelta>(event)) end();
                                                      return Flow::kContinue;
                                                    },
                                                    [&](const warppool::Status& status) {
                                                      told = status.code();
                                                      ++dones;
                                                    }});
    REQUIRE(stream.ok());
    Code code = Code::kOk;
    while (code == Code::kOk) code = (*pulled)->Next(kPatience).code();
    CHECK(code == Code::kCancelled);
    CHECK((*made)->Start(Request("late")).code() == Code::kMisuse);
    // In this thread, since there is no other any more.
    stream->reset();
    CHECK(dones == 1);
    CHECK(told == Code::kCancelled);
    CHECK((*made)->Close(-1ms).ok());
    made->reset();
    CHECK(std::filesystem::file_size(directory.path() + "/state") > 0);
  }
}

TEST_CASE("a thread that is ended in any other function of the program's is parked") {
  const auto once = [](std::atomic<bool>* done) {
    if (!done->exchange(true)) ExitThread();
  };
  SECTION("the log") {
    World world;
    world.service.Accept("fake-token-one");
    std::atomic<bool> ended{false};
    const auto own = std::this_thread::get_id();
    ClientOptions options;
    options.log = [&](const LogRecord&) {
      if (std::this_thread::get_id() != own) once(&ended);
    };
    auto made = Client::Create(ConfigFor(world.service, {"fake-token-one"}), options);
    REQUIRE(made.ok());
    CHECK((*made)->Ask(Request("hello")).status.code() == Code::kCancelled);
    CHECK(ended);
  }
  SECTION("the pool's events") {
    World world;
    world.service.Accept("fake-token-one");
    std::atomic<bool> ended{false};
    const auto own = std::this_thread::get_id();
    ClientOptions options;
    options.on_pool_event = [&](const PoolEvent&) {
      if (std::this_thread::get_id() != own) once(&ended);
    };
    auto made = Client::Create(ConfigFor(world.service, {"fake-token-one"}), options);
    REQUIRE(made.ok());
    CHECK((*made)->Ask(Request("hello")).status.code() == Code::kCancelled);
    CHECK(ended);
  }
  SECTION("the last callback") {
    World world;
    world.service.Accept("fake-token-one");
    auto made = Client::Create(ConfigFor(world.service, {"fake-token-one"}));
    REQUIRE(made.ok());
    auto stream = (*made)->Start(Request("hello"), {nullptr, [&](const warppool::Status&) { ExitThread(); }});
    REQUIRE(stream.ok());
    stream->reset();
    CHECK((*made)->Close(-1ms).ok());
  }
}

TEST_CASE("a thread of the program's can be cancelled while it waits in the library") {
  World world;
  world.service.On("fake-token-one").Agent(loopback::Ok().CutAfter(3, loopback::Behaviour::Cut::kStall));
  Client& client = world.Connect({"fake-token-one"});
  auto stream = client.Start(Request("hello"));
  REQUIRE(stream.ok());
  struct Waiter {
    std::function<void()> wait;
    std::atomic<bool> there{false};
  };
  Waiter waiters[2];
  waiters[0].wait = [&] {
    while ((*stream)->Next(-1ms).ok()) waiters[0].there = true;
  };
  waiters[1].wait = [&] {
    waiters[1].there = true;
    static_cast<void>(client.Ask(Request("asked")));
  };
  for (Waiter& waiter : waiters) {
    pthread_t thread{};
    REQUIRE(pthread_create(
                &thread, nullptr,
                [](void* self) -> void* {
                  static_cast<Waiter*>(self)->wait();
                  return nullptr;
                },
                &waiter) == 0);
    while (!waiter.there) std::this_thread::yield();
    REQUIRE(pthread_cancel(thread) == 0);
    void* result = nullptr;
    REQUIRE(pthread_join(thread, &result) == 0);
    CHECK(result == PTHREAD_CANCELED);
  }
  // Nothing is locked that nobody will unlock.
  (*stream)->Cancel();
  Code code = Code::kOk;
  while (code == Code::kOk) code = (*stream)->Next(kPatience).code();
  CHECK(code == Code::kCancelled);
  CHECK(client.Close(0ms).ok());
}

}  // namespace warppool
