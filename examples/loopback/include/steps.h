// The steps that an answer can be scripted of: Play() and Random() in loopback.h.
//
//   service.On("demo-token-1").Agent(loopback::Play({
//       loopback::Reason("thinking about it", 3),
//       loopback::Begin(), loopback::Say("wrong", 4), loopback::Rollback(),
//       loopback::Say("A longer answer in parts", 6),
//       loopback::CallMcp("weather", R"({"city":"Graz"})"),
//   }));
//
// Each step is one client action or several, and each action an event of its own (but see Behaviour::Pack()). Ids are
// made by the service; each message has something in server_message_data, and a field that no schema knows, for the
// client to send back.
//
// A step that does not fit where it is played (a MoveAway() of more messages than there are) fails the request with
// 500, and a complaint.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace loopback {

class Turn;  // turn.h

// Makes its actions. It may be called more than once for one answer, and must do the same each time.
using Step = std::function<void(Turn* turn)>;

// ---- Messages, in the root task, or in that of the SubTask() that the step is in. Text comes in at most `parts`.

Step Say(std::string text, int parts = 1);
Step Reason(std::string text, int parts = 1);
Step Rewrite(std::string text);  // the task's last agent output gets another text: update_task_message
// Throws std::invalid_argument if `arguments` is no JSON object.
Step CallMcp(std::string name, const std::string& arguments, std::string server_id = "");
Step CallShell(std::string command);
Step Call(const std::string& tool_call);      // a serialized Message.ToolCall for any other tool; its id is made here
Step Todos(std::vector<std::string> titles);  // the ids are "todo-1", "todo-2" ...
Step TodosDone(std::vector<std::string> ids);
Step AddMessage(const std::string& message);  // a serialized Message of any kind; ids and the like are made here

// ---- Tasks.

Step SubTask(std::string description, std::vector<Step> steps);  // a child of the task, and what happens in it
// The task's last messages go to a new child of the task; a summary of them takes their place.
Step MoveAway(int count);
Step Description(std::string text);
Step Summary(std::string text);
Step ServerData(std::string text);

// ---- Transactions. One that is open at the end of the answer is rolled back.

Step Begin();
Step Commit();
Step Rollback();

// ---- The rest.

// `then` if the last message of the task is a tool's result, as it is when the request brought some; else `otherwise`.
Step IfToolResults(std::vector<Step> then, std::vector<Step> otherwise);
Step SuggestRule(std::string name, std::string content);
Step SuggestNewConversation();       // from the task's last message on
Step Improvise(std::uint32_t seed);  // some steps of all kinds, legal where they are played; the same for the same seed
// A serialized ClientAction, in an event of its own, legal or not; what is not leaves the service's view as it is.
// Throws std::invalid_argument if it does not parse.
Step Action(const std::string& bytes);
Step UnknownAction();  // of a kind that no schema knows; legal

// What a client must not take.
Step AppendToUnknownMessage();
Step AddToUnknownTask();
Step CreateOrphan();    // a task whose parent is unknown
Step MoveMiscounted();  // the last message; expected are two
Step AppendToNumber();  // to the last message, with a mask that names no string

}  // namespace loopback
