#include "protocol/response_decoder.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/base64url.h"

namespace warppool::internal {
namespace {

// The room for an event's bytes that is kept for the next one.
constexpr std::size_t kKeptEventBytes = 64U << 10U;

std::string_view Strip(std::string_view text) {
  constexpr std::string_view kAround = " \t\n\"";
  const std::size_t first = text.find_first_not_of(kAround);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kAround) - first + 1);
}

// protobuf counts in int.
constexpr std::size_t kMostEventBytes = std::numeric_limits<int>::max();

// Makes a message with `fill`: bool(Message*). Null: it said no.
template <typename Message, typename Fill>
std::unique_ptr<Message> MakeMessage(const Fill& fill) {
  auto message = std::make_unique<Message>();
  try {
    if (!fill(message.get())) return nullptr;
  } catch (...) {
    // A message that protobuf could not complete may point to what it has freed already: it is never destroyed.
    static_cast<void>(message.release());
    throw;
  }
  return message;
}

bool ParseTo(google::protobuf::MessageLite* message, std::string_view bytes, int max_depth) {
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                            static_cast<int>(bytes.size()));
  in.SetRecursionLimit(max_depth);
  return message->MergeFromCodedStream(&in) && in.ConsumedEntireMessage();
}

Status Undecodable(std::string why) {
  return {Code::kUndecodableEvent, std::move(why)};
}

Status NoMessage(const char* type, std::string_view bytes) {
  return Undecodable(fmt::format("{} bytes that are no {}", bytes.size(), type));
}

FinishReason ReasonOf(const wire::ResponseEvent::StreamFinished& finished) {
  using wire_finished = wire::ResponseEvent::StreamFinished;
  switch (finished.reason_case()) {
    case wire_finished::kDone:
      return FinishReason::kDone;
    case wire_finished::kQuotaLimit:
      return FinishReason::kQuotaLimit;
    case wire_finished::kMaxTokenLimit:
      return FinishReason::kMaxTokenLimit;
    case wire_finished::kContextWindowExceeded:
      return FinishReason::kContextWindowExceeded;
    case wire_finished::kLlmUnavailable:
      return FinishReason::kModelUnavailable;
    case wire_finished::kInternalError:
      return FinishReason::kInternalError;
    case wire_finished::kInvalidApiKey:
      return FinishReason::kInvalidModelKey;
    case wire_finished::kOther:
      return FinishReason::kOther;
    case wire_finished::REASON_NOT_SET:
      break;
  }
  // No reason at all is success. A reason that this schema does not know looks the same, but for the unknown field.
  const auto& unknown = finished.GetReflection()->GetUnknownFields(finished);
  return unknown.empty() ? FinishReason::kDone : FinishReason::kUnknown;
}

}  // namespace

ResponseDecoder::ResponseDecoder(const EventLimits& limits)
    : limits_(limits), scanner_(*wire::ResponseEvent::descriptor(), limits.max_depth) {}

Result<std::optional<std::string_view>> ResponseDecoder::Unwrap(std::string_view data) {
  event_bytes_ = data.size();
  data = Strip(data);
  if (data == "[DONE]") return std::optional<std::string_view>();
  if (data.empty()) return Undecodable("the event is empty");
  DropBytes();
  if (const auto at = DecodeBase64Url(data, &bytes_)) {
    return Undecodable(fmt::format("not base64url at character {} of {}", *at, data.size()));
  }
  return std::optional<std::string_view>(bytes_);
}

void ResponseDecoder::DropBytes() {
  if (bytes_.capacity() > kKeptEventBytes) bytes_ = std::string();
}

Status ResponseDecoder::Check(std::string_view bytes) {
  WireScan scan =
      bytes.size() <= kMostEventBytes ? scanner_.Scan(bytes) : WireScan{.result = WireScan::Result::kMalformed};
  if (scan.result == WireScan::Result::kTooDeep) {
    return {Code::kLimitExceeded, fmt::format("messages lie deeper than max_nesting_depth ({})", limits_.max_depth)};
  }
  if (scan.problem) return Undecodable(*std::move(scan.problem));
  if (scan.result != WireScan::Result::kFine) return NoMessage("ResponseEvent", bytes);
  if (scan.messages > static_cast<std::size_t>(limits_.max_messages)) {
    return {Code::kLimitExceeded, fmt::format("an event has {} messages, more than max_event_messages ({})",
                                              scan.messages, limits_.max_messages)};
  }
  // An event's only action is read when its bytes have been let go; and JSON is written in room for a fourth more.
  const std::uint64_t told = scan.told + scan.told_at_once + scan.told_at_once / 4;
  const std::uint64_t memory = event_bytes_ + scan.memory +
                               (scan.actions > 1 ? bytes.size() + told : std::max<std::uint64_t>(bytes.size(), told));
  if (memory > kMemoryPerByte * event_bytes_ + limits_.max_memory) {
    return {Code::kLimitExceeded,
            fmt::format("an event of {} bytes would take {} bytes of memory: more than {} times its bytes and "
                        "max_event_memory ({})",
                        event_bytes_, memory, kMemoryPerByte, limits_.max_memory)};
  }
  return {};
}

Result<wire::ResponseEvent*> ResponseDecoder::Parse(std::string_view bytes) {
  if (Status status = Check(bytes); !status.ok()) return status;
  return ParseChecked(bytes);
}

Result<wire::ResponseEvent*> ResponseDecoder::ParseChecked(std::string_view bytes) {
  event_.reset();
  event_ = MakeMessage<wire::ResponseEvent>([&](auto* event) { return ParseTo(event, bytes, limits_.max_depth); });
  if (!event_) return NoMessage("ResponseEvent", bytes);
  return event_.get();
}

Result<wire::ClientAction*> ResponseDecoder::ParseAction(std::string_view bytes) {
  action_.reset();
  action_ = MakeMessage<wire::ClientAction>([&](wire::ClientAction* action) {
    if (!FindAddedMessages(bytes, &added_)) return ParseTo(action, bytes, limits_.max_depth);
    auto* add = action->mutable_add_messages_to_task();
    if (!added_.task_id.empty()) add->mutable_task_id()->assign(added_.task_id);
    for (const std::string_view message : added_.messages) {
      if (!ParseTo(add->add_messages(), message, limits_.max_depth)) return false;
    }
    return true;
  });
  if (!action_) return NoMessage("ClientAction", bytes);
  return action_.get();
}

Finished ReadFinished(const wire::ResponseEvent::StreamFinished& finished) {
  Finished event{ReasonOf(finished), {}, {}, false};
  if (finished.has_internal_error()) event.message = finished.internal_error().message();
  if (finished.has_invalid_api_key()) event.message = finished.invalid_api_key().model_name();
  for (const auto& usage : finished.token_usage()) {
    event.usage.input_tokens += usage.total_input();
    event.usage.output_tokens += usage.output();
    event.usage.cache_read_tokens += usage.input_cache_read();
    event.usage.cache_write_tokens += usage.input_cache_write();
    event.usage.cost_in_cents += static_cast<double>(usage.cost_in_cents());
  }
  event.refresh_models = finished.should_refresh_model_config();
  event.usage.credits = static_cast<double>(finished.request_cost().exact());
  event.usage.context_window_usage = static_cast<double>(finished.conversation_usage_metadata().context_window_usage());
  return event;
}

}  // namespace warppool::internal
