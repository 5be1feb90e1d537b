// Conversations and what happens around them: many at once, handles and clients that go while a request runs, and
// requests that the program made itself.

#include <atomic>
#include <deque>

#include "conversation_fixture.h"
#include "task_list.h"
#include "warppool/wire/response.pb.h"

namespace warppool {
namespace {

// One that says "kept", and "undone" in a transaction that stays open until much more has been said.
loopback::Behaviour LongTransaction() {
  return loopback::Play({loopback::Say("kept"), loopback::Begin(), loopback::Say("undone"),
                         loopback::Say(std::string(400, '.'), 400)})
      .Gap(20ms)
      .Times(1);
}

// A conversation of so many turns, each begun when the one before has ended: pushed, from within the callback.
class PushedTurns {
 public:
  PushedTurns(World* world, int turns) : world_(world), left_(turns) {}
  void Begin() { StartTurn(); }
  bool over() const { return over_; }
  Status end() const { return end_; }  // when it is over
  const Conversation& conversation() const { return conversation_; }

 private:
  void StartTurn() {
    Request request("turn");
    request.tool_results = ResultsFor(conversation_);
    auto begun = world_->client->Start(request, conversation_, {{}, [this](const Status& status) { OnDone(status); }});
    if (begun.ok()) {
      streams_.push_back(*std::move(begun));
    } else {
      OnDone(begun.status());
    }
  }
  void OnDone(const Status& status) {
    end_ = status;
    if (status.ok() && --left_ > 0) return StartTurn();
    over_ = true;
  }

  World* const world_;
  int left_;
  Conversation conversation_;
  std::deque<std::unique_ptr<Stream>> streams_;
  Status end_;
  std::atomic<bool> over_{false};
};

// The same, pulled. One thread.
class PulledTurns {
 public:
  PulledTurns(World* world, int turns) : world_(world), left_(turns) {}
  // Takes what has come. False: it is over.
  bool Poll() {
    if (left_ == 0) return false;
    if (stream_ == nullptr) {
      Request request("turn");
      request.tool_results = ResultsFor(conversation_);
      auto begun = world_->client->Start(request, conversation_);
      REQUIRE(begun.status().ToString() == "ok");
      stream_ = *std::move(begun);
    }
    auto event = stream_->Next(0ms);
    while (event.ok()) event = stream_->Next(0ms);
    if (event.code() == Code::kTimeout) return true;
    world_->Said(event.status());
    REQUIRE(event.code() == Code::kEnd);
    stream_.reset();
    return --left_ > 0;
  }
  const Conversation& conversation() const { return conversation_; }

 private:
  World* const world_;
  int left_;
  Conversation conversation_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace

TEST_CASE("fifty conversations at once mix nothing up") {
  constexpr int kConversations = 25;  // pushed, and as many pulled
  constexpr int kTurns = 5;
  World world;
  const std::vector<std::string> tokens = {"fake-token-a", "fake-token-b", "fake-token-c", "fake-token-d"};
  for (const auto& token : tokens) world.service.Accept(token);
  std::atomic<std::uint32_t> seed{1};
  world.service.Decide([&](loopback::Endpoint endpoint, const std::string& /*token*/) {
    if (endpoint != loopback::Endpoint::kAgent) return std::optional<loopback::Behaviour>();
    const std::uint32_t number = seed++;
    loopback::Behaviour behaviour = loopback::Random(number);
    // Seldom enough for any budget.
    if (number % 7 == 0) behaviour.CutAfter(1 + static_cast<int>(number % 11), loopback::Behaviour::Cut::kClean);
    return std::optional(behaviour);
  });
  Config config = ConfigFor(world.service, tokens);
  config.retry_budget = 20;
  world.Connect(std::move(config));

  std::deque<PushedTurns> pushed;
  std::deque<PulledTurns> pulled;
  for (int i = 0; i < kConversations; ++i) pushed.emplace_back(&world, kTurns).Begin();
  for (int i = 0; i < kConversations; ++i) pulled.emplace_back(&world, kTurns);
  REQUIRE(Eventually([&] {
    bool busy = false;
    for (PulledTurns& one : pulled) busy = one.Poll() || busy;
    for (const PushedTurns& one : pushed) busy = busy || !one.over();
    return !busy;
  }));
  std::set<std::string> ids;
  for (const PushedTurns& one : pushed) {
    CHECK(world.Said(one.end()).ToString() == "ok");
    CHECK(Difference(world.service, one.conversation()) == "");
    ids.insert(one.conversation().id());
  }
  for (const PulledTurns& one : pulled) {
    CHECK(Difference(world.service, one.conversation()) == "");
    ids.insert(one.conversation().id());
  }
  CHECK(ids.size() == 2 * kConversations);
  CHECK(world.client->Close(0ms).ok());  // no callback runs any more
}

TEST_CASE("a request goes on when its conversation is destroyed") {
  Gate gate;
  World world;
  world.service.Accept(kOne);
  world.service.Decide([&](loopback::Endpoint endpoint, const std::string& /*token*/) {
    if (endpoint == loopback::Endpoint::kAgent) gate.Pass();
    return std::optional<loopback::Behaviour>();
  });
  Client& client = world.Connect({kOne});
  gate.Close();
  auto conversation = std::make_unique<Conversation>();
  Recorder recorder(&world);
  auto stream = client.Start(Request("hello"), *conversation, recorder.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(gate.WaitUntilInside(1));
  conversation.reset();
  gate.Open();
  REQUIRE(recorder.WaitUntilDone());
  CHECK(recorder.status().ToString() == "ok");
  CHECK(recorder.text() == "Echo: hello");
}

TEST_CASE("a conversation whose client goes is free, and what was not committed is undone") {
  World world;
  world.service.On(kOne).Agent(LongTransaction());
  Client& client = world.Connect({kOne});
  Conversation conversation;
  Viewer viewer(&world);
  auto stream = client.Start(Request("hello"), conversation, viewer.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(Eventually([&] { return viewer.answer().find("undone") != std::string::npos; }));
  CHECK(conversation.busy());
  CHECK(conversation.Messages().size() >= 3);
  const auto half_way = Conversation::Restore(*conversation.Save());
  REQUIRE(half_way.ok());
  CHECK(half_way->Messages().size() == 2);  // what is saved is what is committed
  world.client.reset();
  CHECK(viewer.Wait().code() == Code::kCancelled);
  CHECK_FALSE(conversation.busy());
  REQUIRE(conversation.Messages().size() == 2);
  CHECK(conversation.Messages()[1].text == "kept");

  world.service.AcceptAnyPrefix(conversation.id());
  const auto answer = world.Connect({kOne}).Ask(Request("again"), conversation);
  CHECK(answer.status.ToString() == "ok");
  CHECK(Difference(world.service, conversation) == "");
}

TEST_CASE("a stream that is destroyed leaves its conversation free, without what was not committed") {
  World world;
  world.service.On(kOne).Agent(LongTransaction());
  Client& client = world.Connect({kOne});
  Conversation conversation;
  Viewer viewer(&world);
  {
    auto stream = client.Start(Request("hello"), conversation, viewer.Callbacks());
    REQUIRE(stream.ok());
    REQUIRE(Eventually([&] { return viewer.answer().find("undone") != std::string::npos; }));
  }
  CHECK_FALSE(conversation.busy());
  REQUIRE(conversation.Messages().size() == 2);
  world.service.AcceptAnyPrefix(conversation.id());
  CHECK(client.Ask(Request("again"), conversation).status.ToString() == "ok");
  CHECK(Difference(world.service, conversation) == "");
}

TEST_CASE(
    "a request that is cancelled inside a transaction leaves what was before it, and the next turn goes on there") {
  enum class How : std::uint8_t { kFlow, kPushed, kPulled };
  const How how = GENERATE(How::kFlow, How::kPushed, How::kPulled);
  World world;
  world.service.On(kOne).Agent(loopback::Ok().Times(1)).Agent(LongTransaction());
  Client& client = world.Connect({kOne});
  Conversation conversation;
  REQUIRE(client.Ask(Request("hello"), conversation).status.ToString() == "ok");

  std::string committed;  // inside the transaction
  const auto look = [&](const Event& event) {
    const auto* text = std::get_if<TextDelta>(&event);
    if (text == nullptr || text->text != "undone") return false;
    committed = *conversation.Save();
    return true;
  };
  Status end;
  if (how == How::kPulled) {
    auto stream = client.Start(Request("go"), conversation);
    REQUIRE(stream.ok());
    auto event = (*stream)->Next(kPatience);
    while (event.ok() && !look(*event)) event = (*stream)->Next(kPatience);
    REQUIRE(event.ok());
    CHECK(conversation.Messages().size() > 4);
    (*stream)->Cancel();
    while (event.ok()) event = (*stream)->Next(kPatience);
    end = event.status();
  } else {
    Viewer viewer(&world);
    std::unique_ptr<Stream> stream;
    Gate started;
    started.Close();
    StreamCallbacks callbacks = viewer.Callbacks();
    callbacks.on_event = [&](const Event& event) {
      if (!look(event)) return Flow::kContinue;
      if (how == How::kFlow) return Flow::kCancel;
      started.Pass();
      stream->Cancel();
      return Flow::kContinue;
    };
    stream = *client.Start(Request("go"), conversation, std::move(callbacks));
    started.Open();
    end = viewer.Wait();
  }
  CHECK(world.Said(end).code() == Code::kCancelled);
  CHECK_FALSE(conversation.busy());
  CHECK(*conversation.Save() == committed);
  const auto messages = conversation.Messages();
  REQUIRE(messages.size() == 4);
  CHECK(messages[2].text == "go");
  CHECK(messages[3].text == "kept");
  world.service.AcceptAnyPrefix(conversation.id());
  CHECK(client.Ask(Request("again"), conversation).status.ToString() == "ok");
  CHECK(conversation.Messages().size() == 6);
  CHECK(Difference(world.service, conversation) == "");
}

TEST_CASE("a conversation can be moved while a request works on it") {
  Gate gate;
  World world;
  world.service.Accept(kOne);
  world.service.Decide([&](loopback::Endpoint endpoint, const std::string& /*token*/) {
    if (endpoint == loopback::Endpoint::kAgent) gate.Pass();
    return std::optional<loopback::Behaviour>();
  });
  Client& client = world.Connect({kOne});
  gate.Close();
  Conversation first;
  Recorder recorder(&world);
  auto stream = client.Start(Request("hello"), first, recorder.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(gate.WaitUntilInside(1));
  Conversation second(std::move(first));
  CHECK(second.busy());
  gate.Open();
  REQUIRE(recorder.WaitUntilDone());
  CHECK(second.Messages().size() == 2);
  first = Conversation();  // may be used again
  CHECK(client.Ask(Request("anew"), first).status.ToString() == "ok");
  CHECK(first.id() != second.id());
  second = std::move(first);
  CHECK(client.Ask(Request("again"), second).status.ToString() == "ok");
  CHECK(second.Messages().size() == 4);
  CHECK(Difference(world.service, second) == "");
}

TEST_CASE("raw events are what the service sent, beside what they mean or alone") {
  const bool is_raw = GENERATE(false, true);
  World world;
  world.service.On(kOne).Agent(loopback::Random(7));
  Client& client = world.Connect({kOne});
  Request request("hello");
  request.raw_events = true;
  if (is_raw) {
    wire::Request message;
    message.mutable_input()->mutable_user_inputs()->add_inputs()->mutable_user_query()->set_query("hello");
    message.mutable_settings()->add_supported_tools(wire::CALL_MCP_TOOL);
    request = Request();
    request.raw = message.SerializeAsString();
  }
  auto stream = client.Start(request);
  REQUIRE(stream.ok());
  loopback::TaskList tasks;
  std::string id;
  std::string kinds;
  int typed = 0;
  auto event = (*stream)->Next(kPatience);
  for (; event.ok(); event = (*stream)->Next(kPatience)) {
    world.Said(*event);
    if (const auto* raw = std::get_if<RawEvent>(&*event)) {
      wire::ResponseEvent parsed;
      REQUIRE(parsed.ParseFromString(std::string(raw->bytes)));
      if (parsed.has_init()) id = parsed.init().conversation_id();
      for (const auto& action : parsed.client_actions().actions()) CHECK(tasks.Apply(action) == "");
      const char kind = parsed.has_init() ? 'i' : parsed.has_finished() ? 'f' : 'a';
      if (kinds.empty() || kinds.back() != kind) kinds += kind;
    } else if (std::holds_alternative<StreamStarted>(*event)) {
      kinds += 'S';
    } else if (std::holds_alternative<Finished>(*event)) {
      kinds += 'F';
    } else {
      ++typed;
    }
  }
  CHECK(event.code() == Code::kEnd);
  CHECK(kinds == "SiafF");
  CHECK((typed > 0) == !is_raw);
  CHECK(loopback::Bytes(tasks.settled()) == world.service.TasksOf(id));
  CHECK(world.service.Requests("/ai/multi-agent").size() == 1);
  if (is_raw) CHECK(world.service.Requests("/ai/multi-agent")[0].body == request.raw);
}

TEST_CASE("a raw request whose answer breaks off is not resumed: the program cares for its conversation") {
  World world;
  world.service.On(kOne).Agent(loopback::Ok().CutAfter(3, loopback::Behaviour::Cut::kClean).Times(1));
  world.Connect({kOne});
  wire::Request message;
  message.mutable_input()->mutable_user_inputs()->add_inputs()->mutable_user_query()->set_query("hello");
  message.mutable_settings()->add_supported_tools(wire::CALL_MCP_TOOL);
  Request request;
  request.raw = message.SerializeAsString();
  CHECK(world.Ask(request).code() == Code::kTruncated);
  CHECK(world.service.Count("/ai/multi-agent") == 1);
}

}  // namespace warppool
