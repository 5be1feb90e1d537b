#include "conversation/task_tree.h"

#include <string>
#include <vector>

#include "catch.h"
#include "unit/conversation/actions.h"

namespace warppool::internal {
namespace {

struct Tree {
  Status Do(const wire::ClientAction& action) {
    ignored = nullptr;
    changes.clear();
    applied = action;
    return tree.Apply(&applied, &changes, &ignored);
  }
  // Fails the test if an action fails.
  void DoAll(const std::vector<wire::ClientAction>& actions) {
    for (const wire::ClientAction& action : actions) {
      const Status status = Do(action);
      INFO(action.ShortDebugString() << ": " << status.ToString());
      REQUIRE(status.ok());
    }
  }
  // "root[m1=text m2=text] sub[...]"
  std::string Text() const {
    std::string text;
    for (const wire::Task& task : tree.context().tasks()) {
      if (!text.empty()) text += " ";
      text += task.id();
      text += "[";
      const char* between = "";
      for (const wire::Message& message : task.messages()) {
        const auto& said =
            message.has_agent_output() ? message.agent_output().text() : message.agent_reasoning().reasoning();
        text += between;
        text += message.id() + "=" + said;
        between = " ";
      }
      text += "]";
    }
    return text;
  }
  std::string Bytes() const { return tree.context().SerializeAsString(); }

  TaskTree tree;
  wire::ClientAction applied;  // what the changes borrow from
  Changes changes;
  const char* ignored = nullptr;
};

TEST_CASE("tasks are created, and the one without a parent is the root") {
  Tree tree;
  tree.DoAll({Create("root"), Create("sub", "root", {Output("m1", "a")})});
  CHECK(tree.Text() == "root[] sub[m1=a]");
  CHECK(tree.tree.store().root() == 0);
  SECTION("a later one takes its place") {
    tree.DoAll({Create("other")});
    CHECK(tree.tree.store().root() == 2);
  }
}

TEST_CASE("who is told of a task is told whether it is the root") {
  Tree tree;
  const std::pair<wire::ClientAction, bool> rows[] = {{Create("root", "", {Output("m1", "a")}), true},
                                                      {Create("sub", "root"), false},
                                                      {Move("root", "old", "m1", "m1", 1), false},
                                                      {Create("other"), true}};
  for (const auto& [action, is_root] : rows) {
    CAPTURE(action.ShortDebugString());
    REQUIRE(tree.Do(action).ok());
    REQUIRE_FALSE(tree.changes.empty());
    CHECK(tree.changes[0].kind == Change::Kind::kTaskCreated);
    CHECK(tree.changes[0].in_root == is_root);
  }
}

TEST_CASE("messages are added at the end") {
  Tree tree;
  tree.DoAll({Create("root"), Add("root", {Output("m1", "a"), Output("m2", "b")}), Add("root", {Output("m3", "c")})});
  CHECK(tree.Text() == "root[m1=a m2=b m3=c]");
}

TEST_CASE("a message that is added again is replaced, and stays where it is") {
  Tree tree;
  tree.DoAll({Create("root", "", {Output("m1", "a"), Output("m2", "b")}), Add("root", {Output("m1", "x")})});
  CHECK(tree.Text() == "root[m1=x m2=b]");
}

TEST_CASE("messages without an id are kept, each for itself") {
  Tree tree;
  tree.DoAll({Create("root"), Add("root", {Output("", "a"), Output("", "b")})});
  CHECK(tree.Text() == "root[=a =b]");
}

TEST_CASE("an update adds a message that is not there, or replaces what its mask names") {
  Tree tree;
  tree.DoAll({Create("root"), Update("root", Output("m1", "a"), {"agent_output.text"})});
  CHECK(tree.Text() == "root[m1=a]");
  wire::Message changed = Output("m1", "b");
  changed.set_request_id("r");
  tree.DoAll({Update("root", changed, {"agent_output.text"})});
  CHECK(tree.Text() == "root[m1=b]");
  CHECK_FALSE(tree.tree.context().tasks(0).messages(0).has_request_id());
  SECTION("without a mask, all of it") {
    tree.DoAll({Update("root", changed)});
    CHECK(tree.tree.context().tasks(0).messages(0).request_id() == "r");
  }
}

TEST_CASE("an append grows the texts that its mask names") {
  Tree tree;
  tree.DoAll({Create("root", "", {Output("m1", "a")}), Append("root", Output("m1", "b"))});
  const wire::ClientAction last = Append("root", Output("m1", "c"));  // what is told looks into it
  REQUIRE(tree.Do(last).ok());
  CHECK(tree.Text() == "root[m1=abc]");
  CHECK(tree.changes.size() == 1);
  CHECK(tree.changes[0].text == "c");
  SECTION("two paths at once") {
    wire::Message both = Output("m1", "d");
    both.set_server_message_data("s");
    tree.DoAll({Append("root", both, {"agent_output.text", "server_message_data"})});
    CHECK(tree.Text() == "root[m1=abcd]");
    CHECK(tree.tree.context().tasks(0).messages(0).server_message_data() == "s");
  }
}

TEST_CASE("the short way to append does what the long one does") {
  Tree tree;
  tree.DoAll(
      {Create("root", "", {Output("m1", "a"), Reasoning("m2", "t")}), Create("sub", "root", {Output("m1", "s")})});
  Changes changes;
  CHECK(*tree.tree.Append({"root", "m1", "agent_output.text", "b"}, &changes));
  CHECK(*tree.tree.Append({"root", "m1", "agent_output.text", "c"}, &changes));
  CHECK(*tree.tree.Append({"sub", "m1", "agent_output.text", "u"}, &changes));
  CHECK(*tree.tree.Append({"root", "m2", "agent_reasoning.reasoning", "h"}, &changes));
  CHECK(tree.Text() == "root[m1=abc m2=th] sub[m1=su]");
  CHECK(changes.size() == 4);

  SECTION("what is not so simple is left alone") {
    CHECK_FALSE(*tree.tree.Append({"nobody", "m1", "agent_output.text", "x"}, &changes));
    CHECK_FALSE(*tree.tree.Append({"root", "m9", "agent_output.text", "x"}, &changes));
    CHECK_FALSE(*tree.tree.Append({"root", "m2", "agent_output.text", "x"}, &changes));
    CHECK(tree.Text() == "root[m1=abc m2=th] sub[m1=su]");
  }
  SECTION("it finds a message that moved") {
    tree.DoAll({Move("root", "new", "m1", "m1", 1)});
    CHECK_FALSE(*tree.tree.Append({"root", "m1", "agent_output.text", "x"}, &changes));
    CHECK(*tree.tree.Append({"new", "m1", "agent_output.text", "d"}, &changes));
    CHECK(tree.Text() == "root[m2=th] sub[m1=su] new[m1=abcd]");
  }
}

TEST_CASE("a task's texts are set") {
  Tree tree;
  wire::ClientAction description;
  description.mutable_update_task_description()->set_task_id("root");
  description.mutable_update_task_description()->set_description("d");
  wire::ClientAction summary;
  summary.mutable_update_task_summary()->set_task_id("root");
  summary.mutable_update_task_summary()->set_summary("s");
  wire::ClientAction data;
  data.mutable_update_task_server_data()->set_task_id("root");
  data.mutable_update_task_server_data()->set_server_data("o");
  tree.DoAll({Create("root"), description, summary, data});
  const wire::Task& task = tree.tree.context().tasks(0);
  CHECK(task.description() == "d");
  CHECK(task.summary() == "s");
  CHECK(task.server_data() == "o");
}

TEST_CASE("messages move to a new task, and replacements take their place") {
  Tree tree;
  tree.DoAll({Create("root", "", {Output("m1", "a"), Output("m2", "b"), Output("m3", "c"), Output("m4", "d")}),
              Move("root", "old", "m2", "m3", 2, {Output("r1", "sum")})});
  CHECK(tree.Text() == "root[m1=a r1=sum m4=d] old[m2=b m3=c]");
  for (const wire::Message& message : tree.tree.context().tasks(1).messages()) CHECK(message.task_id() == "old");
  CHECK(tree.tree.store().root() == 0);
  tree.DoAll({Append("root", Output("m4", "!")), Append("old", Output("m3", "!"))});
  CHECK(tree.Text() == "root[m1=a r1=sum m4=d!] old[m2=b m3=c!]");
}

TEST_CASE("a task that messages move to is no root, also without a parent") {
  Tree tree;
  wire::ClientAction move = Move("root", "old", "m1", "m1", 1, {Output("r1", "sum")});
  move.mutable_move_messages_to_new_task()->mutable_new_task()->clear_dependencies();
  tree.DoAll({Create("root", "", {Output("m1", "a")}), move});
  CHECK(tree.tree.store().root() == 0);
  CHECK(tree.Text() == "root[r1=sum] old[m1=a]");
}

TEST_CASE("what contradicts the tasks is refused, with its names") {
  Tree tree;
  tree.DoAll({Create("root", "", {Output("m1", "a"), Output("m2", "b")})});
  const std::string before = tree.Bytes();
  struct Row {
    wire::ClientAction action;
    const char* says;
  };
  wire::ClientAction summary;
  summary.mutable_update_task_summary()->set_task_id("nobody");
  const auto row = GENERATE_COPY(values<Row>({
      {Create("sub", "nobody"), "nobody"},
      {Create(""), "without an id"},
      {Create("root"), "exists"},
      {Add("nobody", {Output("m3", "c")}), "nobody"},
      {Update("nobody", Output("m1", "c")), "nobody"},
      {Update("root", Output("", "c")), "without an id"},
      {Append("nobody", Output("m1", "c")), "nobody"},
      {Append("root", Output("m9", "c")), "m9"},
      {Append("root", Output("m1", "c"), {"agent_output"}), "agent_output"},
      {Append("root", Output("m1", "c"), {"id"}), "id"},
      {summary, "nobody"},
      {Move("nobody", "new", "m1", "m2", 2), "nobody"},
      {Move("root", "root", "m1", "m2", 2), "exists"},
      {Move("root", "new", "m2", "m1", 2), "m2"},
      {Move("root", "new", "m1", "m9", 2), "m9"},
      {Move("root", "new", "m1", "m2", 3), "3 messages"},
  }));
  CAPTURE(row.action.ShortDebugString());
  const Status status = tree.Do(row.action);
  CHECK(status.code() == Code::kInvalidAction);
  CHECK_THAT(status.message(), Catch::Matchers::ContainsSubstring(row.says));
  CHECK(tree.Bytes() == before);
}

TEST_CASE("a conversation takes no more messages than its limit, in all its tasks together") {
  Tree tree;
  tree.tree.set_limits({.max_messages = 3});
  tree.DoAll({Create("root", "", {Output("m1", "a")}), Create("sub", "root", {Output("m2", "b"), Output("m3", "c")})});
  const std::string full = tree.Bytes();
  for (const auto& action : {Add("root", {Output("m4", "d")}), Create("other", "root", {Output("m4", "d")}),
                             Update("sub", Output("m4", "d"))}) {
    const Status status = tree.Do(action);
    CHECK(status.code() == Code::kLimitExceeded);
    CHECK_THAT(status.message(), Catch::Matchers::ContainsSubstring("max_messages (3)"));
    CHECK(tree.Bytes() == full);
  }
  CHECK(tree.Do(Add("root", {Output("m1", "instead")})).ok());
}

TEST_CASE("messages that a rollback took away do not count") {
  Tree tree;
  tree.tree.set_limits({.max_messages = 2});
  wire::ClientAction begin;
  begin.mutable_begin_transaction();
  wire::ClientAction rollback;
  rollback.mutable_rollback_transaction();
  tree.DoAll({Create("root", "", {Output("m1", "a")}), begin, Add("root", {Output("m2", "b")}), rollback,
              Add("root", {Output("m3", "c")})});
  CHECK(tree.Do(Add("root", {Output("m4", "d")})).code() == Code::kLimitExceeded);
}

TEST_CASE("limits are errors that name them") {
  Tree tree;
  tree.tree.set_limits({.max_message_bytes = 1024, .max_tasks = 2});
  tree.DoAll({Create("root", "", {Output("m1", std::string(1000, 'a'))}), Create("sub", "root")});
  const Status tasks = tree.Do(Create("third", "root"));
  CHECK(tasks.code() == Code::kLimitExceeded);
  CHECK_THAT(tasks.message(), Catch::Matchers::ContainsSubstring("max_tasks"));
  const std::string more(30, 'b');
  for (const auto& action : {Append("root", Output("m1", more)), Add("root", {Output("m2", std::string(1100, 'c'))}),
                             Update("root", Output("m1", std::string(1100, 'c')), {"agent_output.text"}),
                             Update("root", Output("m1", std::string(1100, 'c'))),
                             Append("root",
                                    [] {
                                      wire::Message message = Output("m1", "");
                                      message.set_server_message_data(std::string(1100, 'd'));
                                      return message;
                                    }(),
                                    {"server_message_data"})}) {
    CAPTURE(action.action_case());
    const Status status = tree.Do(action);
    CHECK(status.code() == Code::kLimitExceeded);
    CHECK_THAT(status.message(), Catch::Matchers::ContainsSubstring("max_message_bytes"));
  }
  Changes changes;
  CHECK(tree.tree.Append({"root", "m1", "agent_output.text", std::string(1100, 'e')}, &changes).code() ==
        Code::kLimitExceeded);
}

TEST_CASE("a message may be as large as its limit, however it comes") {
  wire::Message message = Output("m1", std::string(1010, 'a'));
  while (message.ByteSizeLong() < 1024) message.mutable_agent_output()->mutable_text()->push_back('a');
  REQUIRE(message.ByteSizeLong() == 1024);
  Tree tree;
  tree.tree.set_limits({.max_message_bytes = 1024});
  tree.DoAll({Create("root", "", {Output("m1", "b")}), Update("root", message, {"agent_output.text"})});
  message.set_id("m2");
  tree.DoAll({Add("root", {message})});
  wire::Message larger = message;
  larger.mutable_agent_output()->mutable_text()->push_back('a');
  const std::string before = tree.Bytes();
  for (const auto& action : {Add("root", {larger}), Move("root", "new", "m1", "m1", 1, {larger})}) {
    CAPTURE(action.action_case());
    const Status status = tree.Do(action);
    CHECK(status.code() == Code::kLimitExceeded);
    CHECK_THAT(status.message(), Catch::Matchers::ContainsSubstring("max_message_bytes (1024)"));
    CHECK(tree.Bytes() == before);
  }
}

TEST_CASE("a text may grow to its limit by the short way to append, and no further") {
  Tree tree;
  tree.tree.set_limits({.max_message_bytes = 1024});
  tree.DoAll({Create("root", "", {Output("m1", std::string(1000, 'a'))})});
  Changes changes;
  CHECK(*tree.tree.Append({"root", "m1", "agent_output.text", std::string(24, 'b')}, &changes));
  const std::string before = tree.Bytes();
  const auto refused = tree.tree.Append({"root", "m1", "agent_output.text", "c"}, &changes);
  CHECK(refused.code() == Code::kLimitExceeded);
  CHECK_THAT(refused.status().message(), Catch::Matchers::ContainsSubstring("max_message_bytes (1024)"));
  CHECK(tree.Bytes() == before);
}

TEST_CASE("a mask of more paths than any message has fields is refused") {
  Tree tree;
  tree.DoAll({Create("root", "", {Output("m1", "a")})});
  std::vector<std::string> paths(101, "agent_output.text");
  CHECK(tree.Do(Update("root", Output("m1", "b"), paths)).code() == Code::kLimitExceeded);
  CHECK(tree.Do(Append("root", Output("m1", "b"), paths)).code() == Code::kLimitExceeded);
  CHECK(tree.Text() == "root[m1=a]");
  paths.pop_back();
  CHECK(tree.Do(Update("root", Output("m1", "b"), paths)).ok());
}

TEST_CASE("an update that fails leaves the message as it was") {
  Tree tree;
  tree.tree.set_limits({.max_message_bytes = 1024, .max_tasks = 2});
  wire::Message message = Output("m1", "a");
  message.add_citations()->set_document_id("d");
  tree.DoAll({Create("root", "", {message})});
  const std::string before = tree.Bytes();
  CHECK_FALSE(tree.Do(Update("root", Output("m1", "b"), {"agent_output.text", "citations.document_id"})).ok());
  CHECK_FALSE(tree.Do(Update("root", Output("m1", std::string(2000, 'b')), {"agent_output.text"})).ok());
  CHECK(tree.Bytes() == before);
  CHECK(tree.changes.empty());
}

TEST_CASE("a transaction that is rolled back leaves everything as it was") {
  Tree tree;
  tree.DoAll({Create("root", "", {Output("m1", "a"), Output("m2", "b"), Output("m3", "c")}), Create("sub", "root")});
  const std::string before = tree.Bytes();
  wire::ClientAction description;
  description.mutable_update_task_description()->set_task_id("root");
  description.mutable_update_task_description()->set_description("d");
  wire::Message data = Output("m1", "");
  data.set_server_message_data("grown");
  tree.DoAll({Begin(), Add("root", {Output("m4", "d")}), Append("root", Output("m1", "!")),
              Append("root", Output("m1", "!")), Append("root", data, {"server_message_data"}),
              Update("root", Output("m2", "x"), {"agent_output.text"}), description,
              Create("more", "sub", {Output("m5", "e")}), Move("root", "new", "m2", "m3", 2, {Output("r", "s")}),
              Append("new", Output("m2", "?")), Create("again")});
  CHECK(tree.tree.store().root() == 4);
  CHECK(tree.Bytes() != before);
  CHECK(tree.tree.Committed().context().SerializeAsString() == before);
  CHECK(tree.tree.Committed().root() == 0);
  tree.DoAll({Rollback()});
  CHECK(tree.Bytes() == before);
  CHECK(tree.tree.store().root() == 0);
  // And everything can be found again.
  tree.DoAll({Append("root", Output("m3", "+")), Append("root", Output("m1", "+")), Add("sub", {Output("m6", "f")})});
  CHECK(tree.Text() == "root[m1=a+ m2=b m3=c+] sub[m6=f]");
}

TEST_CASE("a rollback takes back what came by the short way to append") {
  Tree tree;
  tree.DoAll({Create("root", "", {Output("m1", "a"), Reasoning("m2", "t")})});
  const std::string before = tree.Bytes();
  Changes changes;
  // The first one by the place that is kept from before the transaction.
  CHECK(*tree.tree.Append({"root", "m1", "agent_output.text", ""}, &changes));
  tree.DoAll({Begin()});
  CHECK(*tree.tree.Append({"root", "m1", "agent_output.text", "b"}, &changes));
  CHECK(*tree.tree.Append({"root", "m1", "agent_output.text", "c"}, &changes));
  CHECK(*tree.tree.Append({"root", "m2", "agent_reasoning.reasoning", "h"}, &changes));
  CHECK(tree.Text() == "root[m1=abc m2=th]");
  CHECK(tree.tree.Committed().context().SerializeAsString() == before);
  tree.DoAll({Rollback()});
  CHECK(tree.Bytes() == before);
}

TEST_CASE(
    "a text that is not there yet is no matter for the short way to append, and is absent again after a rollback") {
  wire::Message output;
  output.set_id("m1");
  output.mutable_agent_output();
  wire::Message reasoning;
  reasoning.set_id("m2");
  reasoning.mutable_agent_reasoning();
  Tree tree;
  tree.DoAll({Create("root", "", {output, reasoning}), Begin()});
  const std::string before = tree.Bytes();
  Changes changes;
  CHECK_FALSE(*tree.tree.Append({"root", "m1", "agent_output.text", "b"}, &changes));
  CHECK_FALSE(*tree.tree.Append({"root", "m2", "agent_reasoning.reasoning", "h"}, &changes));
  CHECK(tree.Bytes() == before);
  tree.DoAll({Append("root", Output("m1", "b")), Append("root", Reasoning("m2", "h"), {"agent_reasoning.reasoning"})});
  CHECK(tree.Text() == "root[m1=b m2=h]");
  tree.DoAll({Rollback()});
  CHECK(tree.Bytes() == before);
}

TEST_CASE("a rollback gives back the texts of a task, and to messages that moved the task that they named") {
  const auto set_all = [](const std::string& value) {
    std::vector<wire::ClientAction> actions(3);
    actions[0].mutable_update_task_description()->set_task_id("root");
    actions[0].mutable_update_task_description()->set_description(value);
    actions[1].mutable_update_task_summary()->set_task_id("root");
    actions[1].mutable_update_task_summary()->set_summary(value);
    actions[2].mutable_update_task_server_data()->set_task_id("root");
    actions[2].mutable_update_task_server_data()->set_server_data(value);
    return actions;
  };
  wire::Message named = Output("m1", "a");
  named.set_task_id("root");
  Tree tree;
  tree.DoAll({Create("root", "", {named, Output("m2", "b")})});
  const bool had_texts = GENERATE(false, true);
  if (had_texts) tree.DoAll(set_all("before"));
  const std::string before = tree.Bytes();
  tree.DoAll({Begin()});
  tree.DoAll(set_all("once"));
  tree.DoAll(set_all("twice"));
  tree.DoAll({Move("root", "new", "m1", "m2", 2)});
  CHECK(tree.tree.Committed().context().SerializeAsString() == before);
  tree.DoAll({Rollback()});
  CHECK(tree.Bytes() == before);
}

TEST_CASE("the short way to append does not look for a message where it was before a rollback") {
  Tree tree;
  tree.DoAll({Create("root", "", {Output("m1", "a"), Output("m2", "b")}), Begin(), Move("root", "new", "m1", "m1", 1)});
  Changes changes;
  CHECK(*tree.tree.Append({"root", "m2", "agent_output.text", "c"}, &changes));
  CHECK(tree.Text() == "root[m2=bc] new[m1=a]");
  tree.tree.RollBack(&changes);  // as when an answer breaks off
  CHECK(*tree.tree.Append({"root", "m2", "agent_output.text", "d"}, &changes));
  CHECK(tree.Text() == "root[m1=a m2=bd]");
}

TEST_CASE("a transaction that is committed stays") {
  Tree tree;
  tree.DoAll({Create("root"), Begin(), Add("root", {Output("m1", "a")}), Commit()});
  const std::string committed = tree.Bytes();
  tree.DoAll({Rollback()});
  CHECK(std::string(tree.ignored) == "a transaction is rolled back that never began");
  CHECK(tree.Bytes() == committed);
}

TEST_CASE("a begin inside a transaction and an end outside of one are ignored, with a word") {
  Tree tree;
  tree.DoAll({Create("root"), Begin()});
  CHECK(tree.ignored == nullptr);
  tree.DoAll({Add("root", {Output("m1", "a")}), Begin()});
  CHECK_THAT(std::string(tree.ignored), Catch::Matchers::ContainsSubstring("inside another one"));
  tree.DoAll({Add("root", {Output("m2", "b")}), Rollback()});
  CHECK(tree.ignored == nullptr);
  CHECK(tree.Text() == "root[]");
  tree.DoAll({Commit()});
  CHECK_THAT(std::string(tree.ignored), Catch::Matchers::ContainsSubstring("never began"));
}

TEST_CASE("what a transaction undoes is no snapshot: it costs what was changed") {
  Tree tree;
  tree.DoAll({Create("root", "", {Output("m1", std::string(1 << 20, 'a'))})});
  // With a copy of the message each, these would move 100 GB, and the test's own time-out would tell.
  for (int i = 0; i < 100'000; ++i) {
    REQUIRE(tree.Do(Begin()).ok());
    REQUIRE(tree.Do(Append("root", Output("m1", "b"))).ok());
    REQUIRE(tree.Do(Commit()).ok());
  }
  CHECK(tree.tree.context().tasks(0).messages(0).agent_output().text().size() == (1 << 20) + 100'000);
}

TEST_CASE("fields that nobody knows stay, byte for byte") {
  Tree tree;
  wire::Message message = Output("m1", "a");
  message.GetReflection()->MutableUnknownFields(&message)->AddLengthDelimited(4242, "opaque");
  wire::ClientAction create = Create("root", "", {message});
  auto* task = create.mutable_create_task()->mutable_task();
  task->GetReflection()->MutableUnknownFields(task)->AddVarint(4243, 7);
  const std::string bytes = task->SerializeAsString();
  tree.DoAll({create});
  CHECK(tree.tree.context().tasks(0).SerializeAsString() == bytes);
  tree.DoAll({Begin(), Update("root", Output("m1", "b"), {"agent_output.text"}), Rollback()});
  CHECK(tree.tree.context().tasks(0).SerializeAsString() == bytes);
}

}  // namespace
}  // namespace warppool::internal
