#include "client/attempt_reader.h"

#include <fmt/format.h>

#include <utility>

#include "base/guarded.h"
#include "base/redact.h"
#include "http/fetch.h"
#include "http/service_words.h"

namespace warppool::internal {
namespace {

constexpr std::chrono::milliseconds kDrainTime{2'000};
constexpr const char* kTooManyBytes = "the answer is larger than max_answer_bytes";

}  // namespace

template <typename Call>
void AttemptReader::Protected(const Call& call) noexcept {
  const auto self = shared_from_this();  // whom it calls may forget it
  const Status done = Guarded([&] {
    call();
    return Status();
  });
  if (!done.ok() && owner_ != nullptr) owner_->OnFailure(done);
}

// The owner's last call, unless it throws: then nobody but this would tell it that it is over.
template <typename Call>
void AttemptReader::TellLast(const Call& call) noexcept {
  Owner* const owner = std::exchange(owner_, nullptr);
  const Status done = Guarded([&] {
    call(owner);
    return Status();
  });
  if (!done.ok()) owner->OnFailure(done);
}

void AttemptReader::Send(HttpRequest request, Owner* owner) {
  owner_ = owner;
  bearer_ = request.bearer;
  transfer_ = transport_->Start(std::move(request), this);
}

void AttemptReader::Pause() {
  paused_ = true;
  transport_->executor().CancelTimer(std::exchange(refusal_timer_, 0));
  if (transfer_ != 0) transport_->Pause(transfer_);
}

void AttemptReader::Resume() {
  if (!std::exchange(paused_, false)) return;
  Protected([&] {
    // Before the transport may bring more.
    if (const std::string bytes = std::exchange(held_bytes_, {}); !bytes.empty() && owner_ != nullptr) Consume(bytes);
    if (paused_ || owner_ == nullptr) return;
    if (transfer_ != 0) transport_->Resume(transfer_);
    WatchRefusal();
    if (const auto result = std::exchange(held_result_, std::nullopt)) OnTransferEnd(*result);
  });
}

void AttemptReader::Cancel() {
  owner_ = nullptr;
  if (!draining_) Stop();
}

void AttemptReader::Stop() {
  transport_->executor().CancelTimer(std::exchange(refusal_timer_, 0));
  if (transfer_ != 0) transport_->Cancel(std::exchange(transfer_, 0));
}

void AttemptReader::Drain() {
  owner_ = nullptr;
  if (transfer_ == 0) return;
  if (std::exchange(paused_, false)) transport_->Resume(transfer_);
  draining_ = shared_from_this();
  transport_->executor().After(kDrainTime, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || !self->draining_) return;
    self->Stop();
    self->draining_.reset();
  });
}

// ---------------------------------------------------------------------------------------------- What comes ----------

void AttemptReader::OnHead(HttpHead head) {
  if (owner_ == nullptr) return;
  Protected([&] {
    head_ = std::move(head);
    is_stream_ = head_.status == 200 && IsEventStream(head_);
    WatchRefusal();
  });
}

void AttemptReader::OnBody(std::string_view bytes) {
  if (owner_ == nullptr) return;
  Protected([&] {
    if (is_stream_) return Consume(bytes);
    refusal_ += bytes.substr(0, kMaxRefusalBytes - refusal_.size());
    if (refusal_.size() == kMaxRefusalBytes) CutRefusal();
  });
}

void AttemptReader::OnDone(const TransferResult& result) {
  const auto drained = std::exchange(draining_, nullptr);
  transfer_ = 0;
  if (owner_ == nullptr) return;
  Protected([&] {
    if (!paused_) return OnTransferEnd(result);
    held_result_ = result;
  });
}

void AttemptReader::Consume(std::string_view bytes) {
  if (expects_end_) return;  // the service's last word has been said
  if (paused_) {
    held_bytes_ += bytes;
    return;
  }
  while (const auto data = parser_.Next(&bytes)) {
    if (parser_.events() > limits_.max_stream_events) {
      return BreakOffAtLimit("more events than max_stream_events", limits_.max_stream_events);
    }
    if (parser_.bytes() > limits_.max_answer_bytes) return BreakOffAtLimit(kTooManyBytes, limits_.max_answer_bytes);
    if (IsErrorEvent(parser_.event_name())) return RefuseInStream(*data);
    if (IsKeepAlive(parser_.event_name(), *data)) continue;
    owner_->OnStreamEvent(*data);
    if (owner_ == nullptr || expects_end_) return;
    if (paused_) {
      held_bytes_.assign(bytes);
      return;
    }
  }
  if (parser_.too_large()) return BreakOffAtLimit("an event is larger than max_event_bytes", limits_.max_event_bytes);
  if (parser_.bytes() > limits_.max_answer_bytes) BreakOffAtLimit(kTooManyBytes, limits_.max_answer_bytes);
}

void AttemptReader::BreakOffAtLimit(const char* what, std::uint64_t limit) {
  BreakOff(Outcome::kGarbled, Code::kLimitExceeded, fmt::format("{} ({})", what, limit));
}

void AttemptReader::OnTransferEnd(const TransferResult& result) {
  if (expects_end_) return TellLast([](Owner* owner) { owner->OnAnswerOver(); });
  if (result.error == TransferError::kNone) return is_stream_ ? OnStreamEnd() : Refuse(Body::kComplete);
  if (head_.status != 0 && head_.status != 200 && LeavesRefusal(result.error)) {
    return Refuse(result.error == TransferError::kNotDecoded ? Body::kUnreadable : Body::kCut);
  }
  Refusal failure = ReadTransferError(result, EndpointFacts{}, is_stream_);
  if (is_stream_ && !failure.status.ok()) {
    Error error = failure.status.error();
    error.message = At(error.code, error.message).message();
    failure.status = Status(std::move(error));
  }
  End(std::move(failure));
}

void AttemptReader::OnStreamEnd() {
  if (parser_.bytes() == 0) {
    return End({Outcome::kStreamCut, Status({.code = Code::kEmptyAnswer,
                                             .message = "the answer ended before its first byte",
                                             .http_status = 200,
                                             .retryable = true})});
  }
  // Who only keeps the connection has begun a stream, and the rest of it may come with another attempt.
  if (parser_.events() == 0 && parser_.comments() == 0) {
    return End({Outcome::kGarbled,
                Status(Code::kNotAStream, fmt::format("{} bytes without a single event", parser_.bytes()))});
  }
  Error error = At(Code::kTruncated, "the stream ended without its last event").error();
  error.retryable = true;
  End({Outcome::kStreamCut, Status(std::move(error))});
}

// ---------------------------------------------------------------------------------------------- A refusal -----------

// Not while the program has paused: then the rest may be here, and nobody reads it.
void AttemptReader::WatchRefusal() {
  if (paused_ || refusal_timer_ != 0 || transfer_ == 0 || is_stream_ || head_.status == 0) return;
  refusal_timer_ = transport_->executor().After(kMaxRefusalTime, [this] {
    refusal_timer_ = 0;
    Protected([&] { CutRefusal(); });
  });
}

void AttemptReader::CutRefusal() {
  Stop();
  Refuse(Body::kCut);
}

void AttemptReader::Refuse(Body body) {
  // Before any of it is quoted, or cut: a part of a secret is one, too.
  const auto redact = [&](const Secret& secret) {
    Redact(secret.Reveal(), &refusal_);
    RedactHead(secret.Reveal(), &head_);
  };
  redact(bearer_);
  for (const Secret& secret : secrets_) redact(secret);
  RedactAnswer(transport_->secrets(), &refusal_, &head_);
  const RefusalBody read{refusal_, body != Body::kCut, body != Body::kUnreadable};
  End(ReadRefusal(head_, read, EndpointFacts{}, clock_->Wall()));
}

void AttemptReader::RefuseInStream(std::string_view data) {
  std::string words(data);
  Redact(bearer_.Reveal(), &words);
  for (const Secret& secret : secrets_) Redact(secret.Reveal(), &words);
  Refusal refusal = ReadErrorEvent(words, EndpointFacts{});
  Error error = refusal.status.error();
  error.message = At(error.code, error.message).message();
  refusal.status = Status(std::move(error));
  End(std::move(refusal));
}

void AttemptReader::BreakOff(Outcome outcome, Code code, const std::string& what) {
  End({outcome, At(code, what)});
}

void AttemptReader::End(Refusal refusal) {
  Stop();
  TellLast([&](Owner* owner) { owner->OnAttemptEnd(std::move(refusal)); });
}

Status AttemptReader::At(Code code, const std::string& what) const {
  return {code, fmt::format("{} (event {}, byte {} of the stream)", what, parser_.events(), parser_.event_offset())};
}

}  // namespace warppool::internal
