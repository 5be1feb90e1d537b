#include "protocol/response_decoder.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/unknown_field_set.h>

#include <limits>

#include "base/base64url.h"
#include "protocol/protobuf_version.h"

namespace warppool::internal {
namespace {

// The room for an event's bytes that is kept for the next one.
constexpr std::size_t kKeptEventBytes = 64U << 10U;

constexpr std::size_t kFirstBlock = 4U << 10U;  // more than the usual event needs

google::protobuf::ArenaOptions FirstBlock(std::string* block) {
  google::protobuf::ArenaOptions options;
  options.initial_block = block->data();
  options.initial_block_size = block->size();
  return options;
}

std::string_view Strip(std::string_view text) {
  constexpr std::string_view kAround = " \t\n\"";
  const std::size_t first = text.find_first_not_of(kAround);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kAround) - first + 1);
}

// protobuf counts in int.
constexpr std::size_t kMostEventBytes = std::numeric_limits<int>::max();

bool ParseTo(wire::ResponseEvent* event, std::string_view bytes, int max_depth) {
  google::protobuf::io::ArrayInputStream array(bytes.data(), static_cast<int>(bytes.size()));
  google::protobuf::io::CodedInputStream in(&array);
  in.SetRecursionLimit(max_depth);
  return event->ParseFromCodedStream(&in) && in.ConsumedEntireMessage();
}

Status Undecodable(std::string why) {
  return {Code::kUndecodableEvent, std::move(why)};
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

ResponseDecoder::ResponseDecoder(int max_depth)
    : max_depth_(max_depth),
      scanner_(*wire::ResponseEvent::descriptor(), max_depth),
      block_(kFirstBlock, '\0'),
      arena_(FirstBlock(&block_)) {}

Result<std::optional<std::string_view>> ResponseDecoder::Unwrap(std::string_view data) {
  data = Strip(data);
  if (data == "[DONE]") return std::optional<std::string_view>();
  if (data.empty()) return Undecodable("the event is empty");
  if (bytes_.capacity() > kKeptEventBytes) bytes_ = std::string();
  if (const auto at = DecodeBase64Url(data, &bytes_)) {
    return Undecodable(fmt::format("not base64url at character {} of {}", *at, data.size()));
  }
  return std::optional<std::string_view>(bytes_);
}

Result<const wire::ResponseEvent*> ResponseDecoder::Parse(std::string_view bytes) {
  arena_.Reset();
  WireScan scan =
      bytes.size() <= kMostEventBytes ? scanner_.Scan(bytes) : WireScan{WireScan::Result::kMalformed, 0, {}};
  if (scan.result == WireScan::Result::kTooDeep) {
    return Status(Code::kLimitExceeded, fmt::format("messages lie deeper than max_nesting_depth ({})", max_depth_));
  }
  if (scan.problem) return Undecodable(*std::move(scan.problem));
  if (scan.result == WireScan::Result::kFine) {
    auto* event = CreateOnArena<wire::ResponseEvent>(&arena_);
    if (ParseTo(event, bytes, max_depth_)) return static_cast<const wire::ResponseEvent*>(event);
  }
  return Undecodable(fmt::format("{} bytes that are no ResponseEvent", bytes.size()));
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
