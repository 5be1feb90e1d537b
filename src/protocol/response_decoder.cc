#include "protocol/response_decoder.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/unknown_field_set.h>

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

// Null: protobuf refuses the bytes.
std::unique_ptr<wire::ResponseEvent> ParseEvent(std::string_view bytes, int max_depth) {
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                            static_cast<int>(bytes.size()));
  in.SetRecursionLimit(max_depth);
  auto event = std::make_unique<wire::ResponseEvent>();
  bool parsed = false;
  try {
    parsed = event->ParseFromCodedStream(&in) && in.ConsumedEntireMessage();
  } catch (...) {
    // A message that protobuf could not complete may point to what it has freed already: it is never destroyed.
    static_cast<void>(event.release());
    throw;
  }
  return parsed ? std::move(event) : nullptr;
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
      scanner_(*wire::ResponseEvent::descriptor(), max_depth) {}

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

Result<wire::ResponseEvent*> ResponseDecoder::Parse(std::string_view bytes) {
  event_.reset();
  WireScan scan =
      bytes.size() <= kMostEventBytes ? scanner_.Scan(bytes) : WireScan{WireScan::Result::kMalformed, 0, {}};
  if (scan.result == WireScan::Result::kTooDeep) {
    return Status(Code::kLimitExceeded, fmt::format("messages lie deeper than max_nesting_depth ({})", max_depth_));
  }
  if (scan.problem) return Undecodable(*std::move(scan.problem));
  if (scan.result == WireScan::Result::kFine) {
    event_ = ParseEvent(bytes, max_depth_);
    if (event_) return event_.get();
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
