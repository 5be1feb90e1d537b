#include "history_check.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <set>

namespace loopback {
namespace {

using warppool::wire::Message;
using warppool::wire::Task;

// Long enough for a line or two of what differs; a message may hold megabytes.
constexpr std::size_t kMaxReport = 600;

// "deleted: agent_output.text: "hello" …": from what was expected to what came.
std::string FieldsThatDiffer(const google::protobuf::Message& expected, const google::protobuf::Message& came) {
  std::string report;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&report);
  differencer.Compare(expected, came);
  if (report.empty()) report = "the order of unknown fields";
  if (report.back() == '\n') report.pop_back();
  return report.size() <= kMaxReport ? report : report.substr(0, kMaxReport) + " ...";
}

// "message 2 is "b" instead of "c"": where two lists of things with ids differ first. Empty: nowhere.
template <typename List>
std::string FirstOtherId(const std::string& what, const List& expected, const List& came) {
  for (int i = 0; i < std::min(expected.size(), came.size()); ++i) {
    if (expected[i].id() != came[i].id()) {
      return what + " " + std::to_string(i + 1) + " is \"" + came[i].id() + "\" instead of \"" + expected[i].id() +
             "\"";
    }
  }
  if (expected.size() == came.size()) return "";
  return std::to_string(came.size()) + " came as a " + what + " instead of " + std::to_string(expected.size());
}

std::string TaskDifference(const Task& expected, const Task& came) {
  if (std::string other = FirstOtherId("message", expected.messages(), came.messages()); !other.empty()) return other;
  for (int i = 0; i < expected.messages_size(); ++i) {
    const Message& message = expected.messages(i);
    if (Bytes(message) != Bytes(came.messages(i))) {
      return "message \"" + message.id() + "\": " + FieldsThatDiffer(message, came.messages(i));
    }
  }
  return FieldsThatDiffer(expected, came);
}

std::string CheckMessages(const Task& task, std::set<std::string>* ids) {
  for (const Message& message : task.messages()) {
    const std::string name = "message \"" + message.id() + "\" of task \"" + task.id() + "\"";
    if (message.id().empty()) return "a message of task \"" + task.id() + "\" has no id";
    if (!ids->insert(message.id()).second) return name + " is not the only one with its id";
    if (message.task_id() != task.id()) return name + " names task \"" + message.task_id() + "\"";
  }
  return "";
}

}  // namespace

std::string Bytes(const google::protobuf::Message& message) {
  return message.SerializeAsString();
}

bool AreSame(const Tasks& expected, const Tasks& came) {
  return expected.ByteSizeLong() == came.ByteSizeLong() && Bytes(expected) == Bytes(came);
}

std::string FindDifference(const Tasks& expected, const Tasks& came) {
  if (std::string other = FirstOtherId("task", expected.tasks(), came.tasks()); !other.empty()) return other;
  for (int i = 0; i < expected.tasks_size(); ++i) {
    const Task& task = expected.tasks(i);
    if (Bytes(task) != Bytes(came.tasks(i))) {
      return "task \"" + task.id() + "\": " + TaskDifference(task, came.tasks(i));
    }
  }
  return Bytes(expected) == Bytes(came) ? "" : FieldsThatDiffer(expected, came);
}

std::string CheckHistory(const Tasks& tasks) {
  std::set<std::string> task_ids;
  std::set<std::string> message_ids;
  int roots = 0;
  for (const Task& task : tasks.tasks()) {
    const std::string& parent = task.dependencies().parent_task_id();
    if (task.id().empty()) return "a task has no id";
    if (!parent.empty() && FindTask(tasks, parent) == nullptr) {
      return "task \"" + task.id() + "\" has a parent that is not there: \"" + parent + "\"";
    }
    if (!task_ids.insert(task.id()).second) return "task \"" + task.id() + "\" is not the only one with its id";
    if (std::string problem = CheckMessages(task, &message_ids); !problem.empty()) return problem;
    roots += parent.empty() ? 1 : 0;
  }
  return roots == 1 ? "" : "there are " + std::to_string(roots) + " tasks without a parent instead of one";
}

}  // namespace loopback
