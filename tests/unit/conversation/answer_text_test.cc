#include "conversation/answer_text.h"

#include <google/protobuf/unknown_field_set.h>

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace warppool {
namespace {

using Lines = std::vector<std::string>;

// Applies actions, and writes down what comes: "+m1:delta", "=m1:replacement", "?kind".
struct Conversation {
  void Apply(const wire::ClientAction& action) {
    text.Apply(action, [&](const Event& event) {
      if (const auto* delta = std::get_if<TextDelta>(&event)) {
        lines.push_back("+" + std::string(delta->message_id) + ":" + std::string(delta->text));
      } else if (const auto* replaced = std::get_if<TextReplaced>(&event)) {
        lines.push_back("=" + std::string(replaced->message_id) + ":" + std::string(replaced->text));
      } else if (const auto* unknown = std::get_if<UnknownEvent>(&event)) {
        lines.push_back("?" + std::string(unknown->kind));
        bytes.emplace_back(unknown->bytes);
      } else {
        lines.emplace_back("!");
      }
    });
  }
  Lines Take() { return std::exchange(lines, {}); }

  AnswerText text;
  Lines lines;
  std::vector<std::string> bytes;  // of the unknown events
};

wire::Message Output(const std::string& id, const std::string& text) {
  wire::Message message;
  message.set_id(id);
  message.mutable_agent_output()->set_text(text);
  return message;
}

wire::ClientAction Create(const std::string& task, const std::string& parent = "") {
  wire::ClientAction action;
  action.mutable_create_task()->mutable_task()->set_id(task);
  if (!parent.empty()) {
    action.mutable_create_task()->mutable_task()->mutable_dependencies()->set_parent_task_id(parent);
  }
  return action;
}

wire::ClientAction Add(const std::string& task, const std::vector<wire::Message>& messages) {
  wire::ClientAction action;
  action.mutable_add_messages_to_task()->set_task_id(task);
  for (const wire::Message& message : messages) *action.mutable_add_messages_to_task()->add_messages() = message;
  return action;
}

wire::ClientAction Append(const std::string& task, const wire::Message& message,
                          const std::vector<std::string>& mask = {"agent_output.text"}) {
  wire::ClientAction action;
  auto* append = action.mutable_append_to_message_content();
  append->set_task_id(task);
  *append->mutable_message() = message;
  for (const std::string& path : mask) append->mutable_mask()->add_paths(path);
  return action;
}

wire::ClientAction Update(const std::string& task, const wire::Message& message,
                          const std::string& mask = "agent_output.text") {
  wire::ClientAction action;
  auto* update = action.mutable_update_task_message();
  update->set_task_id(task);
  *update->mutable_message() = message;
  update->mutable_mask()->add_paths(mask);
  return action;
}

// A root task "t" in which the message "m" says "Hello".
Conversation Begun() {
  Conversation c;
  c.Apply(Create("t"));
  c.Apply(Add("t", {Output("m", "Hello")}));
  CHECK(c.Take() == Lines{"?create_task", "+m:Hello"});
  return c;
}

TEST_CASE("a message that is added is a delta, and so is what is appended") {
  Conversation c = Begun();
  c.Apply(Append("t", Output("m", ", ")));
  c.Apply(Append("t", Output("m", "world")));
  c.Apply(Append("t", Output("m", "")));
  CHECK(c.Take() == Lines{"+m:, ", "+m:world"});
}

TEST_CASE("several messages are told apart") {
  Conversation c;
  c.Apply(Create("t"));
  c.Apply(Add("t", {Output("m1", "one"), Output("m2", ""), Output("m3", "three")}));
  c.Apply(Append("t", Output("m2", "two")));
  c.Apply(Append("t", Output("m1", "!")));
  CHECK(c.Take() == Lines{"?create_task", "+m1:one", "+m3:three", "+m2:two", "+m1:!"});
}

TEST_CASE("a message that is sent again is a delta where it only grew, and else a replacement") {
  struct Row {
    const char* text;
    Lines lines;
  };
  const auto row = GENERATE(values<Row>({
      {"Hello, world", {"+m:, world"}},
      {"Hello", {}},
      {"Hell", {"=m:Hell"}},
      {"Hallo", {"=m:Hallo"}},
      {"", {"=m:"}},
      {"Oh. Hello", {"=m:Oh. Hello"}},
  }));
  Conversation c = Begun();
  SECTION("by an update") {
    c.Apply(Update("t", Output("m", row.text)));
  }
  SECTION("by being added once more") {
    c.Apply(Add("t", {Output("m", row.text)}));
  }
  CHECK(c.Take() == row.lines);
  c.Apply(Append("t", Output("m", "+")));  // what follows goes on from there
  c.Apply(Update("t", Output("m", std::string(row.text) + "+")));
  CHECK(c.Take() == Lines{"+m:+"});
}

TEST_CASE("an update of a message that is not there adds it") {
  Conversation c = Begun();
  c.Apply(Update("t", Output("n", "new")));
  CHECK(c.Take() == Lines{"+n:new"});
}

TEST_CASE("an update touches only what its mask names") {
  Conversation c = Begun();
  wire::Message message = Output("m", "");
  message.set_server_message_data("opaque");
  c.Apply(Update("t", message, "server_message_data"));
  for (const std::string& line : c.Take()) CHECK(line[0] == '?');
}

TEST_CASE("a task may bring its messages along") {
  Conversation c;
  wire::ClientAction action = Create("t");
  *action.mutable_create_task()->mutable_task()->add_messages() = Output("m", "Hello");
  c.Apply(action);
  CHECK(c.Take() == Lines{"+m:Hello", "?create_task"});
  c.Apply(Append("t", Output("m", "!")));
  CHECK(c.Take() == Lines{"+m:!"});
}

TEST_CASE("a sub-task's text is not shown, but handed on") {
  Conversation c = Begun();
  wire::ClientAction create = Create("sub", "t");
  *create.mutable_create_task()->mutable_task()->add_messages() = Output("s0", "inner");
  c.Apply(create);
  c.Apply(Add("sub", {Output("s1", "inner")}));
  c.Apply(Update("sub", Output("s1", "inner voice")));
  c.Apply(Append("sub", Output("s1", "!")));
  CHECK(c.Take() ==
        Lines{"?create_task", "?add_messages_to_task", "?update_task_message", "?append_to_message_content"});
  c.Apply(Append("t", Output("m", "!")));  // and the root task goes on
  CHECK(c.Take() == Lines{"+m:!"});
}

TEST_CASE("a new task without a parent takes the root's place") {
  Conversation c = Begun();
  c.Apply(Create("t2"));
  c.Apply(Add("t2", {Output("m2", "Here")}));
  c.Apply(Add("t", {Output("m3", "There")}));
  CHECK(c.Take() == Lines{"?create_task", "+m2:Here", "?add_messages_to_task"});
}

TEST_CASE("before any task is created there is only one to speak of") {
  Conversation c;
  c.Apply(Add("anything", {Output("m", "Hello")}));
  CHECK(c.Take() == Lines{"+m:Hello"});
}

TEST_CASE("an append that is not to a text that was shown is handed on") {
  Conversation c = Begun();
  wire::Message reasoning;
  reasoning.set_id("m");
  reasoning.mutable_agent_reasoning()->set_reasoning("hm");
  const auto action =
      GENERATE_COPY(values<wire::ClientAction>({Append("t", Output("absent", "x")), Append("t", Output("m", "x"), {}),
                                                Append("t", Output("m", "x"), {"agent_reasoning.reasoning"}),
                                                Append("t", Output("m", "x"), {"agent_output.text", "id"}),
                                                Append("t", reasoning, {"agent_reasoning.reasoning"})}));
  c.Apply(action);
  CHECK(c.Take() == Lines{"?append_to_message_content"});
  CHECK(c.bytes.back() == action.SerializeAsString());
}

TEST_CASE("a message of another kind is handed on, and hides no text beside it") {
  Conversation c;
  wire::Message reasoning;
  reasoning.set_id("r");
  reasoning.mutable_agent_reasoning()->set_reasoning("hm");
  const wire::ClientAction mixed = Add("t", {reasoning, Output("m", "Hello"), reasoning, Output("n", "you")});
  c.Apply(mixed);
  CHECK(c.Take() == Lines{"+m:Hello", "+n:you", "?add_messages_to_task"});
  CHECK(c.bytes.back() == mixed.SerializeAsString());
  c.Apply(Update("t", reasoning, "agent_reasoning"));
  CHECK(c.Take() == Lines{"?update_task_message"});
}

TEST_CASE("every other action is handed on under its name, with its bytes") {
  struct Row {
    const char* kind;
    void (*set)(wire::ClientAction*);
  };
  const auto row = GENERATE(values<Row>({
      {"update_task_summary", [](auto* a) { a->mutable_update_task_summary()->set_summary("s"); }},
      {"update_task_description", [](auto* a) { a->mutable_update_task_description()->set_description("d"); }},
      {"update_task_server_data", [](auto* a) { a->mutable_update_task_server_data()->set_server_data("d"); }},
      {"begin_transaction", [](auto* a) { a->mutable_begin_transaction(); }},
      {"commit_transaction", [](auto* a) { a->mutable_commit_transaction(); }},
      {"rollback_transaction", [](auto* a) { a->mutable_rollback_transaction(); }},
      {"start_new_conversation", [](auto* a) { a->mutable_start_new_conversation(); }},
      {"move_messages_to_new_task", [](auto* a) { a->mutable_move_messages_to_new_task(); }},
      {"", [](auto* a) { a->GetReflection()->MutableUnknownFields(a)->AddLengthDelimited(99, "future"); }},
  }));
  Conversation c;
  wire::ClientAction action;
  row.set(&action);
  c.Apply(action);
  CHECK(c.Take() == Lines{std::string("?") + row.kind});
  CHECK(c.bytes.back() == action.SerializeAsString());
  CHECK_FALSE(c.bytes.back().empty());
}

}  // namespace
}  // namespace warppool
