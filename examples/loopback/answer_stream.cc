#include "answer_stream.h"

#include <algorithm>
#include <utility>

#include "encoding.h"
#include "warppool/wire/response.pb.h"

namespace loopback {
namespace {

using warppool::wire::ResponseEvent;

constexpr int kReasonOfTheFuture = 99;  // a field number that the schema does not use

std::string Frame(const ResponseEvent& event) {
  return "data: " + EncodeBase64Url(event.SerializeAsString(), /*padding=*/true) + "\n\n";
}

const google::protobuf::FieldDescriptor* FindReason(const std::string& name) {
  const auto* field = ResponseEvent::StreamFinished::descriptor()->FindFieldByName(name);
  return field != nullptr && field->real_containing_oneof() != nullptr ? field : nullptr;
}

void SetReason(const std::string& name, const std::string& message, ResponseEvent::StreamFinished* finished) {
  const auto* reflection = finished->GetReflection();
  if (name == "unknown") {
    reflection->MutableUnknownFields(finished)->AddLengthDelimited(kReasonOfTheFuture, "");
  } else if (const auto* field = FindReason(name)) {
    reflection->MutableMessage(finished, field);
  }
  if (name == "internal_error") {
    finished->mutable_internal_error()->set_message(message.empty() ? "The agent stumbled." : message);
  }
  if (name == "invalid_api_key") {
    finished->mutable_invalid_api_key()->set_provider(warppool::wire::LLM_PROVIDER_ANTHROPIC);
    finished->mutable_invalid_api_key()->set_model_name("a-model");
  }
}

std::string FinishedFrame(const Answer& answer, std::size_t output_bytes) {
  ResponseEvent event;
  auto* finished = event.mutable_finished();
  SetReason(answer.finish, answer.finish_message, finished);
  auto* usage = finished->add_token_usage();
  usage->set_model_id(answer.model_id);
  usage->set_total_input(static_cast<std::uint32_t>(answer.query_bytes));
  usage->set_output(static_cast<std::uint32_t>(output_bytes));
  finished->mutable_request_cost()->set_exact(1.0F);
  auto* conversation = finished->mutable_conversation_usage_metadata();
  conversation->set_context_window_usage(0.25F);
  conversation->set_credits_spent(1.0F);
  return Frame(event);
}

bool BeginsCharacter(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
}

}  // namespace

Frames AnswerFrames(const Answer& answer, Tasks before) {
  Frames frames;
  frames.all.push_back(InitFrame(answer));
  Turn turn(answer, std::move(before),
            [&](const Turn::Event& event, const Tasks& /*settled*/) { frames.all.push_back(Frame(event)); });
  turn.Run();
  frames.problem = turn.problem();
  frames.has_illegal = turn.has_illegal();
  frames.all.push_back(FinishedFrame(answer, turn.output_bytes()));
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
