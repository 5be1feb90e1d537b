// The loopback service's own view of a conversation's tasks.
#include "task_list.h"

#include <google/protobuf/text_format.h>

#include <string>

#include "catch.h"
#include "history_check.h"

using loopback::TaskList;
using loopback::Tasks;
using warppool::wire::ClientAction;

namespace {

template <typename Wire>
Wire Parse(const std::string& text) {
  Wire parsed;
  REQUIRE(google::protobuf::TextFormat::ParseFromString(text, &parsed));
  return parsed;
}

std::string Apply(const std::string& action, TaskList* list) {
  return list->Apply(Parse<ClientAction>(action));
}

// "root: m1 m2, child: m3".
std::string Outline(const Tasks& tasks) {
  std::string all;
  for (const auto& task : tasks.tasks()) {
    all += (all.empty() ? "" : ", ") + task.id() + ":";
    for (const auto& message : task.messages()) all += " " + message.id();
  }
  return all;
}

// A root task with messages m1 to m4.
TaskList Four() {
  return TaskList(Parse<Tasks>(R"(tasks { id: "root"
      messages { id: "m1" task_id: "root" user_query { query: "why?" } }
      messages { id: "m2" task_id: "root" agent_output { text: "Be" } citations { document_id: "a" } }
      messages { id: "m3" task_id: "root" agent_reasoning { reasoning: "so" } }
      messages { id: "m4" task_id: "root" update_todos { create_todo_list {
        initial_todos { id: "1" title: "one" } initial_todos { id: "2" title: "two" } } } } })"));
}

// The i-th message of the first task, as text.
std::string Told(const TaskList& list, int i) {
  std::string text;
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  static_cast<void>(printer.PrintToString(list.now().tasks(0).messages(i), &text));
  return text;
}

}  // namespace

TEST_CASE("tasks are created below tasks that are there, the first as the root") {
  TaskList list;
  CHECK_FALSE(Apply(R"(create_task { task { id: "a" dependencies { parent_task_id: "root" } } })", &list).empty());
  CHECK(Apply(R"(create_task { task { id: "root" } })", &list).empty());
  CHECK_FALSE(Apply(R"(create_task { task { id: "other" } })", &list).empty());
  CHECK(Apply(R"(create_task { task { id: "a" dependencies { parent_task_id: "root" } } })", &list).empty());
  CHECK(Apply(R"(create_task { task { id: "b" dependencies { parent_task_id: "a" } } })", &list).empty());
  CHECK_FALSE(Apply(R"(create_task { task { id: "b" dependencies { parent_task_id: "a" } } })", &list).empty());
  CHECK_FALSE(Apply(R"(create_task { task { } })", &list).empty());
  CHECK(Outline(list.now()) == "root:, a:, b:");
}

TEST_CASE("a task's description, summary and server data are set, and nothing else") {
  TaskList list = Four();
  CHECK(Apply(R"(update_task_description { task_id: "root" description: "d" })", &list).empty());
  CHECK(Apply(R"(update_task_summary { task_id: "root" summary: "s" })", &list).empty());
  CHECK(Apply(R"(update_task_server_data { task_id: "root" server_data: "x" })", &list).empty());
  const auto& task = list.now().tasks(0);
  CHECK(task.description() + task.summary() + task.server_data() == "dsx");
  CHECK(Outline(list.now()) == "root: m1 m2 m3 m4");
  CHECK(Apply(R"(update_task_summary { task_id: "nowhere" summary: "s" })", &list) == "there is no task \"nowhere\"");
}

TEST_CASE("messages are added behind the others, all or none") {
  TaskList list = Four();
  CHECK(Apply(R"(add_messages_to_task { task_id: "root"
      messages { id: "m5" task_id: "root" } messages { id: "m6" task_id: "root" } })",
              &list)
            .empty());
  CHECK_FALSE(Apply(R"(add_messages_to_task { task_id: "root"
      messages { id: "m7" task_id: "root" } messages { id: "m1" task_id: "root" } })",
                    &list)
                  .empty());
  CHECK_FALSE(
      Apply(R"(add_messages_to_task { task_id: "root" messages { id: "m8" task_id: "else" } })", &list).empty());
  CHECK_FALSE(
      Apply(R"(add_messages_to_task { task_id: "else" messages { id: "m8" task_id: "else" } })", &list).empty());
  CHECK(Outline(list.now()) == "root: m1 m2 m3 m4 m5 m6");
}

TEST_CASE("an update of a message that is not there adds it") {
  TaskList list = Four();
  CHECK(Apply(R"(update_task_message { task_id: "root" message { id: "m5" task_id: "root" agent_output { text: "x" }
      citations { document_id: "c" } } mask { paths: "agent_output.text" } })",
              &list)
            .empty());
  CHECK(Told(list, 4) == R"(id: "m5" agent_output { text: "x" } citations { document_id: "c" } task_id: "root" )");
}

TEST_CASE("an update replaces what its mask names") {
  TaskList list = Four();
  const auto update = [&](const std::string& message, const std::string& paths) {
    return Apply("update_task_message { task_id: \"root\" message { " + message + " } mask { " + paths + " } }", &list);
  };
  CHECK(update(R"(id: "m2" agent_output { text: "Yes" } citations { document_id: "b" } server_message_data: "no")",
               R"(paths: "agent_output.text" paths: "no_such_field" paths: "agent_output.no_such_field.x")")
            .empty());
  CHECK(Told(list, 1) == R"(id: "m2" agent_output { text: "Yes" } citations { document_id: "a" } task_id: "root" )");
  CHECK(update(R"(id: "m2" citations { document_id: "b" } citations { document_id: "c" })", R"(paths: "citations")")
            .empty());
  CHECK(list.now().tasks(0).messages(1).citations(1).document_id() == "c");
  CHECK(update(R"(id: "m2" citations { document_id: "d" } citations { document_id: "e" })",
               R"(paths: "citations.document_id")")
            .empty());
  CHECK(list.now().tasks(0).messages(1).citations(0).document_id() == "d");
  CHECK(update(R"(id: "m2")", R"(paths: "citations")").empty());
  CHECK(list.now().tasks(0).messages(1).citations().empty());
  CHECK(update(R"(id: "m3" agent_reasoning { finished_duration { seconds: 3 } })",
               R"(paths: "agent_reasoning.finished_duration")")
            .empty());
  CHECK(Told(list, 2) ==
        R"(id: "m3" task_id: "root" agent_reasoning { reasoning: "so" finished_duration { seconds: 3 } } )");
  CHECK(update(R"(id: "m3" agent_reasoning { })", R"(paths: "agent_reasoning")").empty());
  CHECK(Told(list, 2) == R"(id: "m3" task_id: "root" agent_reasoning { } )");
}

TEST_CASE("a path to nowhere leaves no trace") {
  TaskList list = Four();
  const std::string before = list.now().SerializeAsString();
  CHECK(Apply(R"(update_task_message { task_id: "root" message { id: "m1" }
      mask { paths: "agent_output.text" paths: "user_query.query.x" paths: "user_query.referenced_attachments.a" } })",
              &list)
            .empty());
  CHECK(list.now().SerializeAsString() == before);
}

TEST_CASE("appends go behind the strings that the mask names, element by element in lists") {
  TaskList list = Four();
  const auto append = [&](const std::string& message, const std::string& paths) {
    return Apply("append_to_message_content { task_id: \"root\" message { " + message + " } mask { " + paths + " } }",
                 &list);
  };
  CHECK(append(R"(id: "m2" agent_output { text: "cause" })", R"(paths: "agent_output.text")").empty());
  CHECK(list.now().tasks(0).messages(1).agent_output().text() == "Because");
  CHECK(append(R"(id: "m3" agent_reasoning { reasoning: " be it" } server_message_data: "new")",
               R"(paths: "agent_reasoning.reasoning" paths: "server_message_data")")
            .empty());
  CHECK(Told(list, 2) ==
        R"(id: "m3" server_message_data: "new" task_id: "root" agent_reasoning { reasoning: "so be it" } )");
  const std::string more = R"(id: "m4" update_todos { create_todo_list { initial_todos { title: "!" } )";
  const std::string titles = R"(paths: "update_todos.create_todo_list.initial_todos.title")";
  CHECK(append(more + R"(initial_todos { title: "?" } } })", titles).empty());
  const std::string before = Told(list, 3);
  CHECK(before.find(R"(title: "one!" } initial_todos { id: "2" title: "two?")") != std::string::npos);
  CHECK(append(more + "} }", titles).find("equally long") != std::string::npos);
  CHECK(append(R"(id: "m4" timestamp { seconds: 1 })", R"(paths: "timestamp.seconds")").find("no text") !=
        std::string::npos);
  CHECK_FALSE(append(R"(id: "m4" timestamp { seconds: 1 })", R"(paths: "timestamp")").empty());
  CHECK(Told(list, 3) == before);
  CHECK(append(R"(id: "m9" agent_output { text: "x" })", R"(paths: "agent_output.text")") ==
        "there is no message \"m9\"");
}

TEST_CASE("an append that is wrong in its second path changes nothing") {
  TaskList list = Four();
  CHECK_FALSE(Apply(R"(append_to_message_content { task_id: "root" message { id: "m3"
      agent_reasoning { reasoning: "x" } timestamp { seconds: 1 } }
      mask { paths: "agent_reasoning.reasoning" paths: "timestamp.seconds" } })",
                    &list)
                  .empty());
  CHECK(list.now().tasks(0).messages(2).agent_reasoning().reasoning() == "so");
}

TEST_CASE("moved messages change their task, and replacements take their place") {
  TaskList list = Four();
  const auto move = [&](const char* first, const char* last, int count) {
    return Apply(R"(move_messages_to_new_task { source_task_id: "root"
        new_task { id: "new" dependencies { parent_task_id: "root" } } first_message_id: ")" +
                     std::string(first) + "\" last_message_id: \"" + last + "\" expected_message_count: " +
                     std::to_string(count) + R"( replacement_messages { id: "r" task_id: "root" } })",
                 &list);
  };
  CHECK(move("m2", "m3", 3) == "2 messages would be moved, not 3");
  CHECK_FALSE(move("m3", "m2", 2).empty());
  CHECK_FALSE(move("m3", "m9", 2).empty());
  CHECK(Outline(list.now()) == "root: m1 m2 m3 m4");
  CHECK(move("m2", "m3", 2).empty());
  CHECK(Outline(list.now()) == "root: m1 r m4, new: m2 m3");
  CHECK(list.now().tasks(1).messages(0).task_id() == "new");
  CHECK(list.now().tasks(1).messages(0).agent_output().text() == "Be");
  CHECK(loopback::CheckHistory(list.now()).empty());
}

TEST_CASE("a rollback restores the tasks as they were, a commit keeps them") {
  TaskList list = Four();
  const std::string add = R"(add_messages_to_task { task_id: "root" messages { id: "ID" task_id: "root" } })";
  const auto add_as = [&](const std::string& id) {
    std::string text = add;
    CHECK(Apply(text.replace(text.find("ID"), 2, id), &list).empty());
  };
  CHECK(Apply("commit_transaction {}", &list).empty());
  CHECK(Apply("begin_transaction {}", &list).empty());
  add_as("m5");
  CHECK(Apply("begin_transaction {}", &list).empty());  // ignored: the first one counts
  add_as("m6");
  CHECK(Outline(list.now()) == "root: m1 m2 m3 m4 m5 m6");
  CHECK(Outline(list.settled()) == "root: m1 m2 m3 m4");
  CHECK(list.in_transaction());
  CHECK(Apply("rollback_transaction {}", &list).empty());
  CHECK(Outline(list.now()) == "root: m1 m2 m3 m4");
  CHECK_FALSE(list.in_transaction());
  CHECK(Apply("begin_transaction {}", &list).empty());
  add_as("m5");
  CHECK(Apply("commit_transaction {}", &list).empty());
  CHECK(Apply("rollback_transaction {}", &list).empty());  // of none
  CHECK(Outline(list.settled()) == "root: m1 m2 m3 m4 m5");
}

TEST_CASE("what concerns no task changes none") {
  TaskList list = Four();
  const std::string before = list.now().SerializeAsString();
  CHECK(Apply(R"(show_suggestions { rules { name: "r" } })", &list).empty());
  CHECK(Apply(R"(start_new_conversation { start_from_message_id: "m1" })", &list).empty());
  ClientAction unknown;
  unknown.GetReflection()->MutableUnknownFields(&unknown)->AddVarint(99, 1);
  CHECK(list.Apply(unknown).empty());
  CHECK(list.now().SerializeAsString() == before);
}

TEST_CASE("a difference is named by its place") {
  const Tasks expected = Four().now();
  CHECK(loopback::AreSame(expected, expected));
  CHECK(loopback::FindDifference(expected, expected).empty());
  const auto difference = [&](auto change) {
    Tasks came = expected;
    change(&came);
    CHECK_FALSE(loopback::AreSame(expected, came));
    return loopback::FindDifference(expected, came);
  };
  CHECK(difference([](Tasks* came) { came->add_tasks()->set_id("x"); }) == "2 came as a task instead of 1");
  CHECK(difference([](Tasks* came) { came->mutable_tasks(0)->set_id("x"); }) == R"(task 1 is "x" instead of "root")");
  CHECK(difference([](Tasks* came) { came->mutable_tasks(0)->mutable_messages()->SwapElements(1, 2); }) ==
        R"(task "root": message 2 is "m3" instead of "m2")");
  CHECK(difference([](Tasks* came) { came->mutable_tasks(0)->mutable_messages()->RemoveLast(); }) ==
        R"(task "root": 3 came as a message instead of 4)");
  CHECK(difference([](Tasks* came) {
          came->mutable_tasks(0)->mutable_messages(1)->mutable_agent_output()->set_text("?");
        }) == R"(task "root": message "m2": modified: agent_output.text: "Be" -> "?")");
  CHECK(difference([](Tasks* came) { came->mutable_tasks(0)->set_description(""); }).find("added: description") !=
        std::string::npos);
  const std::string unknown = difference([](Tasks* came) {
    auto* message = came->mutable_tasks(0)->mutable_messages(0);
    message->GetReflection()->MutableUnknownFields(message)->AddVarint(4242, 1);
  });
  CHECK(unknown.find("task \"root\": message \"m1\": added: 4242") == 0);
}

TEST_CASE("the order of unknown fields is a difference, too") {
  const auto with_unknown = [](int first, int second) {
    Tasks tasks = Four().now();
    auto* task = tasks.mutable_tasks(0);
    task->GetReflection()->MutableUnknownFields(task)->AddVarint(first, 1);
    task->GetReflection()->MutableUnknownFields(task)->AddVarint(second, 1);
    return tasks;
  };
  CHECK_FALSE(loopback::AreSame(with_unknown(4242, 4243), with_unknown(4243, 4242)));
  CHECK(loopback::FindDifference(with_unknown(4242, 4243), with_unknown(4243, 4242)) ==
        R"(task "root": the order of unknown fields)");
}

TEST_CASE("tasks from elsewhere must fit together") {
  const auto check = [](const char* tasks) { return loopback::CheckHistory(Parse<Tasks>(tasks)); };
  CHECK(check(R"(tasks { id: "a" messages { id: "m" task_id: "a" } }
                 tasks { id: "b" dependencies { parent_task_id: "a" } messages { id: "n" task_id: "b" } })")
            .empty());
  CHECK_FALSE(check(R"(tasks { id: "a" } tasks { id: "a" dependencies { parent_task_id: "a" } })").empty());
  CHECK_FALSE(check(R"(tasks { id: "a" } tasks { id: "b" })").empty());
  CHECK_FALSE(check(R"(tasks { id: "a" } tasks { id: "b" dependencies { parent_task_id: "c" } })").empty());
  CHECK_FALSE(check(R"(tasks { messages { id: "m" } })").empty());
  CHECK_FALSE(check(R"(tasks { id: "a" messages { id: "m" task_id: "b" } })").empty());
  CHECK_FALSE(check(R"(tasks { id: "a" messages { task_id: "a" } })").empty());
  CHECK_FALSE(
      check(R"(tasks { id: "a" messages { id: "m" task_id: "a" } messages { id: "m" task_id: "a" } })").empty());
}
