#include "conversation/change_events.h"

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "protocol/map_entry.h"
#include "unit/conversation/actions.h"

namespace warppool::internal {
namespace {

using Lines = std::vector<std::string>;

std::string Line(const Event& event) {
  struct Writer {
    using S = std::string;
    static S Join(std::initializer_list<std::string_view> parts) {
      S text;
      for (const auto& part : parts) text += (text.empty() ? "" : " ") + S(part);
      return text;
    }
    S operator()(const TextDelta& e) const { return Join({"text", e.message_id, "+", e.text}); }
    S operator()(const TextReplaced& e) const { return Join({"text", e.message_id, "=", e.text}); }
    S operator()(const ReasoningDelta& e) const { return Join({"thought", e.message_id, "+", e.text}); }
    S operator()(const ReasoningReplaced& e) const { return Join({"thought", e.message_id, "=", e.text}); }
    S operator()(const MessageAdded& e) const {
      return Join({"added", e.task_id, e.message_id, MessageKindName(e.kind), e.in_root ? "root" : "sub", e.json});
    }
    S operator()(const MessageReplaced& e) const {
      return Join({"replaced", e.task_id, e.message_id, MessageKindName(e.kind), e.in_root ? "root" : "sub", e.json});
    }
    S operator()(const MessageAppended& e) const {
      return Join({"appended", e.task_id, e.message_id, e.field, e.text});
    }
    S operator()(const MessageRetracted& e) const {
      return Join({"retracted", e.task_id, e.message_id, e.in_root ? "root" : "sub"});
    }
    S operator()(const ToolCall& e) const {
      return Join({"call", e.task_id, e.message_id, e.id, e.tool, e.name, e.server_id, e.arguments});
    }
    S operator()(const TodoList& e) const { return Join({"todos", e.task_id, e.json}); }
    S operator()(const TaskCreated& e) const { return Join({"task", e.task_id, "of", e.parent_id, e.description}); }
    S operator()(const TaskChanged& e) const { return Join({"changed", e.task_id, e.field, e.value}); }
    S operator()(const TaskRetracted& e) const { return Join({"no task", e.task_id}); }
    S operator()(const Suggestions& e) const { return Join({"suggests", e.json}); }
    S operator()(const NewConversationSuggested& e) const { return Join({"new conversation", e.message_id}); }
    S operator()(const UnknownEvent& e) const { return Join({"unknown", e.kind}); }
    S operator()(const StreamStarted& /*e*/) const { return "!"; }
    S operator()(const AttemptFailed& /*e*/) const { return "!"; }
    S operator()(const Waiting& /*e*/) const { return "!"; }
    S operator()(const ConversationMoved& /*e*/) const { return "!"; }
    S operator()(const Finished& /*e*/) const { return "!"; }
    S operator()(const RawEvent& /*e*/) const { return "!"; }
  };
  return std::visit(Writer(), event);
}

struct Story {
  // What is told of `action`.
  Lines Do(wire::ClientAction action) {
    Lines lines;
    const Emit emit(
        [&](const Event& event) {
          lines.push_back(Line(event));
          return true;
        },
        detail);
    if (!TaskTree::Concerns(action)) {
      Tell(action, emit);
      return lines;
    }
    Changes changes;
    const char* ignored = nullptr;
    const Status status = tree.Apply(&action, &changes, &ignored);
    INFO(status.ToString());
    REQUIRE(status.ok());
    for (const Change& change : changes) Tell(change, emit);
    return lines;
  }

  TaskTree tree;
  EventDetail detail = EventDetail::kAll;
};

TEST_CASE("the agent output of the root task is told as text") {
  Story story;
  CHECK(story.Do(Create("root")) == Lines{"task root of  "});
  CHECK(story.Do(Add("root", {Output("m1", "Hel")})) == Lines{"added root m1 agent_output root ", "text m1 + Hel"});
  CHECK(story.Do(Append("root", Output("m1", "lo"))) == Lines{"text m1 + lo"});
  CHECK(story.Do(Append("root", Output("m1", ""))).empty());
  CHECK(story.Do(Update("root", Output("m1", "Hello, you"), {"agent_output.text"})) == Lines{"text m1 + , you"});
  CHECK(story.Do(Update("root", Output("m1", "Hello, you"), {"agent_output.text"})).empty());
  CHECK(story.Do(Update("root", Output("m1", "Bye"), {"agent_output.text"})) == Lines{"text m1 = Bye"});
  CHECK(story.Do(Add("root", {Output("m2", "")})) == Lines{"added root m2 agent_output root "});
}

TEST_CASE("reasoning of the root task is told as reasoning") {
  Story story;
  story.Do(Create("root"));
  CHECK(story.Do(Add("root", {Reasoning("m1", "Hm")})) ==
        Lines{"added root m1 agent_reasoning root ", "thought m1 + Hm"});
  CHECK(story.Do(Append("root", Reasoning("m1", ", yes"), {"agent_reasoning.reasoning"})) ==
        Lines{"thought m1 + , yes"});
  CHECK(story.Do(Update("root", Reasoning("m1", "No"))) == Lines{"thought m1 = No"});
}

TEST_CASE("what another task says is told as messages") {
  Story story;
  story.Do(Create("root"));
  CHECK(story.Do(Create("sub", "root", {Output("m1", "found")})) ==
        Lines{"task sub of root ", R"(added sub m1 agent_output sub {"text":"found"})"});
  CHECK(story.Do(Append("sub", Output("m1", " it"))) == Lines{"appended sub m1 agent_output.text  it"});
  CHECK(story.Do(Update("sub", Output("m1", "none"))) == Lines{R"(replaced sub m1 agent_output sub {"text":"none"})"});
}

TEST_CASE("a message that becomes another kind is taken back and told anew") {
  Story story;
  story.Do(Create("root", "", {Reasoning("m1", "said")}));
  CHECK(story.Do(Update("root", Output("m1", "said aloud"))) ==
        Lines{"retracted root m1 root", "added root m1 agent_output root ", "text m1 + said aloud"});
}

TEST_CASE("a tool call is told with its arguments as JSON, again when it changes") {
  Story story;
  story.Do(Create("root"));
  wire::Message call = McpCall("m1", "call-1", "weather");
  auto* mcp = call.mutable_tool_call()->mutable_call_mcp_tool();
  mcp->set_server_id("s1");
  AddEntry("city", mcp->mutable_args()->mutable_fields())->set_string_value("Graz");
  CHECK(story.Do(Add("root", {call})).back() == R"(call root m1 call-1 call_mcp_tool weather s1 {"city":"Graz"})");
  mcp->set_name("forecast");
  const Lines again = story.Do(Update("root", call, {"tool_call"}));
  REQUIRE(again.size() == 2);
  CHECK(again[0].substr(0, 24) == "replaced root m1 tool_ca");
  CHECK(again[1] == R"(call root m1 call-1 call_mcp_tool forecast s1 {"city":"Graz"})");

  wire::Message shell;
  shell.set_id("m2");
  shell.mutable_tool_call()->set_tool_call_id("call-2");
  shell.mutable_tool_call()->mutable_run_shell_command()->set_command("ls");
  shell.mutable_tool_call()->mutable_run_shell_command()->set_is_read_only(true);
  CHECK(story.Do(Add("root", {shell})).back() ==
        R"(call root m2 call-2 run_shell_command   {"command":"ls","is_read_only":true})");
}

TEST_CASE(
    "who reads only the text is told of messages without what they say, and not of calls, to-dos and suggestions") {
  Story story;
  story.detail = EventDetail::kText;
  CHECK(story.Do(Create("root", "", {Output("m1", "a")})) ==
        Lines{"task root of  ", "added root m1 agent_output root ", "text m1 + a"});
  wire::Message todos;
  todos.set_id("m3");
  todos.mutable_update_todos()->mutable_create_todo_list()->add_initial_todos()->set_id("t1");
  CHECK(story.Do(Add("root", {McpCall("m2", "call-1", "weather"), todos})) ==
        Lines{"added root m2 tool_call root ", "added root m3 update_todos root "});
  CHECK(story.Do(Update("root", McpCall("m2", "call-1", "forecast"))) == Lines{"replaced root m2 tool_call root "});
  CHECK(story.Do(Update("root", Output("m3", "b"))) ==
        Lines{"retracted root m3 root", "added root m3 agent_output root ", "text m3 + b"});
  wire::ClientAction suggestions;
  suggestions.mutable_show_suggestions();
  CHECK(story.Do(suggestions).empty());
}

TEST_CASE("a tool that the schema does not have is told without a name, with its bytes") {
  wire::Message message;
  message.set_id("m1");
  auto* call = message.mutable_tool_call();
  call->set_tool_call_id("call-1");
  call->GetReflection()->MutableUnknownFields(call)->AddLengthDelimited(24, "");
  wire::Task task;
  task.set_id("root");
  const PendingToolCall read = ReadToolCall(task, message);
  CHECK(read.tool.empty());
  CHECK(read.arguments.empty());
  CHECK(read.bytes == call->SerializeAsString());
}

TEST_CASE("the to-do list is told as it stands") {
  Story story;
  story.Do(Create("root"));
  const auto todos = [](const std::string& id) {
    wire::Message message;
    message.set_id(id);
    message.mutable_update_todos();
    return message;
  };
  wire::Message create = todos("m1");
  for (const char* title : {"one", "two", "three"}) {
    auto* item = create.mutable_update_todos()->mutable_create_todo_list()->add_initial_todos();
    item->set_id(std::string("t-") + title);
    item->set_title(title);
  }
  wire::Message done = todos("m2");
  done.mutable_update_todos()->mutable_mark_todos_completed()->add_todo_ids("t-one");
  wire::Message pending = todos("m3");
  pending.mutable_update_todos()->mutable_update_pending_todos()->add_updated_pending_todos()->set_id("t-four");
  story.Do(Add("root", {create}));
  story.Do(Add("root", {done}));
  CHECK(story.Do(Add("root", {pending})).back() ==
        R"(todos root [{"id":"t-one","title":"one","description":"","done":true},)"
        R"({"id":"t-four","title":"","description":"","done":false}])");
}

TEST_CASE("a move takes messages from one task and brings them to the other") {
  Story story;
  story.Do(Create("root", "", {Output("m1", "a"), Output("m2", "b")}));
  CHECK(story.Do(Move("root", "old", "m1", "m1", 1, {Output("r1", "sum")})) ==
        Lines{"task old of root ", "retracted root m1 root", R"(added old m1 agent_output sub {"text":"a"})",
              "added root r1 agent_output root ", "text r1 + sum"});
}

TEST_CASE("a rollback takes back what was shown") {
  Story story;
  story.Do(Create("root", "", {Output("m1", "kept")}));
  story.Do(Begin());
  story.Do(Append("root", Output("m1", " and gone")));
  story.Do(Add("root", {Output("m2", "gone")}));
  story.Do(Create("sub", "root", {Output("m3", "gone")}));
  CHECK(story.Do(Rollback()) ==
        Lines{"retracted sub m3 sub", "no task sub", "retracted root m2 root", "text m1 = kept"});
}

TEST_CASE("what changes no task is told as it is") {
  Story story;
  wire::ClientAction suggestions;
  auto* rule = suggestions.mutable_show_suggestions()->add_rules();
  rule->set_name("n");
  rule->set_logging_id("l");
  CHECK(story.Do(suggestions) == Lines{R"(suggests {"rules":[{"name":"n","logging_id":"l"}]})"});
  wire::ClientAction conversation;
  conversation.mutable_start_new_conversation()->set_start_from_message_id("m1");
  CHECK(story.Do(conversation) == Lines{"new conversation m1"});
  CHECK(story.Do(wire::ClientAction()) == Lines{"unknown "});
}

TEST_CASE("who stops listening is told nothing more") {
  Story story;
  Changes changes;
  const char* ignored = nullptr;
  wire::ClientAction create = Create("root", "", {Output("m1", "a")});
  REQUIRE(story.tree.Apply(&create, &changes, &ignored).ok());
  int told = 0;
  for (const Change& change : changes) {
    Tell(change, [&](const Event& /*event*/) {
      ++told;
      return false;
    });
  }
  CHECK(told == 2);  // the task, and the message without its text
}

TEST_CASE("a message that one action brings twice is told once, as it is then") {
  Story story;
  story.Do(Create("root"));
  CHECK(story.Do(Add("root", {Output("m1", "Hel"), Output("m1", "Hello")})) ==
        Lines{"added root m1 agent_output root ", "text m1 + Hello"});
  CHECK(story.Do(Add("root", {Output("m1", "Hello,"), Output("m1", "Hello, you")})) == Lines{"text m1 + , you"});
}

TEST_CASE("the to-do list is told again when a message that it was made of is taken back") {
  Story story;
  wire::Message todos;
  todos.set_id("m1");
  todos.mutable_update_todos()->mutable_create_todo_list()->add_initial_todos()->set_id("t");
  story.Do(Create("root"));
  SECTION("by a rollback") {
    story.Do(Begin());
    story.Do(Add("root", {todos}));
    CHECK(story.Do(Rollback()) == Lines{"retracted root m1 root", "todos root []"});
  }
  SECTION("by a rollback that makes it again what it was") {
    story.Do(Add("root", {Output("m1", "a")}));
    story.Do(Begin());
    story.Do(Update("root", todos));
    const Lines told = story.Do(Rollback());
    REQUIRE_FALSE(told.empty());
    CHECK(told.front() == "retracted root m1 root");
    CHECK(told.back() == "todos root []");
  }
  SECTION("by a move") {
    story.Do(Add("root", {todos}));
    CHECK(story.Do(Move("root", "old", "m1", "m1", 1)).back() == "todos root []");
  }
  SECTION("by becoming something else") {
    story.Do(Add("root", {todos}));
    CHECK(story.Do(Update("root", Output("m1", "a"))).back() == "todos root []");
  }
}

TEST_CASE("the texts of a task are told as they are after a rollback, and none of a task that is gone") {
  Story story;
  const auto describe = [](const std::string& task, const std::string& text) {
    wire::ClientAction action;
    action.mutable_update_task_description()->set_task_id(task);
    action.mutable_update_task_description()->set_description(text);
    return action;
  };
  story.Do(Create("root"));
  story.Do(describe("root", std::string(100, 'a')));
  story.Do(Begin());
  story.Do(describe("root", std::string(40, 'b')));
  story.Do(describe("root", std::string(40, 'c')));
  story.Do(Create("sub", "root"));
  story.Do(describe("sub", "gone"));
  CHECK(story.Do(Rollback()) == Lines{"no task sub", "changed root description " + std::string(100, 'a')});
}

// Follows the events as a program that shows the answer would.
struct Viewer {
  void See(const Event& event) {
    if (const auto* added = std::get_if<MessageAdded>(&event)) {
      if (added->in_root && added->kind == MessageKind::kAgentOutput) texts[std::string(added->message_id)].clear();
    } else if (const auto* delta = std::get_if<TextDelta>(&event)) {
      texts[std::string(delta->message_id)] += delta->text;
    } else if (const auto* replaced = std::get_if<TextReplaced>(&event)) {
      texts[std::string(replaced->message_id)] = replaced->text;
    } else if (const auto* retracted = std::get_if<MessageRetracted>(&event)) {
      if (retracted->in_root) texts.erase(std::string(retracted->message_id));
    }
  }
  std::map<std::string, std::string> texts;
};

TEST_CASE("whoever follows the events sees what the tasks hold, whatever happens") {
  const auto seed = GENERATE(range(1U, 40U));
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto pick = [&](unsigned n) { return static_cast<int>(random() % n); };
  TaskTree tree;
  Viewer viewer;
  std::string before_transaction;
  bool open = false;
  int next = 0;
  const auto do_one = [&](const wire::ClientAction& action) {
    Changes changes;
    const char* ignored = nullptr;
    wire::ClientAction own = action;
    const Status status = tree.Apply(&own, &changes, &ignored);
    INFO(action.ShortDebugString() << ": " << status.ToString());
    REQUIRE(status.ok());
    for (const Change& change : changes) {
      Tell(change, [&](const Event& event) {
        viewer.See(event);
        return true;
      });
    }
  };
  do_one(Create("root"));
  for (int step = 0; step < 300; ++step) {
    const auto& tasks = tree.context().tasks();
    const wire::Task& task = tasks[pick(static_cast<unsigned>(tasks.size()))];
    const std::string id = task.id();
    const int count = task.messages_size();
    const std::string message = count == 0 ? "" : task.messages(pick(static_cast<unsigned>(count))).id();
    const std::string fresh = "x" + std::to_string(next++);
    switch (pick(10)) {
      case 0:
        do_one(Create(fresh, id));
        break;
      case 1:
      case 2:
        do_one(Add(id, {Output(fresh, "t" + fresh)}));
        break;
      case 3:
        if (count > 0) do_one(Add(id, {pick(2) == 0 ? Output(message, "again") : Reasoning(message, "thought")}));
        break;
      case 4:
        if (count > 0) {
          const bool thinks =
              task.messages(*tree.store().FindMessage(*tree.store().FindTask(id), message)).has_agent_reasoning();
          do_one(thinks ? Append(id, Reasoning(message, "+" + fresh), {"agent_reasoning.reasoning"})
                        : Append(id, Output(message, "+" + fresh)));
        }
        break;
      case 5:
        if (count > 0) do_one(Update(id, Output(message, "=" + fresh), {"agent_output.text"}));
        break;
      case 6:
        if (count > 1) {
          const int first = pick(static_cast<unsigned>(count));
          const int last = first + pick(static_cast<unsigned>(count - first));
          do_one(Move(id, fresh, task.messages(first).id(), task.messages(last).id(),
                      static_cast<unsigned>(last - first + 1), {Output("r" + fresh, "sum")}));
        }
        break;
      case 7:
        if (!open) before_transaction = tree.context().SerializeAsString();
        open = true;
        do_one(Begin());
        break;
      case 8:
        do_one(Commit());
        open = false;
        break;
      case 9:
        do_one(Rollback());
        if (open) CHECK(tree.context().SerializeAsString() == before_transaction);
        open = false;
        break;
    }
    std::map<std::string, std::string> held;
    for (const wire::Message& said : tree.context().tasks(0).messages()) {
      if (said.has_agent_output()) held[said.id()] = said.agent_output().text();
    }
    REQUIRE(viewer.texts == held);
    if (open) REQUIRE(tree.Committed().context().SerializeAsString() == before_transaction);
  }
}

}  // namespace
}  // namespace warppool::internal
