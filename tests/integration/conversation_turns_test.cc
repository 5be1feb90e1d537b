// Long conversations under everything that can go wrong: cuts, refusals, other accounts, rollbacks. The service keeps
// its own view of the tasks, and both agree at every turn.

#include <random>

#include "conversation_fixture.h"
#include "http2_front.h"

namespace warppool {
namespace {

using Cut = loopback::Behaviour::Cut;

constexpr const char* kTokens[] = {"fake-alice-one", "fake-alice-two", "fake-bob-one", "fake-carol-one"};
constexpr int kTurns = 20;

// How the service behaves, request by request: what is planned for the turn, and then well. Thread-safe.
class Plan {
 public:
  explicit Plan(std::uint32_t seed) : random_(seed) {}

  // Draws the next turn: no more waits than the budget has, and no more refusals than there are accounts.
  void DrawTurn() {
    const std::lock_guard<std::mutex> lock(mutex_);
    failures_.clear();
    for (int left = Below(3); left > 0; --left) failures_.push_back(Break());
    if (Below(3) == 0) failures_.insert(failures_.begin() + Below(static_cast<int>(failures_.size()) + 1), Refusal());
    for (const auto& failure : failures_) {
      if (failure.cut != Cut::kNone) ++cuts;
      if (failure.kind == loopback::Behaviour::Kind::kStatus) ++refusals;
    }
  }
  loopback::Behaviour Next() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (failures_.empty()) return Answer();
    loopback::Behaviour next = failures_.front();
    failures_.erase(failures_.begin());
    return next;
  }
  int Draw(int n) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return Below(n);
  }

  int cuts = 0;
  int refusals = 0;

 private:
  int Below(int n) { return static_cast<int>(random_() % static_cast<std::uint32_t>(n)); }

  loopback::Behaviour Answer() {
    const int kind = Below(4);
    loopback::Behaviour answer = kind == 0   ? loopback::Ok()
                                 : kind == 1 ? Scripted()
                                             : loopback::Random(static_cast<std::uint32_t>(random_()));
    if (Below(3) == 0) answer.Pack(1 + Below(5));
    if (Below(8) == 0) answer.ByteByByte();
    return answer;
  }
  // Some of everything, in an order that makes each of it count.
  static loopback::Behaviour Scripted() {
    using namespace loopback;
    return Play({Reason("Let me think about that.", 3), Say("First of all, ", 2), Todos({"look", "do", "tell"}),
                 Begin(), Say("this was wrong", 3), SubTask("wrong, too", {Say("nothing")}), Rollback(),
                 SubTask("an errand", {Say("on my way", 2), CallMcp("map", R"({"to":"Graz"})"), Summary("been there")}),
                 Begin(), Rewrite("Before all, "), Commit(), TodosDone({"todo-1"}), MoveAway(2),
                 Say("the answer is 42.", 4), CallMcp("weather", R"({"city":"Graz"})", "server-1"),
                 CallShell("make test"), SuggestRule("short", "Be short."), UnknownAction()});
  }
  // What costs a wait: an answer that breaks off before its first action or anywhere after it.
  loopback::Behaviour Break() {
    if (Below(5) == 0) return loopback::Status(503, "busy");
    return Answer().CutAfter(Below(3) == 0 ? 1 : 2 + Below(25), Below(3) == 0 ? Cut::kReset : Cut::kClean);
  }
  // What leads to another account. A first 401 or 500 does not: the token rests, and is tried again.
  loopback::Behaviour Refusal() {
    switch (Below(3)) {
      case 0:
        return loopback::Quota();
      case 1:
        return loopback::Status(403, "no");
      default:
        return loopback::Status(402, "no");
    }
  }

  std::mutex mutex_;
  std::mt19937 random_;
  std::vector<loopback::Behaviour> failures_;
};

struct Totals {
  int moves = 0;
  int resumes = 0;
  int calls = 0;
  int retracted = 0;
};

void Count(const Viewer& viewer, Totals* totals) {
  for (const char step : viewer.steps()) {
    totals->moves += step == 'm' ? 1 : 0;
    totals->resumes += step == '5' ? 1 : 0;
    totals->retracted += step == 'r' ? 1 : 0;
  }
}

void Converse(World* world, Client* client, Plan* plan, Totals* totals) {
  Conversation conversation;
  Viewer viewer(world);
  for (int turn = 0; turn < kTurns; ++turn) {
    INFO("turn " << turn);
    plan->DrawTurn();
    Request request("turn " + std::to_string(turn));
    request.allowed_tools = {Tool::kCallMcpTool, Tool::kRunShellCommand};
    request.tool_results = ResultsFor(conversation);
    totals->calls += static_cast<int>(request.tool_results.size());
    REQUIRE(viewer.Turn(client, request, &conversation).ToString() == "ok");
    Count(viewer, totals);
    REQUIRE(Difference(world->service, conversation) == "");
    REQUIRE(viewer.Differs(conversation) == "");
    CHECK(conversation.token() == viewer.token());
    CHECK_FALSE(conversation.busy());
    REQUIRE(client->RecoverAll().ok());  // so that there is always another account to go to
    if (plan->Draw(4) != 0) continue;
    auto restored = Conversation::Restore(*conversation.Save());
    REQUIRE(restored.status().ToString() == "ok");
    conversation = *std::move(restored);
  }
}

void Accept(World* world, Plan* plan) {
  world->service.AcceptAs(kTokens[0], "alice").AcceptAs(kTokens[1], "alice");
  world->service.AcceptAs(kTokens[2], "bob").AcceptAs(kTokens[3], "carol");
  world->service.Decide([plan](loopback::Endpoint endpoint, const std::string& /*token*/) {
    if (endpoint != loopback::Endpoint::kAgent) return std::optional<loopback::Behaviour>();
    return std::optional(plan->Next());
  });
}

std::vector<std::string> AllTokens() {
  return {std::begin(kTokens), std::end(kTokens)};
}

}  // namespace

TEST_CASE("a conversation of 20 turns and the service's view of it agree, whatever happens") {
  Totals totals;
  int cuts = 0;
  int refusals = 0;
  for (const std::uint32_t seed : {1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U}) {
    INFO("seed " << seed);
    Plan plan(seed);
    World world;
    Accept(&world, &plan);
    Converse(&world, &world.Connect(AllTokens()), &plan, &totals);
    cuts += plan.cuts;
    refusals += plan.refusals;
  }
  // The seeds are fixed: all of it has happened.
  CHECK(cuts > 50);
  CHECK(refusals > 20);
  CHECK(totals.moves > 5);
  CHECK(totals.resumes > 20);
  CHECK(totals.calls > 50);
  CHECK(totals.retracted > 20);
}

TEST_CASE("TLS: a conversation of 20 turns and the service's view of it agree") {
  loopback::Options options;
  options.tls = true;
  Totals totals;
  Plan plan(77);
  World world(options);
  Accept(&world, &plan);
  Converse(&world, &world.Connect(AllTokens()), &plan, &totals);
  CHECK(totals.resumes > 0);
}

TEST_CASE("HTTP/2: a conversation of 20 turns and the service's view of it agree") {
  Totals totals;
  Plan plan(78);
  World world;
  Accept(&world, &plan);
  Http2Front front;
  front.Start(world.service);
  Converse(&world, &world.Connect(front.ConfigFor(world.service, AllTokens())), &plan, &totals);
  CHECK(totals.resumes > 0);
}

}  // namespace warppool
