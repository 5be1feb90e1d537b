#include "answer_stream.h"

#include <algorithm>

#include "encoding.h"
#include "warppool/wire/response.pb.h"

namespace loopback {
namespace {

using warppool::wire::ClientAction;
using warppool::wire::Message;
using warppool::wire::ResponseEvent;

constexpr int kReasonOfTheFuture = 99;  // a field number that the schema does not use

std::string Frame(const ResponseEvent& event) {
  return "data: " + EncodeBase64Url(event.SerializeAsString(), /*padding=*/true) + "\n\n";
}

std::string ActionFrame(ClientAction action) {
  ResponseEvent event;
  *event.mutable_client_actions()->add_actions() = std::move(action);
  return Frame(event);
}

const google::protobuf::FieldDescriptor* FindReason(const std::string& name) {
  const auto* field = ResponseEvent::StreamFinished::descriptor()->FindFieldByName(name);
  return field != nullptr && field->real_containing_oneof() != nullptr ? field : nullptr;
}

void SetReason(const std::string& name, ResponseEvent::StreamFinished* finished) {
  const auto* reflection = finished->GetReflection();
  if (name == "unknown") {
    reflection->MutableUnknownFields(finished)->AddLengthDelimited(kReasonOfTheFuture, "");
  } else if (const auto* field = FindReason(name)) {
    reflection->MutableMessage(finished, field);
  }
  if (name == "internal_error") finished->mutable_internal_error()->set_message("The agent stumbled.");
  if (name == "invalid_api_key") {
    finished->mutable_invalid_api_key()->set_provider(warppool::wire::LLM_PROVIDER_ANTHROPIC);
    finished->mutable_invalid_api_key()->set_model_name("a-model");
  }
}

std::string FinishedFrame(const Answer& answer) {
  ResponseEvent event;
  auto* finished = event.mutable_finished();
  SetReason(answer.finish, finished);
  auto* usage = finished->add_token_usage();
  usage->set_model_id(answer.model_id);
  usage->set_total_input(static_cast<std::uint32_t>(answer.query_bytes));
  usage->set_output(static_cast<std::uint32_t>(answer.text.size()));
  finished->mutable_request_cost()->set_exact(1.0F);
  auto* conversation = finished->mutable_conversation_usage_metadata();
  conversation->set_context_window_usage(0.25F);
  conversation->set_credits_spent(1.0F);
  return Frame(event);
}

Message AgentText(const Answer& answer, std::string_view text) {
  Message message;
  message.set_id("message-of-" + answer.request_id);
  message.set_task_id(answer.task_id);
  message.set_request_id(answer.request_id);
  message.mutable_agent_output()->set_text(std::string(text));
  return message;
}

void AddTextFrames(const Answer& answer, std::vector<std::string>* frames) {
  if (answer.create_task) {
    ClientAction create;
    create.mutable_create_task()->mutable_task()->set_id(answer.task_id);
    create.mutable_create_task()->mutable_task()->set_description("");
    frames->push_back(ActionFrame(std::move(create)));
  }
  bool first = true;
  for (const std::string_view part : SplitText(answer.text, answer.chunks)) {
    ClientAction action;
    if (first) {
      action.mutable_add_messages_to_task()->set_task_id(answer.task_id);
      *action.mutable_add_messages_to_task()->add_messages() = AgentText(answer, part);
    } else {
      auto* append = action.mutable_append_to_message_content();
      append->set_task_id(answer.task_id);
      *append->mutable_message() = AgentText(answer, part);
      append->mutable_mask()->add_paths("agent_output.text");
    }
    frames->push_back(ActionFrame(std::move(action)));
    first = false;
  }
}

bool BeginsCharacter(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
}

}  // namespace

std::vector<std::string> AnswerFrames(const Answer& answer) {
  std::vector<std::string> frames;
  frames.push_back(InitFrame(answer));
  if (answer.with_text) AddTextFrames(answer, &frames);
  frames.push_back(FinishedFrame(answer));
  return frames;
}

std::string InitFrame(const Answer& answer) {
  ResponseEvent event;
  event.mutable_init()->set_conversation_id(answer.conversation_id);
  event.mutable_init()->set_request_id(answer.request_id);
  event.mutable_init()->set_run_id(answer.run_id);
  return Frame(event);
}

bool IsFinishReason(const std::string& name) {
  return name == "unknown" || name == "none" || FindReason(name) != nullptr;
}

std::vector<std::string_view> SplitText(std::string_view text, int parts) {
  std::vector<std::size_t> characters;  // where each one begins
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 0 || BeginsCharacter(text[i])) characters.push_back(i);
  }
  if (characters.empty()) return {text};
  const std::size_t count = std::clamp<std::size_t>(static_cast<std::size_t>(std::max(parts, 1)), 1, characters.size());
  std::vector<std::string_view> pieces;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t begin = characters[i * characters.size() / count];
    const std::size_t next = (i + 1) * characters.size() / count;
    pieces.push_back(text.substr(begin, (next < characters.size() ? characters[next] : text.size()) - begin));
  }
  return pieces;
}

std::vector<std::string> SplitFrames(std::string_view bytes) {
  std::vector<std::string> frames;
  while (!bytes.empty()) {
    const std::size_t gap = bytes.find("\n\n");
    const std::size_t length = gap == std::string_view::npos ? bytes.size() : gap + 2;
    frames.emplace_back(bytes.substr(0, length));
    bytes.remove_prefix(length);
  }
  return frames;
}

}  // namespace loopback
