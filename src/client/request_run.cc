#include "client/request_run.h"

#include <fmt/format.h>

#include <new>
#include <utility>

#include "base/guarded.h"
#include "base/redact.h"
#include "http/fetch.h"
#include "http/service_words.h"
#include "protocol/finish_status.h"

namespace warppool {
namespace {

// The answer's last event has come, but not the end of the HTTP answer. It is worth waiting for: only then can the next
// request use the connection. The program waits this long, and the I/O thread as much longer.
constexpr std::chrono::milliseconds kEndGrace{100};
constexpr std::chrono::milliseconds kDrainTime{2'000};
// Events of a kind that nobody knows, before the first action. A service that sends more of them means something by it:
// the answer has begun.
constexpr std::size_t kMaxEarlyEvents = 64;
constexpr std::size_t kMaxEarlyBytes = 1U << 20U;

}  // namespace

RequestRun::RequestRun(std::shared_ptr<Core> core, RequestPlan plan, std::shared_ptr<EventSink> sink)
    : core_(std::move(core)),
      plan_(std::move(plan)),
      sink_(std::move(sink)),
      acquisition_(&core_->acquisition(), this),
      reader_(plan_.conversation.share(), core_->config().max_nesting_depth) {}

template <typename Call>
void RequestRun::Protected(const Call& call) noexcept {
  const auto self = shared_from_this();
  try {
    call();
  } catch (const std::bad_alloc&) {
    Finish(Status::OutOfMemory());
  } catch (...) {
    Finish(Status(Code::kInternal, "unexpected"));
  }
}

void RequestRun::Begin() {
  if (finished_) return;
  Protected([&] {
    Patience patience{plan_.waits};
    if (plan_.timeout.count() > 0) {
      patience.deadline = DeadlineIn(plan_.timeout, core_->clock().Steady());
      deadline_ = core_->loop().After(plan_.timeout, [this] {
        deadline_ = 0;
        Protected([&] {
          Finish(
              Status(Error{.code = Code::kDeadlineExceeded,
                           .message = fmt::format("the request's time-out of {} ms has passed", plan_.timeout.count()),
                           .attempts = acquisition_.attempts()}));
        });
      });
    }
    if (plan_.conversation) home_ = core_->pool().FindKey(plan_.conversation->owner().key);
    if (home_) acquisition_.KeepTo(home_);
    acquisition_.Restrict(plan_.only);
    acquisition_.Start(patience);
  });
}

std::string RequestRun::MakeBody(bool as_new_conversation) {
  if (!plan_.conversation) return plan_.builder.Serialize({}, {});
  std::string body;
  plan_.conversation->Look([&](const wire::Request::TaskContext& tasks, const std::string& id) {
    body = plan_.builder.Serialize(tasks, as_new_conversation ? std::string() : id);
  });
  return body;
}

void RequestRun::Use(const Bearer& bearer) {
  if (finished_) return;
  // The service's id of a conversation means nothing to another account.
  const bool moves = plan_.conversation && !plan_.conversation->owner().key.empty() &&
                     plan_.conversation->owner().key != bearer.token->key() &&
                     !(home_ && core_->pool().SameAccount(*home_, *bearer.token));
  HttpRequest request;
  request.url = core_->agent_url();
  request.headers = core_->agent_headers();
  request.bearer = bearer.Text();
  request.body = MakeBody(moves);
  if (request.body.empty()) {
    return Finish(Status(Code::kLimitExceeded, "the request with its conversation is larger than 2 GiB"));
  }
  request.direct = core_->agent_direct();
  request.connect_timeout = core_->config().connect_timeout;
  request.silence_timeout = core_->config().silence_timeout;
  attempt_.emplace(core_->config().max_event_bytes);
  attempt_->began = core_->clock().Steady();
  attempt_->user = bearer.token;
  attempt_->token = bearer.token->name();
  attempt_->moves = moves;
  attempt_->bearer = request.bearer;
  attempt_->transfer = core_->transport().Start(std::move(request), this);
  if (paused_) core_->transport().Pause(attempt_->transfer);
}

void RequestRun::OnHead(const HttpHead& head) {
  if (finished_) return;
  attempt_->head = head;
  attempt_->is_stream = head.status == 200 && IsEventStream(head);
  WatchRefusal();
}

// Not while the program has paused: then the rest may be here, and nobody reads it.
void RequestRun::WatchRefusal() {
  if (paused_ || refusal_timer_ != 0 || attempt_->is_stream || attempt_->head.status == 0) return;
  refusal_timer_ = core_->loop().After(kMaxRefusalTime, [this] {
    refusal_timer_ = 0;
    Protected([&] { CutRefusal(); });
  });
}

void RequestRun::OnBody(std::string_view bytes) {
  if (finished_) return;
  Protected([&] {
    if (attempt_->is_stream) return Consume(bytes);
    attempt_->refusal += bytes.substr(0, kMaxRefusalBytes - attempt_->refusal.size());
    if (attempt_->refusal.size() == kMaxRefusalBytes) CutRefusal();
  });
}

void RequestRun::CutRefusal() {
  core_->transport().Cancel(attempt_->transfer);
  Refuse(Body::kCut);
}

void RequestRun::OnDone(const TransferResult& result) {
  const auto self = std::exchange(draining_, nullptr);
  if (finished_) return;
  Protected([&] { OnTransferEnd(result); });
}

void RequestRun::OnTransferEnd(const TransferResult& result) {
  if (paused_) {
    held_result_ = result;
    return;
  }
  if (answer_end_) return Finish(*answer_end_);
  if (result.error == TransferError::kNone) return attempt_->is_stream ? OnStreamEnd() : Refuse(Body::kComplete);
  const int status = attempt_->head.status;
  if (status != 0 && status != 200 && LeavesRefusal(result.error)) {
    return Refuse(result.error == TransferError::kNotDecoded ? Body::kUnreadable : Body::kCut);
  }
  Refusal failure = ReadTransferError(result, EndpointFacts{}, attempt_->is_stream);
  if (attempt_->is_stream && !failure.status.ok()) {
    Error error = failure.status.error();
    error.message = At(error.code, error.message).message();
    failure.status = Status(std::move(error));
  }
  EndAttempt(std::move(failure));
}

void RequestRun::Refuse(Body body) {
  // Before any of it is quoted, or cut: a part of a secret is one, too.
  const auto redact = [&](const Secret& secret) {
    Redact(secret.Reveal(), &attempt_->refusal);
    RedactHead(secret.Reveal(), &attempt_->head);
  };
  redact(attempt_->bearer);
  for (const Secret& secret : plan_.secrets) redact(secret);
  const RefusalBody read{attempt_->refusal, body != Body::kCut, body != Body::kUnreadable};
  EndAttempt(ReadRefusal(attempt_->head, read, EndpointFacts{}, core_->clock().Wall()));
}

void RequestRun::RefuseInStream(std::string_view data) {
  std::string words(data);
  Redact(attempt_->bearer.Reveal(), &words);
  for (const Secret& secret : plan_.secrets) Redact(secret.Reveal(), &words);
  Refusal refusal = ReadErrorEvent(words, EndpointFacts{});
  Error error = refusal.status.error();
  error.message = At(error.code, error.message).message();
  refusal.status = Status(std::move(error));
  BreakOff(std::move(refusal));
}

void RequestRun::OnStreamEnd() {
  const SseParser& parser = attempt_->parser;
  if (parser.bytes() == 0) {
    return EndAttempt({Outcome::kStreamCut, Status({.code = Code::kEmptyAnswer,
                                                    .message = "the answer ended before its first byte",
                                                    .http_status = 200,
                                                    .retryable = true})});
  }
  // Who only keeps the connection has begun a stream, and the rest of it may come with another attempt.
  if (parser.events() == 0 && parser.comments() == 0) {
    return EndAttempt(
        {Outcome::kGarbled, Status(Code::kNotAStream, fmt::format("{} bytes without a single event", parser.bytes()))});
  }
  Error error = At(Code::kTruncated, "the stream ended without its last event").error();
  error.retryable = true;
  EndAttempt({Outcome::kStreamCut, Status(std::move(error))});
}

void RequestRun::Consume(std::string_view bytes) {
  if (answer_end_) return;  // the service's last word has been said
  if (paused_) {
    held_bytes_ += bytes;
    return;
  }
  SseParser& parser = attempt_->parser;
  const std::uint64_t max_events = core_->config().max_stream_events;
  while (const auto data = parser.Next(&bytes)) {
    if (parser.events() > max_events) {
      return BreakOff({Outcome::kGarbled,
                       At(Code::kLimitExceeded, fmt::format("more events than max_stream_events ({})", max_events))});
    }
    if (IsErrorEvent(parser.event_name())) return RefuseInStream(*data);
    if (IsKeepAlive(parser.event_name(), *data)) continue;
    const TransferId transfer = attempt_->transfer;
    OnEvent(*data);
    if (finished_ || answer_end_ || attempt_->transfer != transfer) return;
    if (paused_) {
      held_bytes_.assign(bytes);
      return;
    }
  }
  if (!parser.too_large()) return;
  BreakOff({Outcome::kGarbled, At(Code::kLimitExceeded, fmt::format("an event is larger than max_event_bytes ({})",
                                                                    core_->config().max_event_bytes))});
}

void RequestRun::OnEvent(std::string_view data) {
  const auto kind = reader_.Read(data);
  if (!kind) return BreakOff({Outcome::kGarbled, At(kind.code(), kind.status().message())});
  if (!attempt_->serves && *kind != AnswerReader::Kind::kFinished) {  // what the last event says may be a refusal
    attempt_->serves = true;
    acquisition_.NoteServing();
    if (finished_) return;  // the program heard of it
  }
  switch (*kind) {
    case AnswerReader::Kind::kNothing:
      return;
    case AnswerReader::Kind::kInit:
      attempt_->conversation_id = reader_.conversation_id();
      attempt_->request_id = reader_.request_id();
      attempt_->run_id = reader_.run_id();
      if (plan_.raw_events) HoldEarly(RawEvent{reader_.bytes()}, reader_.bytes().size());
      if (answered_ && plan_.conversation) NoteOwner();  // late, but that is how it is called
      return;
    case AnswerReader::Kind::kActions:
      return OnActions();
    case AnswerReader::Kind::kFinished:
      return OnFinished(reader_.finished());
    case AnswerReader::Kind::kUnknown:
      return OnUnknown();
  }
}

void RequestRun::OnActions() {
  BeginAnswer();
  if (plan_.raw_events) Deliver(RawEvent{reader_.bytes()});
  ApplyActions();
}

void RequestRun::ApplyActions() {
  // Between two actions the program may pause, so that what is held back stays small.
  while (!finished_ && !paused_ && reader_.has_more()) {
    const char* ignored = nullptr;
    const Status status = reader_.ApplyNext([this](const Event& event) { return Emit(event); }, &ignored);
    if (finished_) return;
    if (ignored != nullptr) core_->log().Warning("{}: an action is ignored: {}", attempt_->token, ignored);
    if (!status.ok()) return BreakOff({Outcome::kGarbled, At(status.code(), status.message())});
  }
}

void RequestRun::OnUnknown() {
  const std::string_view bytes = reader_.bytes();
  if (plan_.raw_events) HoldEarly(RawEvent{bytes}, bytes.size());
  if (plan_.conversation) HoldEarly(UnknownEvent{{}, bytes}, bytes.size());
}

void RequestRun::HoldEarly(const Event& event, std::size_t bytes) {
  attempt_->early_bytes += bytes;
  if (attempt_->early_bytes > kMaxEarlyBytes || attempt_->early.size() == kMaxEarlyEvents) BeginAnswer();
  if (answered_) return Deliver(event);
  attempt_->early.emplace_back(event);
}

void RequestRun::RollBack() {
  if (plan_.conversation) plan_.conversation->RollBack([this](const Event& event) { return Emit(event); });
}

bool RequestRun::Emit(const Event& event) {
  Deliver(event);
  return !finished_;
}

void RequestRun::OnFinished(const Finished& finished) {
  const Status status = StatusOf(finished);
  const bool quota = finished.reason == FinishReason::kQuotaLimit;
  if (quota && !answered_) return BreakOff({Outcome::kQuotaExhausted, status});
  BeginAnswer();
  if (!finished_) RollBack();
  if (finished_) return;
  if (plan_.conversation) plan_.conversation->AddUsage(finished.usage);
  if (plan_.raw_events) Deliver(RawEvent{reader_.bytes()});
  Deliver(finished);
  if (finished_) return;
  if (status.ok()) {
    acquisition_.Succeed();
  } else {
    acquisition_.End(quota ? Outcome::kQuotaExhausted : Outcome::kFinishedOtherwise, Final(status));
  }
  answer_end_ = Final(status);
  core_->loop().CancelTimer(std::exchange(deadline_, 0));  // the last event has come in time
  grace_ = core_->loop().After(kEndGrace, [this] {
    grace_ = 0;
    Protected([&] {
      if (!held_result_) Drain();
      End(*answer_end_);
    });
  });
}

void RequestRun::Drain() {
  draining_ = shared_from_this();
  core_->loop().After(kDrainTime, [weak = weak_from_this(), transfer = attempt_->transfer] {
    const auto run = weak.lock();
    if (!run || !run->draining_) return;
    run->core_->transport().Cancel(transfer);
    run->draining_.reset();
  });
}

void RequestRun::BreakOff(Refusal result) {
  core_->transport().Cancel(attempt_->transfer);
  EndAttempt(std::move(result));
}

void RequestRun::EndAttempt(Refusal result) {
  attempt_->transfer = 0;
  core_->loop().CancelTimer(std::exchange(refusal_timer_, 0));
  reader_.DropRest();
  held_bytes_.clear();
  held_result_.reset();
  if (!answered_) return acquisition_.Fail(std::move(result));
  RollBack();
  if (finished_) return;
  // The same request again would repeat what the agent has done already.
  if (plan_.conversation && result.outcome == Outcome::kStreamCut) return GoOn(std::move(result));
  const Status status = Final(result.status);
  core_->log().Warning("The answer broke off: {}: {}", attempt_->token, status.message());
  acquisition_.End(result.outcome, status, result.retry_after);
  End(status);
}

void RequestRun::GoOn(Refusal cut) {
  core_->log().Warning("The answer broke off: {}: {}", attempt_->token, cut.status.message());
  plan_.builder.BecomeResume();
  resuming_ = true;
  answered_ = false;
  acquisition_.Fail(std::move(cut));
}

void RequestRun::OnAttemptFailed(const AttemptFailed& event) {
  AttemptFailed told = event;
  if (resuming_ && told.next == NextStep::kWait) told.next = NextStep::kResume;
  Deliver(told);
}

Status RequestRun::Final(const Status& status) const {
  if (status.ok()) return status;
  Status redacted = Redacted(status, attempt_->bearer.Reveal());
  for (const Secret& secret : plan_.secrets) redacted = Redacted(redacted, secret.Reveal());
  Error error = redacted.error();
  error.token = attempt_->token;
  error.attempts = acquisition_.attempts();
  error.attempts.push_back({error.token, error.code, error.message});
  return Status(std::move(error));
}

Status RequestRun::At(Code code, const std::string& what) const {
  const SseParser& parser = attempt_->parser;
  return {code, fmt::format("{} (event {}, byte {} of the stream)", what, parser.events(), parser.event_offset())};
}

void RequestRun::BeginAnswer() {
  if (std::exchange(answered_, true)) return;
  acquisition_.NoteFirstEvent(std::chrono::floor<std::chrono::milliseconds>(core_->clock().Steady() - attempt_->began));
  if (plan_.conversation) {
    if (attempt_->moves) Deliver(ConversationMoved{plan_.conversation->owner().token, attempt_->token});
    if (finished_) return;
    // A service that does not say how it calls it has said so before.
    if (attempt_->conversation_id.empty() && !attempt_->moves) attempt_->conversation_id = plan_.conversation->id();
    NoteOwner();
    home_ = attempt_->user;
    acquisition_.KeepTo(home_);
  }
  Deliver(StreamStarted{attempt_->token, attempt_->conversation_id, attempt_->request_id, attempt_->run_id});
  for (const OwnedEvent& event : std::exchange(attempt_->early, {})) Deliver(event.get());
}

void RequestRun::NoteOwner() {
  plan_.conversation->Begin(attempt_->conversation_id, {attempt_->user->key(), attempt_->token});
}

void RequestRun::Deliver(const Event& event) {
  if (finished_) return;
  if (paused_) {
    held_events_.emplace_back(event);
    return;
  }
  Flow flow = Flow::kContinue;
  bool threw = false;
  const auto sink = sink_;  // the program may end the stream, and with it the sink, from within
  try {
    flow = sink->OnEvent(event);
  } catch (...) {
    threw = true;
  }
  if (finished_) return;  // destroyed from within
  if (threw) return Finish(Status(Code::kInternal, "the event callback threw an exception"));
  if (flow == Flow::kCancel) return Stop();
  if (flow != Flow::kPause) return;
  paused_ = true;
  core_->loop().CancelTimer(std::exchange(refusal_timer_, 0));
  if (attempt_) core_->transport().Pause(attempt_->transfer);
}

void RequestRun::Resume() {
  if (!paused_ || finished_) return;
  Protected([&] {
    paused_ = false;
    Flush();
    if (paused_ || finished_ || !attempt_) return;
    core_->transport().Resume(attempt_->transfer);
    if (attempt_->transfer != 0) WatchRefusal();
    if (const auto result = std::exchange(held_result_, std::nullopt)) OnTransferEnd(*result);
  });
}

void RequestRun::Flush() {
  auto events = std::exchange(held_events_, {});
  while (!events.empty() && !finished_) {
    if (paused_) {
      held_events_ = std::move(events);
      return;
    }
    Deliver(events.front().get());
    events.pop_front();
  }
  if (paused_ || finished_) return;
  if (held_end_) return Finish(*held_end_);
  ApplyActions();
  if (paused_ || finished_ || held_bytes_.empty()) return;
  const std::string bytes = std::exchange(held_bytes_, {});
  Consume(bytes);
}

void RequestRun::End(const Status& status) {
  if (paused_) {
    held_end_ = status;
  } else {
    Finish(status);
  }
}

void RequestRun::Finish(const Status& status) noexcept {
  if (std::exchange(finished_, true)) return;
  Guarded([&] {
    core_->loop().CancelTimer(std::exchange(deadline_, 0));
    core_->loop().CancelTimer(std::exchange(grace_, 0));
    core_->loop().CancelTimer(std::exchange(refusal_timer_, 0));
    if (attempt_ && !draining_) core_->transport().Cancel(attempt_->transfer);
    acquisition_.End();
  });
  plan_.conversation.Release();  // who is told may go on with it
  // With the sink go what the program's callbacks hold: all of it before anyone is told that this is over.
  auto sink = std::exchange(sink_, nullptr);
  core_->request_counts().Ended(status.code());  // who is told may look
  Guarded([&] { sink->OnDone(status); });
  sink.reset();
  SetDone();
  core_->Retire(this);
}

void RequestRun::Discard() {
  finished_ = true;
  plan_.conversation.Release();
  SetDone();
}

void RequestRun::SetDone() {
  {
    MutexLock lock(&done_mutex_);
    done_ = true;
  }
  done_changed_.NotifyAll();
}

void RequestRun::WaitUntilDone() {
  MutexLock lock(&done_mutex_);
  while (!done_) done_changed_.Wait(&done_mutex_);
}

}  // namespace warppool
