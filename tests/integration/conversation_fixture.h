// What the tests of conversations share: an observer that knows only the events, and the tasks as they would go back.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "conversation/saved_conversation.h"
#include "fixture.h"
#include "history_check.h"
#include "warppool/wire/request.pb.h"

namespace warppool {

// What a request would bring to the service, as Service::TasksOf() writes it.
inline std::string TasksOf(const Conversation& conversation) {
  const auto bytes = conversation.Save();
  REQUIRE(bytes.status().ToString() == "ok");
  const auto saved = internal::ReadSaved(*bytes);
  REQUIRE(saved.status().ToString() == "ok");
  return loopback::Bytes(saved->tasks.context());
}

// Where the two views differ; empty: nowhere.
inline std::string Difference(const loopback::Service& service, const Conversation& conversation) {
  const std::string theirs = service.TasksOf(conversation.id());
  const std::string ours = TasksOf(conversation);
  if (theirs == ours) return "";
  loopback::Tasks expected;
  loopback::Tasks came;
  REQUIRE(expected.ParseFromString(theirs));
  REQUIRE(came.ParseFromString(ours));
  return "conversation \"" + conversation.id() + "\": " + loopback::FindDifference(expected, came);
}

// A program's user, who sees the events of a conversation and nothing else. Must outlive the streams. Any thread.
class Viewer {
 public:
  explicit Viewer(World* world) : world_(world) {}

  StreamCallbacks Callbacks() {
    return {[this](const Event& event) {
              See(event);
              return Flow::kContinue;
            },
            [this](const Status& status) {
              world_->Said(status);
              const std::lock_guard<std::mutex> lock(mutex_);
              end_ = status;
              changed_.notify_all();
            }};
  }
  // Starts the next turn with these callbacks, and waits for its end.
  Status Turn(Client* client, const Request& request, Conversation* conversation) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      end_.reset();
      steps_.clear();
      failures_.clear();
    }
    auto stream = client->Start(request, *conversation, Callbacks());
    if (!stream.ok()) return stream.status();
    return Wait();
  }
  Status Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [&] { return end_.has_value(); })) return Status(Code::kTimeout, "no end");
    return *end_;
  }

  // One letter for each event of the turn that says how it fares: s StreamStarted, m ConversationMoved, w Waiting,
  // f Finished, a delta 't' (once in a row), r a message that is retracted, and the next step of an attempt that
  // failed: 1 same token, 2 next token, 3 wait, 4 give up, 5 resume.
  std::string steps() const { return Locked(&Viewer::steps_); }
  std::vector<std::pair<Code, NextStep>> failures() const { return Locked(&Viewer::failures_); }
  std::string token() const { return Locked(&Viewer::token_); }
  std::string moved_from() const { return Locked(&Viewer::moved_from_); }

  // The answer: all that the root's agent said, in the order in which it was shown.
  std::string answer() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::string all;
    for (const auto& id : order_) all += texts_.count(id) != 0 ? texts_.at(id) : "";
    return all;
  }

  // What is seen that the conversation does not have, or the other way round; empty: nothing.
  std::string Differs(const Conversation& conversation) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::set<std::string> tasks;
    std::set<std::pair<std::string, std::string>> messages;
    for (const TaskInfo& task : conversation.Tasks()) {
      tasks.insert(task.id);
      for (const MessageInfo& message : conversation.Messages(task.id)) {
        messages.emplace(task.id, message.id);
        const bool told = message.kind == MessageKind::kAgentOutput || message.kind == MessageKind::kReasoning;
        if (!task.parent_id.empty() || !told) continue;
        const auto seen = texts_.find(message.id);
        if (seen == texts_.end() && message.text.empty()) continue;
        if (seen == texts_.end()) return message.id + " was never told";
        if (seen->second != message.text)
          return message.id + " is \"" + seen->second + "\", not \"" + message.text + "\"";
      }
    }
    if (tasks != tasks_) return "other tasks";
    for (const auto& one : messages_) {
      if (messages.count(one) == 0) return one.second + " is shown in " + one.first + ", and not there";
    }
    return messages.size() == messages_.size() ? "" : "not all messages are shown";
  }

 private:
  template <typename T>
  T Locked(T Viewer::*member) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return this->*member;
  }

  std::string& TextOf(std::string_view message_id) {
    const std::string id(message_id);
    if (texts_.count(id) == 0) order_.push_back(id);
    return texts_[id];
  }
  void Forget(std::string_view message_id) {
    const std::string id(message_id);
    texts_.erase(id);
    order_.erase(std::remove(order_.begin(), order_.end(), id), order_.end());
  }

  void See(const Event& event) {
    world_->Said(event);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (const auto* text = std::get_if<TextDelta>(&event)) {
      TextOf(text->message_id) += text->text;
      if (steps_.empty() || steps_.back() != 't') steps_ += 't';
    }
    if (const auto* text = std::get_if<TextReplaced>(&event)) TextOf(text->message_id) = text->text;
    // Beside the answer, and so not in its order.
    if (const auto* text = std::get_if<ReasoningDelta>(&event)) texts_[std::string(text->message_id)] += text->text;
    if (const auto* text = std::get_if<ReasoningReplaced>(&event)) texts_[std::string(text->message_id)] = text->text;
    if (const auto* task = std::get_if<TaskCreated>(&event)) tasks_.emplace(task->task_id);
    if (const auto* task = std::get_if<TaskRetracted>(&event)) {
      tasks_.erase(std::string(task->task_id));
      for (auto it = messages_.begin(); it != messages_.end();) {
        it = it->first == task->task_id ? messages_.erase(it) : std::next(it);
      }
    }
    if (const auto* added = std::get_if<MessageAdded>(&event)) {
      messages_.emplace(added->task_id, added->message_id);
      if (added->in_root && added->kind == MessageKind::kAgentOutput) TextOf(added->message_id);
    }
    if (const auto* gone = std::get_if<MessageRetracted>(&event)) {
      messages_.erase({std::string(gone->task_id), std::string(gone->message_id)});
      if (gone->in_root) {
        Forget(gone->message_id);
        steps_ += 'r';
      }
    }
    Fare(event);
  }
  void Fare(const Event& event) {
    if (const auto* started = std::get_if<StreamStarted>(&event)) {
      steps_ += 's';
      token_ = std::string(started->token);
    }
    if (const auto* moved = std::get_if<ConversationMoved>(&event)) {
      steps_ += 'm';
      moved_from_ = std::string(moved->from_token);
    }
    if (std::holds_alternative<Waiting>(event)) steps_ += 'w';
    if (std::holds_alternative<Finished>(event)) steps_ += 'f';
    if (const auto* failed = std::get_if<AttemptFailed>(&event)) {
      steps_ += static_cast<char>('0' + static_cast<int>(failed->next));
      failures_.emplace_back(failed->code, failed->next);
    }
  }

  World* const world_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Status> end_;
  std::set<std::string> tasks_;
  std::set<std::pair<std::string, std::string>> messages_;  // task and message
  std::map<std::string, std::string> texts_;
  std::vector<std::string> order_;
  std::string steps_;
  std::vector<std::pair<Code, NextStep>> failures_;
  std::string token_;
  std::string moved_from_;
};

// The bodies that came to the agent.
inline std::vector<wire::Request> BodiesOf(const loopback::Service& service) {
  std::vector<wire::Request> bodies;
  for (const auto& seen : service.Requests("/ai/multi-agent")) {
    bodies.emplace_back();
    CHECK(bodies.back().ParseFromString(seen.body));
  }
  return bodies;
}

// A result for each call that waits for one.
inline std::vector<ToolResult> ResultsFor(const Conversation& conversation) {
  std::vector<ToolResult> results;
  for (const PendingToolCall& call : conversation.PendingToolCalls()) {
    if (call.tool == "run_shell_command") {
      results.push_back({call.id, Tool::kRunShellCommand, ShellFinished{"true", "done", 0, "command-1"}});
    } else {
      results.push_back({call.id, Tool::kCallMcpTool, McpOutput::Text("the result of " + call.id)});
    }
  }
  return results;
}

// "aaaa", and then nothing more. The first one of a conversation creates the root task before.
inline loopback::Behaviour HalfAnAnswer(bool is_first = true) {
  return loopback::Ok()
      .Text("aaaabbbb")
      .Chunks(2)
      .CutAfter(is_first ? 3 : 2, loopback::Behaviour::Cut::kClean)
      .Times(1);
}

}  // namespace warppool
