// The loopback service's answers, made of steps.
#include "turn.h"

#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.h"
#include "history_check.h"
#include "steps.h"

using loopback::Answer;
using loopback::Step;
using loopback::TaskList;
using loopback::Tasks;
using loopback::Turn;
using warppool::wire::ClientAction;

namespace {

struct Played {
  std::vector<Turn::Event> events;
  Tasks settled;
  std::string problem;
  bool has_illegal = false;
};

Played Play(const Answer& answer, const Tasks& before = {}) {
  Played played;
  Turn turn(answer, before,
            [&](const Turn::Event& event, const Tasks& /*settled*/) { played.events.push_back(event); });
  turn.Run();
  played.settled = turn.settled();
  played.problem = turn.problem();
  played.has_illegal = turn.has_illegal();
  return played;
}

Played Play(std::vector<Step> steps, const Tasks& before = {}) {
  Answer answer;
  answer.steps = std::move(steps);
  return Play(answer, before);
}

// "1 2 1": the actions of each event.
std::string Sizes(const Played& played) {
  std::string all;
  for (const auto& event : played.events) {
    all += (all.empty() ? "" : " ") + std::to_string(event.client_actions().actions_size());
  }
  return all;
}

const warppool::wire::Message& Last(const Played& played) {
  return *played.settled.tasks(0).messages().rbegin();
}

}  // namespace

TEST_CASE("an answer's first event creates the root task if there is none") {
  const auto first = Play({loopback::Say("hello", 2)});
  REQUIRE(Sizes(first) == "1 1 1");
  CHECK(first.events[0].client_actions().actions(0).has_create_task());
  CHECK(first.settled.tasks(0).id() == "task-0");
  CHECK(Last(first).agent_output().text() == "hello");
  Answer answer;
  answer.request_id = "request-1";
  answer.steps = {loopback::Say("again", 2)};
  const auto second = Play(answer, first.settled);
  CHECK(Sizes(second) == "1 1");
  CHECK(second.settled.tasks(0).messages_size() == 2);
}

TEST_CASE("what the request brought comes with the first action, into the root task") {
  Answer answer;
  answer.inputs.emplace_back().mutable_user_query()->set_query("why?");
  answer.inputs.emplace_back().mutable_tool_call_result()->set_tool_call_id("call-1");
  answer.steps = {loopback::Begin(), loopback::Say("so", 2), loopback::Rollback()};
  const auto played = Play(answer);
  CHECK(Sizes(played) == "1 2 1 1 1");
  REQUIRE(played.settled.tasks(0).messages_size() == 2);
  const auto& query = played.settled.tasks(0).messages(0);
  CHECK(query.user_query().query() == "why?");
  CHECK_FALSE(query.id().empty());
  CHECK(query.task_id() == "task-0");
  CHECK(query.request_id() == "request-0");
  CHECK(query.has_timestamp());
  CHECK_FALSE(query.server_message_data().empty());
  CHECK(query.GetReflection()->GetUnknownFields(query).field(0).number() == 4242);
  answer.steps.clear();
  CHECK(Sizes(Play(answer)) == "1 1");
  answer.with_actions = false;
  CHECK(Play(answer).events.empty());
}

TEST_CASE("an answer can depend on whether the request brought a tool's result") {
  Answer answer;
  answer.steps = {loopback::IfToolResults({loopback::Say("thanks")}, {loopback::CallMcp("weather", "{}")})};
  answer.inputs.emplace_back().mutable_user_query()->set_query("why?");
  const auto first = Play(answer);
  CHECK(Last(first).has_tool_call());
  answer.request_id = "request-1";
  answer.inputs[0].mutable_tool_call_result()->set_tool_call_id(Last(first).tool_call().tool_call_id());
  CHECK(Last(Play(answer, first.settled)).agent_output().text() == "thanks");
}

TEST_CASE("actions are packed, but for the first task and what is illegal") {
  Answer answer;
  answer.actions_per_event = 3;
  answer.inputs.emplace_back().mutable_user_query()->set_query("why?");
  answer.steps = {loopback::Say("abcdefg", 7), loopback::CreateOrphan(), loopback::Say("ab", 2)};
  CHECK(Sizes(Play(answer)) == "1 4 3 1 1 2");
}

TEST_CASE("each step does what it says") {
  CHECK(Last(Play({loopback::Reason("well", 2)})).agent_reasoning().reasoning() == "well");
  CHECK(Last(Play({loopback::Say("a"), loopback::Rewrite("b")})).agent_output().text() == "b");
  const auto mcp = Last(Play({loopback::CallMcp("weather", R"({"city":"Graz"})", "s1")}));
  CHECK_FALSE(mcp.tool_call().tool_call_id().empty());
  CHECK(mcp.tool_call().call_mcp_tool().args().fields(0).value().string_value() == "Graz");
  CHECK(mcp.tool_call().call_mcp_tool().server_id() == "s1");
  CHECK(Last(Play({loopback::CallShell("ls")})).tool_call().run_shell_command().command() == "ls");
  warppool::wire::Message::ToolCall grep;
  grep.mutable_grep()->add_queries("x");
  CHECK(Last(Play({loopback::Call(grep.SerializeAsString())})).tool_call().grep().queries(0) == "x");
  const auto todos = Last(Play({loopback::Todos({"one", "two"})})).update_todos().create_todo_list();
  CHECK((todos.initial_todos(1).id() == "todo-2" && todos.initial_todos(1).title() == "two"));
  CHECK(Last(Play({loopback::TodosDone({"todo-1"})})).update_todos().mark_todos_completed().todo_ids(0) == "todo-1");
  warppool::wire::Message debug;
  debug.mutable_debug_output()->set_text("d");
  CHECK(Last(Play({loopback::AddMessage(debug.SerializeAsString())})).debug_output().text() == "d");

  const auto named = Play({loopback::Description("d"), loopback::Summary("s"), loopback::ServerData("x")}).settled;
  CHECK(named.tasks(0).description() + named.tasks(0).summary() + named.tasks(0).server_data() == "dsx");

  CHECK(Sizes(Play({loopback::Begin(), loopback::Say("a"), loopback::Commit(), loopback::SuggestRule("n", "c"),
                    loopback::SuggestNewConversation(), loopback::UnknownAction()})) == "1 1 1 1 1 1 1");
}

TEST_CASE("a subtask has its own messages, and what follows is again in the task above") {
  const auto played = Play(
      {loopback::SubTask("research", {loopback::Say("below"), loopback::SubTask("more", {})}), loopback::Say("above")});
  REQUIRE(played.settled.tasks_size() == 3);
  CHECK(played.settled.tasks(1).messages(0).agent_output().text() == "below");
  CHECK(played.settled.tasks(1).dependencies().parent_task_id() == "task-0");
  CHECK(played.settled.tasks(2).dependencies().parent_task_id() == played.settled.tasks(1).id());
  CHECK(Last(played).agent_output().text() == "above");
}

TEST_CASE("messages move away, and a summary stays") {
  const auto played = Play({loopback::Say("a"), loopback::Say("b"), loopback::Say("c"), loopback::MoveAway(2)});
  REQUIRE(played.settled.tasks_size() == 2);
  CHECK(played.settled.tasks(0).messages_size() == 2);
  CHECK(Last(played).has_summarization());
  CHECK(played.settled.tasks(1).messages(1).agent_output().text() == "c");
}

TEST_CASE("a transaction that is left open is rolled back at the end") {
  const auto played = Play({loopback::Say("a"), loopback::Begin(), loopback::Say("b")});
  CHECK(Last(played).agent_output().text() == "a");
}

TEST_CASE("a step that does not fit is a problem of the script") {
  CHECK(Play({loopback::Say("a"), loopback::MoveAway(2)}).problem == "the task has 1 messages, not 2");
  CHECK_FALSE(Play({loopback::MoveAway(0)}).problem.empty());
  CHECK_FALSE(Play({loopback::Rewrite("b")}).problem.empty());
  CHECK_FALSE(Play({loopback::SuggestNewConversation()}).problem.empty());
  CHECK_FALSE(Play({loopback::MoveMiscounted()}).problem.empty());
  CHECK_FALSE(
      Play({loopback::Begin(), loopback::SubTask("x", {loopback::Rollback(), loopback::Say("y")})}).problem.empty());
  CHECK_THROWS_AS(loopback::CallMcp("f", "[1]"), std::invalid_argument);
  CHECK_THROWS_AS(loopback::Action("\xFF"), std::invalid_argument);
}

TEST_CASE("what is illegal is sent, and changes nothing") {
  for (const Step& step : {loopback::AppendToUnknownMessage(), loopback::AddToUnknownTask(), loopback::CreateOrphan(),
                           loopback::MoveMiscounted(), loopback::AppendToNumber()}) {
    const auto played = Play({loopback::Say("a"), step});
    CHECK(played.problem.empty());
    CHECK(played.has_illegal);
    REQUIRE(Sizes(played) == "1 1 1");
    TaskList client;
    CHECK(client.Apply(played.events[0].client_actions().actions(0)).empty());
    CHECK(client.Apply(played.events[1].client_actions().actions(0)).empty());
    CHECK_FALSE(client.Apply(played.events[2].client_actions().actions(0)).empty());
    CHECK(loopback::AreSame(client.now(), played.settled));
  }
  CHECK_FALSE(Play({loopback::Say("a"), loopback::UnknownAction()}).has_illegal);
}

TEST_CASE("improvised turns are legal, repeatable, and of all kinds") {
  std::map<int, int> kinds;
  std::set<std::string> paths;
  int rolled_back = 0;
  for (std::uint32_t conversation = 0; conversation < 40; ++conversation) {
    Tasks tasks;
    for (std::uint32_t turn = 0; turn < 8; ++turn) {
      Answer answer;
      answer.request_id = "request-" + std::to_string(turn);
      answer.inputs.emplace_back().mutable_user_query()->set_query("go on");
      answer.steps = {loopback::Improvise(conversation * 100 + turn)};
      answer.actions_per_event = 1 + static_cast<int>(conversation % 3);
      const auto played = Play(answer, tasks);
      REQUIRE(played.problem.empty());
      REQUIRE_FALSE(played.has_illegal);
      const auto again = Play(answer, tasks);
      REQUIRE(again.events.size() == played.events.size());
      TaskList client(tasks);
      for (std::size_t i = 0; i < played.events.size(); ++i) {
        REQUIRE(loopback::Bytes(played.events[i]) == loopback::Bytes(again.events[i]));
        for (const auto& action : played.events[i].client_actions().actions()) {
          REQUIRE(client.Apply(action).empty());
          ++kinds[action.action_case()];
          for (const auto& path : action.update_task_message().mask().paths()) paths.insert(path);
          for (const auto& path : action.append_to_message_content().mask().paths()) paths.insert("+" + path);
        }
      }
      rolled_back += client.in_transaction() ? 1 : 0;
      REQUIRE(loopback::AreSame(client.settled(), played.settled));
      REQUIRE(loopback::CheckHistory(played.settled).empty());
      tasks = played.settled;
    }
  }
  CHECK(kinds.size() == 14);  // 13 in the schema, and one that is not
  CHECK(paths.size() > 15);
  CHECK(rolled_back > 0);
}
