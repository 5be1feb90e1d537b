// The loopback service's conversations: what it demands of a request that goes on with one.
#include <mutex>
#include <string>
#include <vector>

#include "catch.h"
#include "loopback.h"
#include "loopback_probe.h"
#include "loopback_talk.h"

using Cut = loopback::Behaviour::Cut;
using loopback::Service;
using probe::Talk;
using warppool::wire::Request;
using namespace std::chrono_literals;

namespace {

constexpr const char* kKey = "wk-1.abc";

// What the last complaint says; empty: there is none.
std::string LastComplaint(const Service& service) {
  const auto all = service.Complaints();
  return all.empty() ? "" : all.back();
}

bool LastComplaintSays(const std::string& part, const Service& service) {
  INFO(LastComplaint(service));
  const bool says = LastComplaint(service).find(part) != std::string::npos;
  CHECK(says);
  return says;
}

// The id of the last message's tool call.
std::string LastCall(const Talk& talk) {
  return talk.messages().rbegin()->tool_call().tool_call_id();
}

Request McpResult(const std::string& call, const std::string& query = "") {
  Request request = probe::WireRequest(query);
  if (query.empty()) request.mutable_input()->mutable_user_inputs()->clear_inputs();
  auto* result = request.mutable_input()->mutable_user_inputs()->add_inputs()->mutable_tool_call_result();
  result->set_tool_call_id(call);
  result->mutable_call_mcp_tool()->mutable_success()->add_results()->mutable_text()->set_text("sunny");
  return request;
}

}  // namespace

TEST_CASE("a conversation goes on with the tasks that were sent") {
  Service service;
  service.AcceptApiKey(kKey);
  Talk talk(service, kKey);
  REQUIRE(talk.Ask("one") == 200);
  CHECK(talk.kinds == "icmaaaaaaaf");
  const std::string id = talk.id;
  REQUIRE(talk.Ask("two") == 200);
  CHECK(talk.kinds == "imaaaaaaaf");
  CHECK(talk.text == "Echo: two");
  CHECK(talk.id == id);
  REQUIRE(talk.messages().size() == 4);
  CHECK(talk.messages()[0].user_query().query() == "one");
  CHECK(talk.messages()[2].user_query().query() == "two");
  CHECK(talk.messages()[3].agent_output().text() == "Echo: two");
  CHECK(talk.IsAsTheServiceHasIt());
  REQUIRE(service.Conversations().size() == 1);
  CHECK(service.Conversations()[0].id == id);
  CHECK(service.Conversations()[0].answers == 2);
  CHECK(service.TasksOf("conversation-77").empty());
  CHECK(service.Complaints().empty());
}

TEST_CASE("a request without conversation begins one") {
  Service service;
  service.AcceptApiKey(kKey);
  Talk one(service, kKey);
  Talk other(service, kKey);
  REQUIRE(one.Ask() == 200);
  REQUIRE(other.Ask() == 200);
  CHECK(one.id != other.id);
  CHECK(service.Conversations().size() == 2);
}

TEST_CASE("an unknown conversation is refused") {
  Service service;
  service.AcceptApiKey(kKey);
  Talk talk(service, kKey);
  talk.id = "conversation-77";
  CHECK(talk.Ask() == 400);
  CHECK(LastComplaintSays("conversation \"conversation-77\" is unknown", service));
}

TEST_CASE("a conversation belongs to the account that began it") {
  Service service;
  service.AcceptAs("one", "alice").AcceptAs("same", "alice").AcceptAs("other", "bob");
  Talk talk(service, probe::Login(service, "one"));
  REQUIRE(talk.Ask() == 200);
  CHECK(service.Conversations()[0].user_id == "alice");
  Talk stolen(service, probe::Login(service, "other"));
  stolen.id = talk.id;
  stolen.tasks = talk.tasks;
  CHECK(stolen.Ask() == 403);
  CHECK(LastComplaintSays("belongs to another account", service));
  Talk shared(service, probe::Login(service, "same"));
  shared.id = talk.id;
  shared.tasks = talk.tasks;
  CHECK(shared.Ask() == 200);

  // As a new one it may move, and then stays where it went.
  stolen.id.clear();
  CHECK(stolen.Ask("here?") == 200);
  CHECK(stolen.kinds == "imaaaaaaaf");
  CHECK(stolen.id != talk.id);
  CHECK(stolen.messages().size() == 4);
  CHECK(stolen.Ask("still here?") == 200);
  CHECK(service.Complaints().size() == 1);
}

TEST_CASE("tasks that differ in anything are refused, and the complaint says where") {
  Service service;
  service.AcceptApiKey(kKey);
  Talk talk(service, kKey);
  REQUIRE(talk.Ask() == 200);
  const auto refused = [&](auto change, const std::string& complaint) {
    Talk changed = talk;
    change(changed.tasks.mutable_tasks(0));
    CHECK(changed.Ask() == 400);
    return LastComplaintSays(complaint, service);
  };
  using Task = warppool::wire::Task;
  CHECK(refused([](Task* task) { task->clear_server_data(); }, "server_data"));
  CHECK(refused([](Task* task) { task->mutable_messages()->RemoveLast(); }, "1 came as a message instead of 2"));
  CHECK(refused([](Task* task) { task->mutable_messages()->SwapElements(0, 1); }, "message 1 is"));
  CHECK(refused([](Task* task) { task->mutable_messages(1)->mutable_agent_output()->set_text("Ecco: hello"); },
                "agent_output.text: \"Echo: hello\" -> \"Ecco: hello\""));
  CHECK(refused([](Task* task) { task->mutable_messages(0)->clear_server_message_data(); }, "server_message_data"));
  CHECK(refused([](Task* task) { task->mutable_messages(0)->DiscardUnknownFields(); }, "deleted: 4242"));
  CHECK(refused([](Task* task) { task->DiscardUnknownFields(); }, "4242"));
  CHECK(refused([](Task* task) { task->mutable_messages(0)->mutable_timestamp()->set_nanos(-1); }, "timestamp.nanos"));
  Talk extra = talk;
  extra.tasks.add_tasks()->set_id("task-of-mine");
  CHECK(extra.Ask() == 400);
  CHECK(LastComplaintSays("2 came as a task instead of 1", service));
  Talk empty = talk;
  empty.tasks.Clear();
  CHECK(empty.Ask() == 400);
  // None of it did any harm.
  CHECK(talk.Ask() == 200);
}

TEST_CASE("tasks that come from elsewhere must fit together") {
  Service service;
  service.AcceptApiKey(kKey);
  Talk talk(service, kKey);
  auto* task = talk.tasks.add_tasks();
  task->set_id("root-elsewhere");
  auto* message = task->add_messages();
  message->set_id("m1");
  message->set_task_id("task-elsewhere");
  CHECK(talk.Ask() == 400);
  CHECK(LastComplaintSays("message \"m1\" of task \"root-elsewhere\" names task \"task-elsewhere\"", service));
  message->set_task_id("root-elsewhere");
  CHECK(talk.Ask() == 200);
  CHECK(talk.kinds == "imaaaaaaaf");
  CHECK(talk.tasks.tasks(0).id() == "root-elsewhere");
  CHECK(talk.Ask() == 200);
}

TEST_CASE("only who has a conversation can resume or summarize it") {
  Service service;
  service.AcceptApiKey(kKey);
  Talk talk(service, kKey);
  CHECK(talk.Resume() == 400);
  REQUIRE(talk.Ask() == 200);
  CHECK(talk.Resume() == 200);
  CHECK(talk.text == "Resumed.");
  Request summarize = probe::WireRequest("");
  summarize.mutable_input()->mutable_summarize_conversation()->set_prompt("keep the names");
  CHECK(talk.Send(summarize) == 200);
  CHECK(talk.text == "Summarized.");
  CHECK(talk.messages()[2].system_query().has_resume_conversation());
  CHECK(talk.messages()[4].system_query().summarize_conversation().prompt() == "keep the names");
  CHECK(service.Complaints().size() == 1);
}

TEST_CASE("a request that fails leaves the conversation as it was") {
  Service service;
  service.On(kKey).Agent(loopback::Status(500).Times(1)).Agent(loopback::Quota().After(1).Times(1));
  Talk talk(service, kKey);
  CHECK(talk.Ask() == 500);
  CHECK(service.Conversations().empty());
  REQUIRE(talk.Ask() == 200);
  CHECK(talk.Ask() == 429);
  CHECK(talk.Ask() == 200);
  CHECK(talk.messages().size() == 4);
  CHECK(service.Complaints().empty());
}

TEST_CASE("tool results answer calls that are open") {
  Service service;
  service.On(kKey).Agent(loopback::Play({loopback::CallMcp("weather", "{}")}).Times(3));
  Talk talk(service, kKey);
  CHECK(talk.Send(McpResult("call-77")) == 400);
  CHECK(LastComplaintSays("there is no tool call \"call-77\"", service));
  REQUIRE(talk.Ask() == 200);
  const std::string call = LastCall(talk);
  CHECK(talk.Send(McpResult("")) == 400);

  Request wrong = McpResult(call);
  wrong.mutable_input()->mutable_user_inputs()->mutable_inputs(0)->mutable_tool_call_result()->mutable_grep();
  CHECK(talk.Send(wrong) == 400);
  CHECK(LastComplaintSays("is of call_mcp_tool, and its result of grep", service));
  Request twice = McpResult(call);
  twice.mutable_input()->mutable_user_inputs()->MergeFrom(McpResult(call).input().user_inputs());
  CHECK(talk.Send(twice) == 400);
  Request nothing = McpResult(call);
  nothing.mutable_input()->mutable_user_inputs()->mutable_inputs(0)->mutable_tool_call_result()->clear_call_mcp_tool();
  CHECK(talk.Send(nothing) == 400);

  CHECK(talk.Send(McpResult(call)) == 200);
  const auto& kept = talk.messages()[2].tool_call_result();
  CHECK(kept.tool_call_id() == call);
  CHECK(kept.call_mcp_tool().success().results(0).text().text() == "sunny");
  CHECK(talk.Send(McpResult(call)) == 400);
  CHECK(LastComplaintSays("answered already", service));

  // The call of the second answer stays open.
  const std::string second = LastCall(talk);
  CHECK(talk.Ask("never mind") == 200);
  CHECK(talk.Send(McpResult(second, "or do")) == 200);
  CHECK(talk.text == "Echo: or do");
  CHECK(talk.Ask() == 200);
  CHECK(service.Complaints().size() == 6);
}

TEST_CASE("an answer of results alone says how many there were") {
  Service service;
  service.On(kKey).Agent(loopback::Play({loopback::CallMcp("weather", "{}")}).Times(1));
  Talk talk(service, kKey);
  REQUIRE(talk.Ask() == 200);
  CHECK(talk.Send(McpResult(LastCall(talk))) == 200);
  CHECK(talk.text == "Results: 1");
}

TEST_CASE("after a clean cut, the client has what was sent, and no other") {
  const int after = GENERATE(1, 2, 3, 6);
  CAPTURE(after);
  Service service;
  service.On(kKey).Agent(loopback::Ok().CutAfter(after, Cut::kClean).Times(1));
  Talk talk(service, kKey);
  CHECK(talk.Ask() == 200);
  CHECK(talk.IsAsTheServiceHasIt());
  Talk behind = talk;
  behind.tasks.Clear();
  if (after > 1) {
    CHECK(behind.Ask() == 400);
    CHECK(talk.Resume() == 200);
  }
  CHECK(talk.Ask() == 200);
  CHECK(service.Complaints().size() == (after > 1 ? 1 : 0));
}

TEST_CASE("after a reset or a stall, the client may have any part of what was sent") {
  const auto how = GENERATE(Cut::kReset, Cut::kStall);
  const int has = GENERATE(1, 2, 3, 5);
  CAPTURE(has);
  const probe::SigpipeIgnored guard;
  Service service;
  service.On(kKey).Agent(loopback::Ok().Text("abcdefgh").CutAfter(5, how).Times(1));
  Talk talk(service, kKey);
  // Of a stall its client would wait for ever.
  CHECK(talk.Send(probe::WireRequest("hello"), has, 5) == 200);
  Talk wrong = talk;
  wrong.tasks.add_tasks()->set_id("task-of-mine");
  CHECK(wrong.Ask() == 400);
  CHECK(LastComplaintSays("up to any of the answer's events", service));
  CHECK((has == 1 ? talk.Ask() : talk.Resume()) == 200);
  // Which part it was is settled now.
  CHECK(talk.Ask() == 200);
  CHECK(talk.IsAsTheServiceHasIt());
  CHECK(service.Complaints().size() == 1);
}

TEST_CASE("a client that breaks a finished answer off needs somebody who says so") {
  Service service;
  service.AcceptApiKey(kKey);
  Talk talk(service, kKey);
  REQUIRE(talk.Send(probe::WireRequest("hello"), 4) == 200);
  CHECK(talk.Ask() == 400);
  service.AcceptAnyPrefix(talk.id);
  CHECK(talk.Ask() == 200);
  CHECK(talk.Ask() == 200);
  CHECK(service.Complaints().size() == 1);
}

TEST_CASE("a client that goes while the answer is sent may have any part of it") {
  const probe::SigpipeIgnored guard;
  Service service;
  service.On(kKey).Agent(loopback::Ok().Gap(1h).Times(1));
  Talk talk(service, kKey);
  REQUIRE(talk.Send(probe::WireRequest("hello"), 1, 1) == 200);
  CHECK(talk.Ask() == 200);
  CHECK(service.Complaints().empty());
}

TEST_CASE("a client that goes in the middle of the last event does not have it") {
  const probe::SigpipeIgnored guard;
  // One thread: it is done with this answer before it takes the next request.
  Service service({.threads = 1});
  service.On(kKey).Agent(loopback::Ok().Text(std::string(16U << 20U, 'x')).CutAfter(3, Cut::kClean).Chunks(1).Times(1));
  Talk talk(service, kKey);
  REQUIRE(talk.Send(probe::WireRequest("hello"), 2, 2) == 200);
  CHECK(talk.Ask() == 200);
  CHECK(service.Complaints().empty());
}

TEST_CASE("a transaction that an answer leaves open is rolled back, whatever its end") {
  const auto play = [] { return loopback::Play({loopback::Say("a"), loopback::Begin(), loopback::Say("b", 1)}); };
  const auto behaviour = GENERATE_COPY(play(), play().FinishAs("internal_error"), play().FinishAs("none"),
                                       play().CutAfter(5, Cut::kClean), play().CutAfter(4, Cut::kReset));
  const probe::SigpipeIgnored guard;
  Service service;
  service.On(kKey).Agent(loopback::Behaviour(behaviour).Times(1));
  Talk talk(service, kKey);
  CHECK(talk.Ask() == 200);
  REQUIRE(talk.messages().size() == 2);
  CHECK(talk.messages()[1].agent_output().text() == "a");
  CHECK(talk.IsAsTheServiceHasIt());
  CHECK(talk.Ask() == 200);
  CHECK(service.Complaints().empty());
}

TEST_CASE("a script that does not fit fails the request, with a complaint") {
  Service service;
  service.On(kKey).Agent(loopback::Play({loopback::MoveAway(5)}).Times(1));
  Talk talk(service, kKey);
  CHECK(talk.Ask() == 500);
  CHECK(LastComplaintSays("the script does not fit", service));
  CHECK(service.Conversations().empty());
  CHECK(talk.Ask() == 200);
}

TEST_CASE("after an action that a client must not take, it may have stopped anywhere") {
  Service service;
  service.On(kKey).Agent(
      loopback::Play({loopback::Say("a"), loopback::AddToUnknownTask(), loopback::Say("b")}).Times(1));
  Talk talk(service, kKey);
  REQUIRE(talk.Ask() == 200);
  CHECK(talk.illegal == 1);
  Talk stopped = talk;
  stopped.tasks.mutable_tasks(0)->mutable_messages()->RemoveLast();
  CHECK(stopped.Ask() == 200);
  CHECK(service.Complaints().empty());
}

TEST_CASE("scripted turns can be delayed, packed and sent byte by byte as any other") {
  Service service;
  const std::vector<loopback::Step> steps = {
      loopback::Reason("well", 2), loopback::SubTask("look", {loopback::Say("found")}),
      loopback::Todos({"one"}),    loopback::Say("ab", 2),
      loopback::MoveAway(1),
  };
  service.On(kKey)
      .Agent(loopback::Play(steps).ByteByByte().Times(1))
      .Agent(loopback::Play(steps).Pack(3).Gap(1ms).Times(1));
  Talk talk(service, kKey);
  REQUIRE(talk.Ask() == 200);
  CHECK(talk.kinds.size() == 11);
  CHECK(talk.IsAsTheServiceHasIt());
  REQUIRE(talk.Ask() == 200);
  CHECK(talk.kinds.size() == 5);
  CHECK(talk.IsAsTheServiceHasIt());
  CHECK(talk.tasks.tasks_size() == 5);
  CHECK(talk.Ask() == 200);
  CHECK(service.Complaints().empty());
}

TEST_CASE("random conversations, cut anywhere, go on") {
  const probe::SigpipeIgnored guard;
  Service service;
  service.AcceptApiKey(kKey);
  std::uint32_t seed = 0;
  std::mutex mutex;
  service.Decide([&](loopback::Endpoint, const std::string&) {
    const std::lock_guard<std::mutex> lock(mutex);
    ++seed;
    auto behaviour = loopback::Random(seed).Pack(1 + static_cast<int>(seed % 3));
    if (seed % 2 == 0) behaviour.CutAfter(static_cast<int>(seed % 17), seed % 4 == 0 ? Cut::kReset : Cut::kClean);
    return behaviour;
  });
  for (int conversation = 0; conversation < 20; ++conversation) {
    Talk talk(service, kKey);
    for (int turn = 0; turn < 10; ++turn) {
      const int status = turn % 3 == 2 && !talk.tasks.tasks().empty() ? talk.Resume() : talk.Ask();
      REQUIRE(status == 200);
      REQUIRE(talk.illegal == 0);
      REQUIRE(talk.IsAsTheServiceHasIt());
    }
  }
  CHECK(service.Complaints().empty());
}

TEST_CASE("the conversations that were not used for longest are forgotten") {
  Service service({.keep_requests = false});
  service.AcceptApiKey(kKey);
  Talk used(service, kKey);
  Talk unused(service, kKey);
  REQUIRE(used.Ask() == 200);
  REQUIRE(unused.Ask() == 200);
  const auto client = probe::Connect(service);
  const auto body = probe::WireRequest("hello").SerializeAsString();
  for (int i = 0; i < 999; ++i) {
    if (i == 500) REQUIRE(used.Ask() == 200);
    REQUIRE(probe::Status(client->Post("/ai/multi-agent", probe::AgentHeaders(kKey), body, probe::kProtobuf)) == 200);
  }
  CHECK(service.Conversations().size() == 1000);
  CHECK(unused.Ask() == 400);
  CHECK(used.Ask() == 200);
}
