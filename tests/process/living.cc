// A program in which a client lives through what programs do: one of the ways below, for process_life_test.cc.
//
//   living <way> <server URL> <token>
//
// It exits with 0 if all went as it should, else with 1, and says what did not on standard error.

#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "warppool/client.h"

namespace warppool {
namespace {

constexpr int kFailed = 1;

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  _exit(kFailed);
}

void Check(bool right, const char* what) {
  if (!right) Fail(what);
}

std::unique_ptr<Client> client;
std::unique_ptr<Stream> stream;

std::unique_ptr<Client> Connect(const char* url, const char* token) {
  Config config;
  config.server_url = url;
  config.tokens.push_back({Secret(token)});
  auto made = Client::Create(std::move(config));
  if (!made.ok()) Fail("Create(): " + made.status().ToString());
  return *std::move(made);
}

// Its text, when it is complete.
std::string ReadAll() {
  std::string text;
  while (true) {
    const auto event = stream->Next(std::chrono::milliseconds(-1));
    if (event.code() == Code::kEnd) return text;
    if (!event.ok()) Fail("Next(): " + event.status().ToString());
    if (const auto* delta = std::get_if<TextDelta>(&*event)) text += delta->text;
  }
}

// -------------------------------------------------------------------------------------------------------- Fork -----

void CheckAllMisuse() {
  Check(client->Ask(Request("child")).status.code() == Code::kMisuse, "Ask() in the child");
  Check(client->Start(Request("child")).code() == Code::kMisuse, "Start() in the child");
  Check(client->AccessToken().code() == Code::kMisuse, "AccessToken() in the child");
  Check(client->Recover("PERSONAL_1").code() == Code::kMisuse, "Recover() in the child");
  Check(client->RecoverAll().code() == Code::kMisuse, "RecoverAll() in the child");
  Check(client->CheckHealth().code() == Code::kMisuse, "CheckHealth() in the child");
  Check(client->AddToken({Secret("fake-child")}).code() == Code::kMisuse, "AddToken() in the child");
  Check(client->RemoveToken("PERSONAL_1").code() == Code::kMisuse, "RemoveToken() in the child");
  Check(client->Reload(Config()).code() == Code::kMisuse, "Reload() in the child");
  Check(client->Close(std::chrono::milliseconds(-1)).code() == Code::kMisuse, "Close() in the child");
  Check(client->Pool().tokens.empty() && client->Explain().empty() && client->Statistics().tokens.empty(),
        "what the client knows, in the child");
  Check(stream->Next(std::chrono::milliseconds(-1)).code() == Code::kMisuse, "Next() in the child");
  Check(stream->Descriptor().code() == Code::kMisuse, "Descriptor() in the child");
  stream->Cancel();
  stream->Resume();
}

void LiveThroughFork(const std::string& way) {
  auto started = client->Start(Request("parent"));
  Check(started.ok(), "Start()");
  stream = *std::move(started);
  Check(stream->Next(std::chrono::milliseconds(-1)).ok(), "the first event");
  const pid_t child = fork();
  if (child == 0) {
    if (way == "fork-exec") {
      execl("/bin/true", "/bin/true", nullptr);
      _exit(kFailed);
    }
    CheckAllMisuse();
    if (way == "fork-destroy" || way == "fork-_exit") {
      stream.reset();
      client.reset();
    }
    if (way == "fork-_exit") _exit(0);
    std::exit(0);  // with static objects that still hold the client, if they were not destroyed
  }
  int status = -1;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  Check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child's end");
  Check(ReadAll() == std::string(500, 'x'), "the parent's answer");
  Check(client->Ask(Request("again")).ok(), "the parent's next request");
}

// ----------------------------------------------------------------------------------------------------- Signals -----

std::atomic<int> alarms{0};

void StartStorm() {
  struct sigaction action {};
  action.sa_handler = [](int) { ++alarms; };  // without SA_RESTART: each call that waits says EINTR
  sigaction(SIGALRM, &action, nullptr);
  const itimerval often{{0, 500}, {0, 500}};
  setitimer(ITIMER_REAL, &often, nullptr);
}

void LiveThroughAlarms(const char* url, const char* token) {
  StartStorm();
  client = Connect(url, token);
  for (int i = 0; i < 3; ++i) {
    auto started = client->Start(Request("alarmed"));
    Check(started.ok(), "Start()");
    stream = *std::move(started);
    Check(ReadAll() == std::string(500, 'x'), "the answer");
  }
  Check(client->Close(std::chrono::milliseconds(-1)).ok(), "Close()");
  Check(alarms > 10, "there was no storm");
}

// A service that hangs up while much is being sent: without care, writing to it ends the process.
void LiveThroughBrokenPipes() {
  Check(signal(SIGPIPE, SIG_DFL) == SIG_DFL, "the library has changed what SIGPIPE does");
  Request request(std::string(8U << 20U, 'q'));
  request.timeout = std::chrono::milliseconds(700);
  for (int i = 0; i < 2; ++i) Check(!client->Ask(request).ok(), "an answer of a service that hangs up");
}

int Main(char** argv) {
  const std::string way = argv[1];
  if (way == "alarms") {
    LiveThroughAlarms(argv[2], argv[3]);
    return 0;
  }
  client = Connect(argv[2], argv[3]);
  if (way == "broken-pipes") {
    LiveThroughBrokenPipes();
  } else {
    LiveThroughFork(way);
  }
  return 0;
}

}  // namespace
}  // namespace warppool

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  return warppool::Main(argv);
}
