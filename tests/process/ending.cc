// A program that ends while a client lives: one of many ways, for process_end_test.cc.
//
//   ending <holder>/<work>/<end> <server URL> <CA file or -> <token> <state file or ->
//
// It ends with exit code 42; what goes wrong before its end is said on standard error, with exit code 1.

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "warppool/client.h"

#if defined(WARPPOOL_SANITIZED)
// Threads that have ended and that nobody joins are part of what is tried here: ThreadSanitizer calls them leaks.
#ifdef __clang__
#pragma clang diagnostic ignored "-Wreserved-identifier"
#endif
extern "C" const char* __tsan_default_options();  // NOLINT: the sanitizer's name
extern "C" const char* __tsan_default_options() {
  return "report_thread_leaks=0";
}
#endif

namespace warppool {
namespace {

constexpr int kExitCode = 42;

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  _exit(1);
}

[[noreturn]] void SleepForEver() {
  while (true) std::this_thread::sleep_for(std::chrono::hours(1));
}

// Constructed before main(), destroyed at the very end.
std::unique_ptr<Client> static_client;
std::unique_ptr<Stream> static_stream;

Client* client = nullptr;
std::string end;

// -------------------------------------------------------------------------------------------------------- Ends -----

[[noreturn]] void End() {
  if (end == "quick") std::quick_exit(kExitCode);
  if (end == "_exit") _exit(kExitCode);
  std::exit(kExitCode);
}

// Whether the end comes from within a callback, which is then `where`.
bool EndsIn(const char* where) {
  return end == where;
}

void SayMisuse(const char* function, Code code) {
  if (code != Code::kMisuse) Fail(std::string(function) + " after the end says " + CodeName(code));
}

// In handlers that run when the library has ended.
void UseAfterEnd() {
  SayMisuse("Ask()", static_client->Ask(Request("too late")).status.code());
  SayMisuse("Start()", static_client->Start(Request("too late")).code());
  SayMisuse("AccessToken()", static_client->AccessToken().code());
  SayMisuse("Close()", static_client->Close(std::chrono::milliseconds(-1)).code());
  if (!static_client->Pool().tokens.empty()) Fail("Pool() after the end has tokens");
  Config config;
  config.tokens.push_back({Secret("fake-late")});
  SayMisuse("Create()", Client::Create(std::move(config)).code());
}

// The program stops its stream, waits for its last callback, and for the thread that pulls, as any application does.
struct Application {
  std::promise<Code> done;
  std::thread puller;
  std::unique_ptr<Stream> pulled;
  ~Application() {
    if (static_stream) {
      static_stream->Cancel();
      done.get_future().wait();
    }
    if (pulled) pulled->Cancel();
    if (puller.joinable()) puller.join();
    static_stream.reset();
    static_client.reset();
  }
};
Application* tidy = nullptr;
// Constructed before main(): its destructor runs after the library's end.
struct TidyAtEnd {
  ~TidyAtEnd() { delete tidy; }
} tidy_at_end;

// -------------------------------------------------------------------------------------------------------- Work -----

StreamCallbacks Pushed(std::promise<void>* began, bool blocks) {
  StreamCallbacks callbacks;
  callbacks.on_event = [began, blocks, first = true](const Event& event) mutable {
    if (!std::holds_alternative<TextDelta>(event) || !std::exchange(first, false)) return Flow::kContinue;
    began->set_value();
    if (EndsIn("in-callback")) End();
    if (blocks) SleepForEver();
    return Flow::kContinue;
  };
  callbacks.on_done = [](const Status& status) {
    if (tidy != nullptr) tidy->done.set_value(status.code());
  };
  return callbacks;
}

std::unique_ptr<Stream> StartedStream(Result<std::unique_ptr<Stream>> started) {
  if (!started.ok()) Fail("Start(): " + started.status().ToString());
  return *std::move(started);
}

void WorkPushed(bool blocks) {
  static std::promise<void> began;
  static_stream = StartedStream(client->Start(Request("pushed"), Pushed(&began, blocks)));
  began.get_future().wait();
}

// A thread that pulls a stream until it ends.
void WorkPulling() {
  auto* const app = tidy != nullptr ? tidy : new Application;
  app->pulled = StartedStream(client->Start(Request("pulled")));
  std::promise<void> began;
  app->puller = std::thread([&began, stream = app->pulled.get()] {
    bool first = true;
    while (stream->Next(std::chrono::milliseconds(-1)).ok()) {
      if (std::exchange(first, false)) began.set_value();
    }
  });
  began.get_future().wait();
}

// Threads that start, pull, cancel and ask for as long as the process lives.
void WorkBusy() {
  static std::atomic<int> rounds{0};
  for (int i = 0; i < 3; ++i) {
    std::thread([i] {
      while (true) {
        if (i == 0) {
          Request request("asked");
          request.timeout = std::chrono::milliseconds(30);
          static_cast<void>(client->Ask(request));
        } else if (i == 1) {
          auto stream = client->Start(Request("cancelled"));
          if (stream.ok()) static_cast<void>((*stream)->Next(std::chrono::milliseconds(20)));
          if (stream.ok()) (*stream)->Cancel();
        } else {
          static_cast<void>(client->AccessToken());
          static_cast<void>(client->Statistics());
          static_cast<void>(client->Recover("PERSONAL_1"));
        }
        ++rounds;
      }
    }).detach();
  }
  while (rounds < 10) std::this_thread::yield();
}

void Work(const std::string& work) {
  const auto token = client->AccessToken();
  if (EndsIn("in-log")) SleepForEver();  // it has been cut short
  if (!token.ok()) Fail("AccessToken(): " + token.status().ToString());
  if (work == "pushed" || work == "blocked") WorkPushed(work == "blocked");
  if (work == "pulling") WorkPulling();
  if (work == "busy") WorkBusy();
}

// ------------------------------------------------------------------------------------------------------ Holder -----

std::unique_ptr<Client> Connect(char** argv) {
  Config config;
  config.server_url = argv[2];
  if (argv[3] != std::string("-")) config.ca_bundle = argv[3];
  config.tokens.push_back({Secret(argv[4])});
  if (argv[5] != std::string("-")) config.state_file = argv[5];
  ClientOptions options;
  options.log = [](const LogRecord& record) {
    if (EndsIn("in-log") && record.message.find("Refreshed") != std::string_view::npos) End();
  };
  auto made = Client::Create(std::move(config), options);
  if (!made.ok()) Fail("Create(): " + made.status().ToString());
  return *std::move(made);
}

int Main(char** argv) {
  const std::string name = argv[1];
  const std::size_t first = name.find('/');
  const std::size_t second = name.find('/', first + 1);
  const std::string holder = name.substr(0, first);
  const std::string work = name.substr(first + 1, second - first - 1);
  end = name.substr(second + 1);

  const auto destroy = [] {
    static_stream.reset();
    static_client.reset();
  };
  if (holder == "tidy") tidy = new Application;
  if (holder == "atexit-before") std::atexit(destroy);
  if (holder == "used-after") std::atexit(UseAfterEnd);
  auto made = Connect(argv);
  client = made.get();
  if (holder == "leaked") {
    static_cast<void>(made.release());
  } else {
    static_client = std::move(made);
  }
  if (holder == "atexit-after") std::atexit(destroy);
  Work(work);
  if (holder == "destroyed") destroy();

  if (EndsIn("in-callback") || EndsIn("in-log")) SleepForEver();
  if (end == "thread") {
    std::thread([] { End(); }).detach();
    SleepForEver();
  }
  if (end == "return") return kExitCode;
  End();
}

}  // namespace
}  // namespace warppool

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  return warppool::Main(argv);
}
