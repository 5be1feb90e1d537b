// Makes the events of an answer out of its steps, and keeps to the tasks as they change by them. An answer that is made
// twice of the same tasks comes out the same: nobody has to keep its events.
//
// Pure, and not thread-safe.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "steps.h"
#include "task_list.h"
#include "warppool/wire/response.pb.h"

namespace loopback {

// All that an answer follows from.
struct Answer {
  std::string conversation_id = "conversation-0";
  std::string request_id = "request-0";
  std::string run_id = "run-0";
  std::string task_id = "task-0";  // of the root task, if there is none yet
  google::protobuf::Timestamp time;
  std::vector<warppool::wire::Message> inputs;  // what the request brought; ids and the like are made by the turn
  std::vector<Step> steps;
  bool with_actions = true;   // false: `init` and `finished` only
  int actions_per_event = 1;  // but `create_task` and what is illegal come alone, and the inputs with the next action
  std::string finish = "done";
  std::string finish_message{};  // of internal_error; empty: a word of this service's own
  std::string model_id = "auto";
  std::size_t query_bytes = 0;  // told as input tokens
};

class Turn {
 public:
  using Event = warppool::wire::ResponseEvent;
  // `event`: with client actions. `settled`: the tasks of a client for which the answer ends with this event.
  using Sink = std::function<void(const Event& event, const Tasks& settled)>;

  // `answer` must outlive it.
  Turn(const Answer& answer, Tasks before, Sink sink);

  // Once.
  void Run();
  const std::string& problem() const { return problem_; }  // a step that did not fit; empty: none
  bool has_illegal() const { return has_illegal_; }        // an action that a client must not take
  std::size_t output_bytes() const { return output_bytes_; }
  const Tasks& settled() const { return tasks_.settled(); }

  // ---- For steps.
  const TaskList& tasks() const { return tasks_; }
  const std::string& task_id() const { return path_.back(); }  // that the step is in
  std::string NewId(std::string_view kind);                    // "call-of-request-7-2"
  // With everything but what it says.
  warppool::wire::Message NewMessage(const std::string& task_id);
  warppool::wire::Task NewTask(const std::string& parent_id, const std::string& description);

  void Emit(warppool::wire::ClientAction action);      // if it is not legal, the step does not fit
  void EmitAsIs(warppool::wire::ClientAction action);  // whether it is legal or not
  void Add(warppool::wire::Message message);           // to the task that it names
  // To a message that is there: what `message` holds at `path`.
  void Append(const warppool::wire::Message& message, const std::string& path);
  void PlayIn(const std::string& task_id, const std::vector<Step>& steps);
  void CountOutput(std::size_t bytes) { output_bytes_ += bytes; }
  void Fail(std::string problem);

 private:
  void Begin();
  void AddInputs();
  void Queue(warppool::wire::ClientAction action);
  void Flush();

  const Answer& answer_;
  const Sink sink_;
  TaskList tasks_;
  std::vector<std::string> path_;  // root task, its child ... that steps are played in
  Event event_;                    // not full yet
  bool holds_inputs_ = false;      // `event_` begins with them
  int ids_ = 0;
  std::size_t output_bytes_ = 0;
  std::string problem_;
  bool has_illegal_ = false;
};

}  // namespace loopback
