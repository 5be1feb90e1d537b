#include "agent.h"

#include "answer_stream.h"
#include "bearer_check.h"
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

// What the user asks; empty: nothing.
std::string FindQuery(const WireRequest& request) {
  for (const auto& input : request.input().user_inputs().inputs()) {
    if (!input.user_query().query().empty()) return input.user_query().query();
  }
  return "";
}

std::string CheckBody(const WireRequest& request) {
  if (request.input().user_inputs().inputs().empty()) return "input.user_inputs is empty";
  if (FindQuery(request).empty()) return "no user query, or an empty one";
  return "";
}

// The task that the conversation goes on in; empty: this is its first turn.
std::string FindRootTask(const WireRequest& request) {
  for (const auto& task : request.task_context().tasks()) {
    if (task.dependencies().parent_task_id().empty()) return task.id();
  }
  return "";
}

Answer MakeAnswer(const WireRequest& request, const Behaviour& behaviour, Ledger* ledger) {
  const std::string serial = std::to_string(ledger->NextSerial());
  Answer answer;
  answer.conversation_id = request.metadata().conversation_id();
  if (answer.conversation_id.empty()) answer.conversation_id = "conversation-" + serial;
  answer.request_id = "request-" + serial;
  answer.run_id = "run-" + serial;
  answer.task_id = FindRootTask(request);
  answer.create_task = answer.task_id.empty();
  if (answer.create_task) answer.task_id = "task-" + serial;
  const std::string query = FindQuery(request);
  answer.query_bytes = query.size();
  answer.text = behaviour.text.value_or("Echo: " + query);
  answer.chunks = behaviour.chunks;
  if (!request.settings().model_config().base().empty()) answer.model_id = request.settings().model_config().base();
  if (behaviour.kind == Behaviour::Kind::kFinish) answer.finish = behaviour.finish;
  if (behaviour.kind == Behaviour::Kind::kQuotaFinish) {
    answer.finish = "quota_limit";
    answer.with_text = behaviour.text.has_value();
    if (!answer.with_text) answer.text.clear();
  }
  return answer;
}

Reply StreamReply(const WireRequest& request, Behaviour behaviour, Ledger* ledger) {
  Reply reply;
  reply.content_type = "text/event-stream";
  reply.is_stream = true;
  reply.frames = behaviour.kind == Behaviour::Kind::kRaw ? SplitFrames(behaviour.body)
                                                         : AnswerFrames(MakeAnswer(request, behaviour, ledger));
  reply.behaviour = std::move(behaviour);
  return reply;
}

Reply AnswerAccepted(const httplib::Request& request, const std::string& token, Ledger* ledger) {
  if (const std::string complaint = CheckHeaders(request); !complaint.empty()) {
    return RefuseRequest(400, complaint, complaint);
  }
  WireRequest parsed;
  if (!parsed.ParseFromString(request.body)) return RefuseRequest(400, "no Request", "the body is not a Request");
  if (const std::string complaint = CheckBody(parsed); !complaint.empty())
    return RefuseRequest(400, complaint, complaint);

  Behaviour behaviour = ledger->NextBehaviour(Endpoint::kAgent, token);
  const bool is_stream = behaviour.kind != Behaviour::Kind::kStatus && behaviour.kind != Behaviour::Kind::kReset;
  Reply reply = is_stream ? StreamReply(parsed, std::move(behaviour), ledger) : ScriptedReply(std::move(behaviour));
  // Legal, but it lets the agent call tools that nobody answers for.
  if (parsed.settings().supported_tools().empty()) reply.complaint = "settings.supported_tools is empty: any tool";
  return reply;
}

}  // namespace

Reply AnswerAgent(const httplib::Request& request, Ledger* ledger) {
  return WithBearer(request, ledger, [&](const std::string& token) { return AnswerAccepted(request, token, ledger); });
}

}  // namespace loopback
