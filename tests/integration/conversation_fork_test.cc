// A process that forks while requests work on its conversations: they are the parent's, as the client is, and the child
// can only let go of them.

#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "conversation_fixture.h"

namespace warppool {
namespace {

// Longer than any child takes that does not hang.
constexpr unsigned kChildSeconds = 30;
constexpr int kThrew = 255;  // more checks than any child has

// Exits a child with the number of its first check that fails; Catch2 is the parent's.
class ChildChecks {
 public:
  void Check(bool good) {
    ++number_;
    if (!good && failed_ == 0) failed_ = number_;
  }
  void CheckMisuse(Code code) { Check(code == Code::kMisuse); }
  [[noreturn]] void Exit() const { _exit(failed_); }

 private:
  int number_ = 0;
  int failed_ = 0;
};

// The number of the first check of `work` that failed in a child of this process; 0: none; -1: it ended otherwise.
int InChild(const std::function<void(ChildChecks* checks)>& work) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(kChildSeconds);
    ChildChecks checks;
    try {
      work(&checks);
    } catch (...) {
      _exit(kThrew);
    }
    checks.Exit();
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// One that is in a transaction for the most part.
loopback::Behaviour SlowAnswer() {
  return loopback::Play({loopback::Say("kept, "), loopback::Begin(), loopback::Say(std::string(60, '.'), 60),
                         loopback::Commit(), loopback::Say(" done")})
      .Gap(10ms)
      .Times(1);
}

void CheckRequestsAreRefused(Client* client, Conversation* conversation, ChildChecks* checks) {
  checks->CheckMisuse(client->Start(Request("no"), *conversation).code());
  checks->CheckMisuse(client->Start(Request("no"), *conversation, StreamCallbacks()).code());
  checks->CheckMisuse(client->Ask(Request("no"), *conversation).status.code());
}

void CheckIsTheParents(const Conversation& conversation, ChildChecks* checks) {
  checks->CheckMisuse(conversation.Save().code());
  checks->Check(conversation.id().empty());
  checks->Check(conversation.token().empty());
  checks->Check(conversation.usage().input_tokens == 0);
  checks->Check(conversation.Tasks().empty());
  checks->Check(conversation.Messages().empty());
  checks->Check(conversation.Todos().empty());
  checks->Check(conversation.PendingToolCalls().empty());
}

void CheckClientIsTheParents(Client* client, const std::string& token, const Config& config, ChildChecks* checks) {
  TokenConfig another;
  another.credential = Secret("fake-token-another");
  checks->CheckMisuse(client->Start(Request("no")).code());
  checks->CheckMisuse(client->Start(Request("no"), StreamCallbacks()).code());
  checks->CheckMisuse(client->Ask(Request("no")).status.code());
  checks->CheckMisuse(client->AccessToken().code());
  checks->CheckMisuse(client->Recover(token).code());
  checks->CheckMisuse(client->RecoverAll().code());
  checks->CheckMisuse(client->CheckHealth().code());
  checks->CheckMisuse(client->AddToken(another).code());
  checks->CheckMisuse(client->RemoveToken(token).code());
  checks->CheckMisuse(client->RenameToken(token, "another").code());
  checks->CheckMisuse(client->MoveToken(token, Tier::kShared).code());
  checks->CheckMisuse(client->ReplaceCredential(token, another).code());
  checks->CheckMisuse(client->Reload(config).code());
  checks->CheckMisuse(client->Close(0ms).code());
  client->DropAccessToken({Secret("fake-bearer"), token});
  checks->Check(client->Pool().tokens.empty());
  checks->Check(client->Explain().empty());
  checks->Check(client->Statistics().tokens.empty());
}

}  // namespace

TEST_CASE(
    "after a fork in mid-answer the child has neither client nor conversations, and the parent's answers are whole") {
  World world;
  world.service.On(kOne).Agent(loopback::Ok().Times(1)).Agent(SlowAnswer()).Agent(SlowAnswer());
  const Config config = ConfigFor(world.service, {kOne});
  Client& client = world.Connect(config);
  const std::string token = client.Pool().tokens[0].name;
  auto idle = std::make_unique<Conversation>();
  REQUIRE(client.Ask(Request("hello"), *idle).ok());

  Viewer viewer(&world);
  auto pushed_conversation = std::make_unique<Conversation>();
  auto pushed = client.Start(Request("push"), *pushed_conversation, viewer.Callbacks());
  REQUIRE(pushed.ok());
  auto pulled_conversation = std::make_unique<Conversation>();
  auto pulled = client.Start(Request("pull"), *pulled_conversation);
  REQUIRE(pulled.ok());
  REQUIRE(Eventually([&] { return !viewer.answer().empty() && !pulled_conversation->Messages().empty(); }));

  // Whatever the I/O thread holds at that moment: the child never waits for it.
  int forks = 0;
  for (; forks < 10 && pushed_conversation->busy() && pulled_conversation->busy(); ++forks) {
    INFO("fork " << forks);
    const int failed = InChild([&](ChildChecks* checks) {
      for (Conversation* one : {pushed_conversation.get(), pulled_conversation.get(), idle.get()}) {
        CheckRequestsAreRefused(&client, one, checks);
      }
      CheckIsTheParents(*pushed_conversation, checks);
      CheckIsTheParents(*pulled_conversation, checks);
      // What no request works on is a value, as it was.
      checks->Check(!idle->busy() && !idle->id().empty() && idle->Messages().size() == 2 && idle->Save().ok());
      CheckClientIsTheParents(&client, token, config, checks);
      checks->CheckMisuse((*pulled)->Next(0ms).code());
      checks->CheckMisuse((*pulled)->Descriptor().code());
      for (auto* stream : {&*pushed, &*pulled}) {
        (*stream)->Resume();
        (*stream)->Cancel();
      }
      // In any order.
      if (forks % 2 == 0) world.client.reset();
      pushed_conversation.reset();
      pushed->reset();
      pulled->reset();
      pulled_conversation.reset();
      world.client.reset();
      idle.reset();
    });
    CHECK(failed == 0);
  }

  CHECK(forks > 0);
  CHECK(viewer.Wait().ToString() == "ok");
  CHECK(viewer.answer() == "kept, " + std::string(60, '.') + " done");
  CHECK(viewer.Differs(*pushed_conversation) == "");
  CHECK(Difference(world.service, *pushed_conversation) == "");
  auto event = (*pulled)->Next(kPatience);
  while (event.ok()) event = (*pulled)->Next(kPatience);
  CHECK(event.code() == Code::kEnd);
  CHECK(Difference(world.service, *pulled_conversation) == "");
  // Nothing came from the children.
  CHECK(world.service.Count("/ai/multi-agent") == 3);
  CHECK(world.service.Count("") == 4);
  for (Conversation* one : {pushed_conversation.get(), pulled_conversation.get(), idle.get()}) {
    CHECK(client.Ask(Request("again"), *one).status.ToString() == "ok");
    CHECK(Difference(world.service, *one) == "");
  }
}

}  // namespace warppool
