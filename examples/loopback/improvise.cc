// Turns that nobody wrote: steps.h, Improvise().
#include <random>
#include <utility>
#include <vector>

#include "steps.h"
#include "turn.h"

namespace loopback {
namespace {

using warppool::wire::ClientAction;
using warppool::wire::Message;
using warppool::wire::Struct;
using warppool::wire::Task;
using warppool::wire::Value;

using Paths = std::vector<std::string>;

// The value under `name`, which is added where it is not there.
Value* Argument(const std::string& name, Struct* args) {
  for (auto& field : *args->mutable_fields()) {
    if (field.key() == name) return field.mutable_value();
  }
  auto* field = args->add_fields();
  field->set_key(name);
  return field->mutable_value();
}

// One turn being made up. Everything is drawn from the seed and from the tasks as they stand, so that each action is
// legal. What the protocol leaves open (a mask that names what the message has not) is not drawn.
class Improviser {
 public:
  Improviser(std::uint32_t seed, Turn* turn) : random_(seed), turn_(turn) {}

  void Run() {
    for (int left = 5 + Below(16); left > 0; --left) PlayOne();
    // Most transactions end; the others are rolled back with the answer.
    if (turn_->tasks().in_transaction() && Below(4) != 0) (Below(2) == 0 ? Commit() : Rollback())(turn_);
  }

 private:
  int Below(int n) { return static_cast<int>(random_() % static_cast<std::uint32_t>(n)); }
  std::string Text() {
    static const Paths kWords = {"alpha ", "beta", "γάμμα ", "\n", "\"quoted\" ", "漢字", "🙂", "", "a\\b "};
    std::string text;
    for (int left = Below(6); left >= 0; --left) text += kWords[static_cast<std::size_t>(Below(9))];
    return text;
  }
  const Task& AnyTask() {
    const auto& all = turn_->tasks().now().tasks();
    return all[Below(all.size())];
  }
  // NULL: the task that was drawn has none.
  const Message* AnyMessage() {
    const Task& task = AnyTask();
    return task.messages().empty() ? nullptr : &task.messages(Below(task.messages_size()));
  }

  // One draw a statement: arguments are evaluated in whatever order the compiler likes.
  void PlayOne() {
    const int parts = 1 + Below(4);
    const std::string text = Text();
    switch (Below(14)) {
      case 0:
        return Play(Say(text, parts));
      case 1:
        return Play(Reason(text, parts));
      case 2:
        return turn_->Add(NewMessage());
      case 3:
        return Play(SubTask(text, {Say(Text(), parts)}));
      case 4:
        return DescribeTask();
      case 5:
        return Insert();
      case 6:
      case 7:
        return Update();
      case 8:
      case 9:
        return Append();
      case 10:
        return Play(Begin());
      case 11:
        return Play(Below(2) == 0 || !turn_->tasks().in_transaction() ? Commit() : Rollback());
      case 12:
        return Move();
      default:
        return Tell();
    }
  }

  // In any task.
  void Play(const Step& step) { turn_->PlayIn(AnyTask().id(), {step}); }

  void DescribeTask() {
    const int which = Below(3);
    Play(which == 0 ? Description(Text()) : which == 1 ? Summary(Text()) : ServerData(Text()));
  }

  void Tell() {
    const int which = Below(3);
    if (which == 0) Play(SuggestRule("a rule", Text()));
    if (which == 1) Play(UnknownAction());
    const Message* message = AnyMessage();
    if (which != 2 || message == nullptr) return;
    ClientAction action;
    action.mutable_start_new_conversation()->set_start_from_message_id(message->id());
    turn_->Emit(std::move(action));
  }

  // One of any kind, for any task.
  Message NewMessage() {
    Message message = turn_->NewMessage(AnyTask().id());
    Fill(Below(7), &message);
    for (int left = Below(3); left > 0; --left) AddCitation(message.mutable_citations()->Add());
    return message;
  }

  void AddCitation(warppool::wire::Citation* citation) {
    citation->set_document_id(Text());
    citation->set_document_type(warppool::wire::WEB_PAGE);
  }

  void Fill(int kind, Message* message) {
    switch (kind) {
      case 0:
        message->mutable_agent_output()->set_text(Text());
        break;
      case 1:
        message->mutable_agent_reasoning()->set_reasoning(Text());
        message->mutable_agent_reasoning()->mutable_finished_duration()->set_seconds(Below(9));
        break;
      case 2: {
        auto* call = message->mutable_tool_call();
        call->set_tool_call_id(turn_->NewId("call"));
        call->mutable_call_mcp_tool()->set_name("weather");
        auto* args = call->mutable_call_mcp_tool()->mutable_args();
        Argument(Text(), args)->set_string_value(Text());
        Argument("days", args)->set_number_value(Below(9));
        break;
      }
      case 3: {
        auto* call = message->mutable_tool_call();
        call->set_tool_call_id(turn_->NewId("call"));
        call->mutable_run_shell_command()->set_command(Text());
        call->mutable_run_shell_command()->set_is_read_only(false);
        AddCitation(call->mutable_run_shell_command()->add_citations());
        call->GetReflection()->MutableUnknownFields(call)->AddVarint(4242, 7);
        break;
      }
      case 4:
        for (int left = Below(4); left > 0; --left) {
          auto* item = message->mutable_update_todos()->mutable_create_todo_list()->add_initial_todos();
          item->set_id(turn_->NewId("todo"));
          item->set_title(Text());
        }
        message->mutable_update_todos()->mutable_create_todo_list();
        break;
      case 5:
        message->mutable_web_search()->mutable_status()->mutable_searching()->set_query(Text());
        break;
      default:
        message->mutable_debug_output()->set_text(Text());
        break;
    }
  }

  // By update_task_message, which adds what is not there.
  void Insert() {
    const Message message = NewMessage();
    SendUpdate(message, {"agent_output.text"});
  }

  void SendUpdate(const Message& message, const Paths& paths) {
    ClientAction action;
    auto* update = action.mutable_update_task_message();
    update->set_task_id(message.task_id());
    *update->mutable_message() = message;
    for (const std::string& path : paths) update->mutable_mask()->add_paths(path);
    turn_->Emit(std::move(action));
  }

  // Of what this message has, what a mask may replace.
  static Paths Replaceable(const Message& message) {
    Paths paths = {"server_message_data", "citations", "timestamp", "no_such_field"};
    if (message.has_agent_output()) paths.insert(paths.end(), {"agent_output.text", "agent_output"});
    if (message.has_agent_reasoning()) {
      paths.insert(paths.end(), {"agent_reasoning.reasoning", "agent_reasoning.finished_duration"});
    }
    if (message.tool_call().has_call_mcp_tool()) {
      paths.insert(paths.end(), {"tool_call.call_mcp_tool.args", "tool_call.call_mcp_tool.name", "tool_call"});
    }
    if (message.tool_call().has_run_shell_command()) {
      paths.insert(paths.end(), {"tool_call.run_shell_command.citations.document_id", "tool_call.run_shell_command"});
    }
    if (message.update_todos().create_todo_list().initial_todos_size() > 0) {
      paths.insert(paths.end(), {"update_todos.create_todo_list.initial_todos.title", "update_todos"});
    }
    if (message.has_web_search()) paths.emplace_back("web_search.status");
    return paths;
  }

  // One or two different ones.
  Paths Draw(const Paths& from) {
    const int first = Below(static_cast<int>(from.size()));
    const int second = Below(static_cast<int>(from.size()));
    Paths drawn = {from[static_cast<std::size_t>(first)]};
    const std::string& other = from[static_cast<std::size_t>(second)];
    // One within the other would make the order count.
    if (other.rfind(drawn[0], 0) != 0 && drawn[0].rfind(other, 0) != 0) drawn.push_back(other);
    return drawn;
  }

  // Texts of what the message has get other texts. Nothing appears or goes but citations.
  void Reword(Message* message) {
    message->set_server_message_data(Text());
    message->mutable_timestamp()->set_nanos(Below(1000));
    message->clear_citations();
    for (int left = Below(3); left > 0; --left) AddCitation(message->add_citations());
    if (message->has_agent_output()) message->mutable_agent_output()->set_text(Text());
    if (message->has_agent_reasoning()) {
      message->mutable_agent_reasoning()->set_reasoning(Text());
      message->mutable_agent_reasoning()->mutable_finished_duration()->set_seconds(Below(9));
    }
    if (message->tool_call().has_call_mcp_tool()) {
      auto* mcp = message->mutable_tool_call()->mutable_call_mcp_tool();
      mcp->set_name(Text());
      Argument("days", mcp->mutable_args())->set_number_value(Below(99));
    }
    if (message->tool_call().has_run_shell_command()) {
      auto* shell = message->mutable_tool_call()->mutable_run_shell_command();
      shell->set_command(Text());
      for (auto& citation : *shell->mutable_citations()) citation.set_document_id(Text());
    }
    if (message->update_todos().has_create_todo_list()) {
      for (auto& item : *message->mutable_update_todos()->mutable_create_todo_list()->mutable_initial_todos()) {
        item.set_title(Text());
      }
    }
    if (message->has_web_search()) {
      message->mutable_web_search()->mutable_status()->mutable_success()->set_query(Text());
    }
  }

  void Update() {
    const Message* message = AnyMessage();
    if (message == nullptr) return;
    const Paths paths = Draw(Replaceable(*message));
    Message changed = *message;
    Reword(&changed);
    SendUpdate(changed, paths);
  }

  // Of what this message has, what is a string, or a string in each element of a list.
  static Paths Appendable(const Message& message) {
    Paths paths = {"server_message_data"};
    if (message.has_agent_output()) paths.emplace_back("agent_output.text");
    if (message.has_agent_reasoning()) paths.emplace_back("agent_reasoning.reasoning");
    if (message.has_debug_output()) paths.emplace_back("debug_output.text");
    if (message.tool_call().has_run_shell_command()) {
      paths.emplace_back("tool_call.run_shell_command.command");
      paths.emplace_back("tool_call.run_shell_command.citations.document_id");
    }
    if (message.update_todos().create_todo_list().initial_todos_size() > 0) {
      paths.emplace_back("update_todos.create_todo_list.initial_todos.title");
    }
    if (!message.citations().empty()) paths.emplace_back("citations.document_id");
    return paths;
  }

  void Append() {
    const Message* message = AnyMessage();
    if (message == nullptr) return;
    ClientAction action;
    auto* append = action.mutable_append_to_message_content();
    append->set_task_id(message->task_id());
    // With more than the mask names, for the client to ignore.
    *append->mutable_message() = *message;
    Reword(append->mutable_message());
    *append->mutable_message()->mutable_citations() = message->citations();
    for (const std::string& path : Draw(Appendable(*message))) append->mutable_mask()->add_paths(path);
    turn_->Emit(std::move(action));
  }

  void Move() {
    const Task& task = AnyTask();
    if (task.messages().empty()) return;
    const int first = Below(task.messages_size());
    const int count = 1 + Below(task.messages_size() - first);
    ClientAction action;
    auto* move = action.mutable_move_messages_to_new_task();
    move->set_source_task_id(task.id());
    *move->mutable_new_task() = turn_->NewTask(task.id(), Text());
    move->set_first_message_id(task.messages(first).id());
    move->set_last_message_id(task.messages(first + count - 1).id());
    move->set_expected_message_count(static_cast<std::uint32_t>(count));
    for (int left = Below(3); left > 0; --left) {
      Message replacement = turn_->NewMessage(task.id());
      replacement.mutable_summarization()->mutable_conversation_summary()->set_summary(Text());
      *move->add_replacement_messages() = std::move(replacement);
    }
    turn_->Emit(std::move(action));
  }

  std::mt19937 random_;
  Turn* const turn_;
};

}  // namespace

Step Improvise(std::uint32_t seed) {
  return [seed](Turn* turn) { Improviser(seed, turn).Run(); };
}

}  // namespace loopback
