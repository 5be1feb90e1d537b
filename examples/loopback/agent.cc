#include "agent.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "answer_stream.h"
#include "bearer_check.h"
#include "inputs.h"
#include "protocol/wire_scan.h"
#include "warppool/wire/request.pb.h"

namespace loopback {
namespace {

using WireRequest = warppool::wire::Request;

// What is wrong with the headers; empty: nothing.
std::string CheckHeaders(const httplib::Request& request) {
  if (request.get_header_value("Content-Type") != "application/x-protobuf") {
    return "Content-Type is not application/x-protobuf";
  }
  if (request.get_header_value("Accept") != "text/event-stream") return "Accept is not text/event-stream";
  for (const char* name :
       {"X-Warp-Client-ID", "X-Warp-Client-Version", "X-Warp-OS-Category", "X-Warp-OS-Name", "X-Warp-OS-Version"}) {
    if (request.get_header_value(name).empty()) return std::string(name) + " is missing";
  }
  return "";
}

google::protobuf::Timestamp Now() {
  using std::chrono::nanoseconds;
  using std::chrono::seconds;
  const auto time = std::chrono::system_clock::now().time_since_epoch();
  google::protobuf::Timestamp now;
  now.set_seconds(std::chrono::duration_cast<seconds>(time).count());
  now.set_nanos(static_cast<std::int32_t>(std::chrono::duration_cast<nanoseconds>(time % seconds(1)).count()));
  return now;
}

Answer MakeAnswer(const WireRequest& request, const Behaviour& behaviour, const std::string& conversation_id,
                  Ledger* ledger) {
  const std::string serial = std::to_string(ledger->NextSerial());
  Answer answer;
  answer.conversation_id = conversation_id.empty() ? "conversation-" + serial : conversation_id;
  answer.request_id = "request-" + serial;
  answer.run_id = "run-" + serial;
  answer.task_id = "task-" + serial;
  answer.time = Now();
  answer.inputs = InputMessages(request);
  answer.query_bytes = FindQuery(request).size();
  if (behaviour.steps) {
    answer.steps = *behaviour.steps;
  } else {
    answer.steps = {Say(behaviour.text.value_or(DefaultText(request)), behaviour.chunks)};
  }
  answer.actions_per_event = behaviour.actions_per_event;
  if (!request.settings().model_config().base().empty()) answer.model_id = request.settings().model_config().base();
  if (behaviour.kind == Behaviour::Kind::kFinish) answer.finish = behaviour.finish;
  answer.finish_message = behaviour.finish_message;
  if (behaviour.kind == Behaviour::Kind::kQuotaFinish) {
    answer.finish = "quota_limit";
    answer.with_actions = behaviour.text.has_value();
  }
  return answer;
}

// The client actions among the events that are sent whole.
int CountEventsSent(const Behaviour& behaviour, std::size_t frames) {
  const int all = static_cast<int>(frames) - 2;  // without `init` and `finished`
  return behaviour.cut == Behaviour::Cut::kNone ? all : std::clamp(behaviour.cut_after - 1, 0, all);
}

Reply StreamReply(const WireRequest& request, const std::string& account, Behaviour behaviour,
                  ConversationBook::Place place, Ledger* ledger, ConversationBook* book) {
  Reply reply;
  reply.content_type = "text/event-stream";
  reply.is_stream = true;
  if (behaviour.kind == Behaviour::Kind::kRaw) {
    reply.frames = SplitFrames(behaviour.body);
    reply.behaviour = std::move(behaviour);
    return reply;
  }
  Answer answer = MakeAnswer(request, behaviour, place.id, ledger);
  Frames frames = AnswerFrames(answer, place.tasks);
  if (!frames.problem.empty()) return RefuseRequest(500, frames.problem, "the script does not fit: " + frames.problem);
  ConversationBook::Sending sending;
  sending.events = CountEventsSent(behaviour, frames.all.size());
  // What was sent before a reset may get lost on the way, and a client that waits in vain may have left before.
  sending.any_prefix =
      frames.has_illegal || behaviour.cut == Behaviour::Cut::kReset || behaviour.cut == Behaviour::Cut::kStall;
  reply.all_sent = sending.all_sent;
  book->Keep(account, std::move(place.tasks), std::move(answer), sending);
  reply.frames = std::move(frames.all);
  reply.behaviour = std::move(behaviour);
  return reply;
}

Reply AnswerAccepted(const httplib::Request& request, const std::string& token, Ledger* ledger,
                     ConversationBook* book) {
  if (const std::string complaint = CheckHeaders(request); !complaint.empty()) {
    return RefuseRequest(400, complaint, complaint);
  }
  WireRequest parsed;
  if (!warppool::internal::IsWellFormed(request.body, *WireRequest::descriptor()) ||
      !parsed.ParseFromString(request.body)) {
    return RefuseRequest(400, "no Request", "the body is not a Request");
  }
  if (const std::string complaint = CheckInput(parsed); !complaint.empty()) {
    return RefuseRequest(400, complaint, complaint);
  }
  const std::string account = ledger->AccountOf(token);
  ConversationBook::Place place = book->Find(parsed, account);
  if (!place.complaint.empty()) return RefuseRequest(place.status, place.complaint, place.complaint);
  if (const std::string complaint = CheckToolResults(parsed, place.tasks); !complaint.empty()) {
    return RefuseRequest(400, complaint, complaint);
  }

  Behaviour behaviour = ledger->NextBehaviour(Endpoint::kAgent, token);
  const bool is_stream = behaviour.kind != Behaviour::Kind::kStatus && behaviour.kind != Behaviour::Kind::kReset;
  Reply reply = is_stream ? StreamReply(parsed, account, std::move(behaviour), std::move(place), ledger, book)
                          : ScriptedReply(std::move(behaviour));
  // Legal, but it lets the agent call tools that nobody answers for.
  const bool any_tool = parsed.settings().supported_tools().empty();
  if (any_tool && reply.complaint.empty()) reply.complaint = "settings.supported_tools is empty: any tool";
  return reply;
}

}  // namespace

Reply AnswerAgent(const httplib::Request& request, Ledger* ledger, ConversationBook* book) {
  return WithBearer(request, ledger,
                    [&](const std::string& token) { return AnswerAccepted(request, token, ledger, book); });
}

}  // namespace loopback
