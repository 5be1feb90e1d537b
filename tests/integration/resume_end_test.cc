// Answers that fail after their first action for good: what is not resumed, and that the conversation can be used all
// the same.

#include <atomic>

#include "answer_stream.h"
#include "conversation_fixture.h"

namespace warppool {
namespace {

using Cut = loopback::Behaviour::Cut;

int Count(const World& world) {
  return world.service.Count("/ai/multi-agent");
}

void CheckNobodysFault(World* world) {
  CHECK(world->StatusOf(0).total_failures == 0);
  CHECK(world->StatusOf(0).failures == 0);
  CHECK(world->StatusOf(0).state == TokenState::kReady);
  CHECK(world->StatusOf(0).in_flight == 0);
}

// The next turn works, and then both views agree.
void CheckUsable(World* world, Viewer* viewer, Conversation* conversation) {
  CHECK_FALSE(conversation->busy());
  CHECK(viewer->Turn(world->client.get(), Request("next"), conversation).ToString() == "ok");
  CHECK(Difference(world->service, *conversation) == "");
  CHECK(viewer->Differs(*conversation) == "");
}

}  // namespace

TEST_CASE("a quota that ends in mid-answer is an error, and the token rests") {
  World world;
  world.service.On(kOne).Agent(loopback::QuotaFinish().Text("so far").Times(1));
  Client& client = world.Connect({kOne});
  Conversation conversation;
  Viewer viewer(&world);
  const Status status = viewer.Turn(&client, Request("hello"), &conversation);
  CHECK(status.code() == Code::kQuotaExhausted);
  CHECK(viewer.steps() == "stf");
  CHECK(viewer.answer() == "so far");
  CHECK(Count(world) == 1);
  CHECK(world.StatusOf(0).state == TokenState::kCooling);
  CHECK(client.RecoverAll().ok());
  CheckUsable(&world, &viewer, &conversation);
}

TEST_CASE("an event that does not decode ends the answer, wherever it is") {
  loopback::Answer answer;
  answer.conversation_id = "conversation-77";
  answer.request_id = "request-77";
  answer.task_id = "task-77";
  answer.steps = {loopback::Say("so far", 2)};
  const auto frames = loopback::AnswerFrames(answer, {});
  REQUIRE(frames.all.size() == 5);
  World world;
  world.service.On(kOne).Agent(loopback::Raw(frames.all[0] + frames.all[1] + frames.all[2] + "data: %%%\n\n"));
  Client& client = world.Connect({kOne});
  Conversation conversation;
  Viewer viewer(&world);
  const Status status = viewer.Turn(&client, Request("hello"), &conversation);
  CHECK(status.code() == Code::kUndecodableEvent);
  CHECK(status.ToString().find("event 4") != std::string::npos);
  CHECK(viewer.steps() == "st");
  CHECK(viewer.answer() == "so ");
  CHECK(Count(world) == 1);
  CHECK_FALSE(conversation.busy());
  CheckNobodysFault(&world);
}

TEST_CASE("what the service refuses as the request's own fault is not sent again, although an answer broke off") {
  World world;
  world.service.On(kOne).Agent(HalfAnAnswer()).Agent(loopback::Status(422).Times(1));
  Client& client = world.Connect({kOne});
  Conversation conversation;
  Viewer viewer(&world);
  const Status status = viewer.Turn(&client, Request("hello"), &conversation);
  CHECK(status.error().http_status == 422);
  CHECK(status.attempts().size() == 2);
  CHECK(viewer.steps() == "st54");
  CHECK(Count(world) == 2);
  CheckNobodysFault(&world);
  CheckUsable(&world, &viewer, &conversation);
}

TEST_CASE("a quota that ends while an answer goes on is an error: another account would do again what was done since") {
  World world;
  world.service.On(kOne).Agent(HalfAnAnswer()).Agent(loopback::QuotaFinish().Text("more").Times(1));
  world.service.Accept("fake-token-two");
  Config config = ConfigFor(world.service, {kOne, "fake-token-two"});
  config.strategy = Strategy::kFillFirst;
  Client& client = world.Connect(std::move(config));
  Conversation conversation;
  Viewer viewer(&world);
  const Status status = viewer.Turn(&client, Request("hello"), &conversation);
  CHECK(status.code() == Code::kQuotaExhausted);
  CHECK(viewer.steps() == "st5stf");
  CHECK(viewer.answer() == "aaaamore");
  REQUIRE(status.attempts().size() == 2);
  CHECK(status.attempts()[0].code == Code::kTruncated);
  CHECK(Count(world) == 2);
  CHECK(world.StatusOf(0).state == TokenState::kCooling);
  CheckUsable(&world, &viewer, &conversation);
  CHECK(viewer.steps() == "mstf");
}

TEST_CASE("when the JWT is over in mid-answer and no exchange works any more, the setting is the error") {
  struct Case {
    bool is_end_known;    // or a refused bearer tells it
    bool is_key_missing;  // or nothing is at the exchange's address
    const char* setting;
    const char* steps;
  };
  const Case c = GENERATE(values<Case>({{true, false, "WARP_SERVER_URL", "st54"},
                                        {false, false, "WARP_SERVER_URL", "st514"},
                                        {true, true, "WARP_FIREBASE_API_KEY", "st54"},
                                        {false, true, "WARP_FIREBASE_API_KEY", "st514"}}));
  INFO(c.setting << (c.is_end_known ? ", after the end that was told" : ", after a 401"));
  constexpr auto kLife = 2s;
  World world;
  std::atomic<bool> broken{false};
  std::atomic<int> answers{0};
  world.service.Accept(kOne).Accept("fake-token-two");
  world.service.Decide([&](loopback::Endpoint endpoint, const std::string& /*token*/) {
    std::optional<loopback::Behaviour> how;
    if (endpoint == loopback::Endpoint::kExchange) {
      if (broken && !c.is_key_missing) how = loopback::Status(404);
      if (c.is_end_known) how = how.value_or(loopback::Ok()).JwtLife(kLife);
    } else if (answers++ == 0) {
      how = HalfAnAnswer();
      broken = true;
      if (c.is_key_missing) world.service.RequireKey("fake-web-key");
      if (!c.is_end_known) world.service.ExpireJwts();
    }
    return how;
  });
  Config config = ConfigFor(world.service, {kOne, "fake-token-two"});
  config.strategy = Strategy::kFillFirst;
  config.background_refresh = false;
  if (c.is_end_known) config.retry_base_delay = config.retry_max_delay = kLife;  // the JWT was there before the wait
  Client& client = world.Connect(config);
  Conversation conversation;
  Viewer viewer(&world);
  const Status status = viewer.Turn(&client, Request("hello"), &conversation);
  CHECK(CodeName(status.code()) == std::string(CodeName(Code::kMisconfigured)));
  INFO(status.ToString());
  CHECK(status.message().find(c.setting) != std::string::npos);
  REQUIRE(status.attempts().size() >= 2);
  CHECK(status.attempts().front().code == Code::kTruncated);
  CHECK(status.attempts().back().code == Code::kMisconfigured);
  CHECK(viewer.steps() == c.steps);
  CHECK(world.service.Count("/proxy/token") == 2);
  CheckNobodysFault(&world);
  CHECK_FALSE(conversation.busy());
  CHECK(viewer.answer() == "aaaa");
  CHECK(viewer.Differs(conversation) == "");
  const std::string id = conversation.id();
  CHECK(Difference(world.service, conversation) == "");

  // The setting is put right.
  broken = false;
  config.firebase_api_key = Secret("fake-web-key");
  world.Connect(config);
  CheckUsable(&world, &viewer, &conversation);
  CHECK(viewer.steps() == "stf");
  CHECK(viewer.answer() == "aaaaEcho: next");
  CHECK(conversation.id() == id);
  CHECK_FALSE(BodiesOf(world.service).back().input().has_resume_conversation());
}

TEST_CASE("a deadline ends the wait for an answer that goes on") {
  World world;
  world.service.On(kOne).Agent(HalfAnAnswer()).Agent(loopback::Ok().Delay(60s).Times(1));
  Client& client = world.Connect({kOne});
  Conversation conversation;
  Viewer viewer(&world);
  Request request("hello");
  request.timeout = 300ms;
  const Status status = viewer.Turn(&client, request, &conversation);
  CHECK(status.code() == Code::kDeadlineExceeded);
  REQUIRE(status.attempts().size() == 1);
  CHECK(status.attempts()[0].code == Code::kTruncated);
  CHECK(viewer.steps() == "st5");
  CHECK_FALSE(conversation.busy());
  CheckNobodysFault(&world);
  CheckUsable(&world, &viewer, &conversation);
}

TEST_CASE("a request can be cancelled while its answer waits to go on") {
  World world;
  world.service.On(kOne).Agent(
      loopback::Play({loopback::Say("kept"), loopback::Begin(), loopback::Say("undone"), loopback::Say("never")})
          .CutAfter(5, Cut::kClean)
          .Times(1));
  Config config = ConfigFor(world.service, {kOne});
  config.retry_base_delay = 60s;
  config.retry_max_delay = 60s;
  config.max_token_wait = 10min;
  Client& client = world.Connect(std::move(config));
  Conversation conversation;
  Viewer viewer(&world);
  auto stream = client.Start(Request("hello"), conversation, viewer.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(Eventually([&] { return viewer.steps() == "str5"; }));
  CHECK(conversation.busy());
  (*stream)->Cancel();
  CHECK(viewer.Wait().code() == Code::kCancelled);
  CHECK(viewer.answer() == "kept");
  CHECK(Count(world) == 1);
  CheckNobodysFault(&world);
  CheckUsable(&world, &viewer, &conversation);
}

TEST_CASE("a request can be cancelled at each of its events, whatever is going on") {
  // A rollback, a cut, an answer that goes on, and another account.
  const auto steps =
      std::vector<loopback::Step>{loopback::Say("kept", 2), loopback::Begin(), loopback::Say("undone"),
                                  loopback::SubTask("errand", {loopback::Say("undone, too")}), loopback::Say("never")};
  bool over = false;
  int events = 0;
  std::set<std::size_t> kinds;  // at which it was cancelled
  for (int last = 1; !over && last < 200; ++last) {
    INFO("cancelled at event " << last);
    World world;
    world.service.On(kOne).Agent(loopback::Play(steps).CutAfter(8, Cut::kClean).Times(1));
    world.service.On(kOne).Agent(loopback::Quota().Times(1));
    world.service.Accept("fake-token-two");
    Config config = ConfigFor(world.service, {kOne, "fake-token-two"});
    config.strategy = Strategy::kFillFirst;
    Client& client = world.Connect(std::move(config));
    Conversation conversation;
    Viewer viewer(&world);
    StreamCallbacks callbacks = viewer.Callbacks();
    int count = 0;
    callbacks.on_event = [&](const Event& event) {
      if (++count == last) kinds.insert(event.index());
      return count >= last ? Flow::kCancel : Flow::kContinue;
    };
    auto stream = client.Start(Request("hello"), conversation, std::move(callbacks));
    REQUIRE(stream.ok());
    const Status status = viewer.Wait();
    over = status.ok();
    CHECK((over || status.code() == Code::kCancelled));
    CHECK(count == (over ? events : last));
    events = count;
    CHECK_FALSE(conversation.busy());
    CHECK(Conversation::Restore(*conversation.Save()).ok());
    for (const MessageInfo& message : conversation.Messages()) CHECK(message.text.find("undone") == std::string::npos);
    CHECK(conversation.Tasks().size() <= 1);
    for (std::size_t i = 0; i < 2; ++i) CHECK(world.StatusOf(i).in_flight == 0);
  }
  CHECK(over);
  CHECK(kinds.count(Event(MessageRetracted{}).index()) == 1);
  CHECK(kinds.count(Event(TaskRetracted{}).index()) == 1);
  CHECK(kinds.count(Event(AttemptFailed{}).index()) == 1);
  CHECK(kinds.count(Event(ConversationMoved{}).index()) == 1);
}

TEST_CASE("an action that contradicts the conversation ends the answer, and is nobody's fault") {
  const std::pair<const char*, loopback::Step> cases[] = {
      {"append to an unknown message", loopback::AppendToUnknownMessage()},
      {"add to an unknown task", loopback::AddToUnknownTask()},
      {"create an orphan", loopback::CreateOrphan()},
      {"miscount what moves", loopback::MoveMiscounted()},
      {"append to a number", loopback::AppendToNumber()}};
  for (const bool in_transaction : {false, true}) {
    for (const auto& [what, step] : cases) {
      INFO(what << (in_transaction ? " in a transaction" : ""));
      World world;
      std::vector<loopback::Step> steps = {loopback::Say("good"), step, loopback::Say("never")};
      if (in_transaction) steps.insert(steps.begin() + 1, {loopback::Begin(), loopback::Say("undone")});
      world.service.On(kOne).Agent(loopback::Play(std::move(steps)).Times(1));
      Client& client = world.Connect({kOne});
      Conversation conversation;
      Viewer viewer(&world);
      const Status status = viewer.Turn(&client, Request("hello"), &conversation);
      CHECK(CodeName(status.code()) == std::string(CodeName(Code::kInvalidAction)));
      CHECK(status.ToString().find(in_transaction ? "event 6" : "event 4") != std::string::npos);
      CHECK(viewer.steps() == (in_transaction ? "str" : "st"));
      CHECK(viewer.answer() == "good");
      CHECK(Count(world) == 1);
      CheckNobodysFault(&world);
      CheckUsable(&world, &viewer, &conversation);
    }
  }
}

TEST_CASE("an answer beyond a limit ends there, naming the limit, and the conversation can be used") {
  std::string deep = "1";
  for (int i = 0; i < 12; ++i) deep = R"({"deeper":)" + deep + "}";
  const std::vector<loopback::Step> errands(6, loopback::SubTask("errand", {}));
  struct Case {
    const char* limit;
    loopback::Behaviour behaviour;
    void (*set)(Config* config);
    bool goes_on = true;  // within the limit, and from between two events
  };
  const Case cases[] = {{"max_message_bytes", loopback::Ok().Text(std::string(5'000, 'x')).Chunks(20),
                         [](Config* config) { config->max_message_bytes = 1'024; }},
                        {"max_message_bytes", loopback::Ok().Text(std::string(5'000, 'x')).Chunks(1),
                         [](Config* config) { config->max_message_bytes = 1'024; }, false},
                        {"max_event_bytes", loopback::Ok().Text(std::string(5'000, 'x')).Chunks(1),
                         [](Config* config) { config->max_event_bytes = 4'096; }},
                        {"max_tasks", loopback::Play(errands), [](Config* config) { config->max_tasks = 3; }},
                        {"max_stream_events", loopback::Ok().Text("aaaabbbbccccdddd").Chunks(16),
                         [](Config* config) { config->max_stream_events = 7; }, false},
                        {"max_nesting_depth", loopback::Play({loopback::Say("look:"), loopback::CallMcp("f", deep)}),
                         [](Config* config) { config->max_nesting_depth = 20; }}};
  for (const Case& c : cases) {
    INFO(c.limit);
    World world;
    loopback::Behaviour behaviour = c.behaviour;
    world.service.On(kOne).Agent(behaviour.Times(1));
    Config config = ConfigFor(world.service, {kOne});
    c.set(&config);
    Client& client = world.Connect(std::move(config));
    Conversation conversation;
    Viewer viewer(&world);
    const Status status = viewer.Turn(&client, Request("hello"), &conversation);
    CHECK(CodeName(status.code()) == std::string(CodeName(Code::kLimitExceeded)));
    INFO(status.ToString());
    CHECK(status.message().find(c.limit) != std::string::npos);
    CHECK(status.message().find("(event ") != std::string::npos);
    CHECK(Count(world) == 1);
    CheckNobodysFault(&world);
    CHECK_FALSE(conversation.busy());
    if (!c.goes_on) continue;
    world.service.AcceptAnyPrefix(conversation.id());
    CheckUsable(&world, &viewer, &conversation);
  }
}

TEST_CASE("the tasks of all turns count, also of a conversation that was saved, but none that was taken back") {
  const auto errand = loopback::SubTask("errand", {loopback::Say("on my way")});
  World world;
  world.service.On(kOne)
      .Agent(loopback::Play({loopback::Begin(), errand, errand, loopback::Rollback(), errand}).Times(1))
      .Agent(loopback::Play({loopback::Begin(), errand, loopback::Say("undone"), errand}).Times(1));
  Config config = ConfigFor(world.service, {kOne});
  config.max_tasks = 3;
  Client& client = world.Connect(std::move(config));
  Conversation conversation;
  Viewer viewer(&world);
  CHECK(viewer.Turn(&client, Request("hello"), &conversation).ToString() == "ok");
  conversation = *Conversation::Restore(*conversation.Save());
  const Status status = viewer.Turn(&client, Request("again"), &conversation);
  CHECK(CodeName(status.code()) == std::string(CodeName(Code::kLimitExceeded)));
  CHECK(status.message().find("max_tasks (3)") != std::string::npos);
  CHECK(conversation.Tasks().size() == 2);
  CHECK(viewer.Differs(conversation) == "");
  world.service.AcceptAnyPrefix(conversation.id());
  CheckUsable(&world, &viewer, &conversation);
}

}  // namespace warppool
