#include "client/request_operation.h"

#include <fmt/format.h>

#include <new>
#include <utility>

#include "base/guarded.h"
#include "base/program_call.h"
#include "base/readable.h"
#include "base/redact.h"
#include "protocol/finish_status.h"

namespace warppool::internal {
namespace {

// The answer's last event has come, but not the end of the HTTP answer. It is worth waiting for: only then can the next
// request use the connection. The program waits this long, and the reader drains the connection longer.
constexpr std::chrono::milliseconds kEndGrace{100};
// Events of a kind that nobody knows, before the first action. A service that sends more of them means something by it:
// the answer has begun.
constexpr std::size_t kMaxEarlyEvents = 64;
constexpr std::size_t kMaxEarlyBytes = 1U << 20U;

// Made before it is needed, and never destroyed: a stream may be destroyed where there is no memory, and at the end of
// the process.
const Status& Cancelled() {
  static const Status& status = *new Status(Code::kCancelled, "the request was cancelled");
  return status;
}

}  // namespace

RequestOperation::RequestOperation(std::shared_ptr<Core> core, RequestPlan plan, std::shared_ptr<EventSink> sink)
    : core_(std::move(core)),
      plan_(std::move(plan)),
      delivery_(std::move(sink)),
      emit_(
          [this](const Event& event) {
            Deliver(event);
            return !finished_;
          },
          delivery_.detail()),
      acquisition_(&core_->acquisition(), this),
      reader_(plan_.conversation.share(), core_->decoder()) {
  static_cast<void>(Cancelled());
}

void RequestOperation::Stop() {
  Finish(Cancelled());
}

template <typename Call>
void RequestOperation::Protected(const Call& call) noexcept {
  const auto self = shared_from_this();
  try {
    call();
  } catch (const std::bad_alloc&) {
    Finish(Status::OutOfMemory());
  } catch (...) {
    Finish(Status(Code::kInternal, "unexpected"));
  }
}

void RequestOperation::Begin() {
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
    if (plan_.conversation) home_ = core_->pool().members().FindKey(plan_.conversation->owner().key);
    if (home_) acquisition_.KeepTo(home_);
    acquisition_.Restrict(plan_.only);
    acquisition_.Start(patience);
  });
}

// ------------------------------------------------------------------------------------------------- One attempt -----

std::string RequestOperation::MakeBody(bool as_new_conversation) {
  if (!plan_.conversation) return plan_.builder.Serialize({}, {});
  std::string body;
  plan_.conversation->Look([&](const wire::Request::TaskContext& tasks, const std::string& id) {
    body = plan_.builder.Serialize(tasks, as_new_conversation ? std::string() : id);
  });
  return body;
}

void RequestOperation::Use(const Bearer& bearer) {
  if (finished_) return;
  // The service's id of a conversation means nothing to another account.
  const bool moves = plan_.conversation && !plan_.conversation->owner().key.empty() &&
                     plan_.conversation->owner().key != bearer.token->key() &&
                     !(home_ && core_->pool().accounts().SameAccount(*home_, *bearer.token));
  HttpRequest request;
  request.target = core_->agent_target();
  request.bearer = bearer.Text();
  request.body = MakeBody(moves);
  if (request.body.empty()) {
    return Finish(Status(Code::kLimitExceeded, "the request with its conversation is larger than 2 GiB"));
  }
  const Config& config = core_->config();
  request.silence_timeout = config.silence_timeout;
  const AttemptLimits limits{config.max_event_bytes, config.max_stream_events, config.max_answer_bytes};
  attempt_.emplace(Attempt{std::make_shared<AttemptReader>(&core_->transport(), &core_->clock(), limits, plan_.secrets),
                           core_->clock().Steady(), bearer.token, bearer.token->name(), moves, request.bearer});
  attempt_->reader->Send(std::move(request), this);
  if (!delivery_.paused()) return;
  attempt_->reader->Pause();
  acquisition_.Pause();
}

void RequestOperation::OnAttemptEnd(Refusal refusal) {
  const auto self = shared_from_this();
  if (finished_) return;
  reader_.DropRest();
  if (!answered_) return acquisition_.Fail(std::move(refusal));
  RollBack();
  if (finished_) return;
  // The same request again would repeat what the agent has done already.
  if (plan_.conversation && refusal.outcome == Outcome::kStreamCut) return GoOn(std::move(refusal));
  const Status status = Final(refusal.status);
  core_->log().Warning("The answer broke off: {}: {}", attempt_->token, status.message());
  acquisition_.End(refusal.outcome, status, refusal.retry_after);
  End(status);
}

void RequestOperation::BreakOff(Outcome outcome, const Status& status) {
  attempt_->reader->Cancel();
  OnAttemptEnd({outcome, status});
}

void RequestOperation::GoOn(Refusal cut) {
  core_->log().Warning("The answer broke off: {}: {}", attempt_->token, cut.status.message());
  plan_.builder.BecomeResume();
  resuming_ = true;
  answered_ = false;
  acquisition_.Fail(std::move(cut));
}

void RequestOperation::OnAttemptFailed(const AttemptFailed& event) {
  AttemptFailed told = event;
  if (resuming_ && told.next == NextStep::kWait) told.next = NextStep::kResume;
  Deliver(told);
}

Status RequestOperation::Final(const Status& status) const {
  if (status.ok()) return status;
  Status redacted = Redacted(status, attempt_->bearer.Reveal());
  for (const Secret& secret : plan_.secrets) redacted = Redacted(redacted, secret.Reveal());
  Error error = Readable(redacted).error();
  error.token = attempt_->token;
  error.attempts = acquisition_.attempts();
  error.attempts.push_back({error.token, error.code, error.message});
  return Status(std::move(error));
}

// --------------------------------------------------------------------------------------------------- Its answer -----

void RequestOperation::OnStreamEvent(std::string_view data) {
  const auto self = shared_from_this();
  const auto kind = reader_.Read(data);
  if (!kind) return BreakOff(Outcome::kGarbled, attempt_->reader->At(kind.code(), kind.status().message()));
  if (!attempt_->serves && *kind != AnswerReader::Kind::kFinished) {  // what the last event says may be a refusal
    attempt_->serves = true;
    acquisition_.NoteServing();
    if (finished_) return;  // the program heard of it
  }
  switch (*kind) {
    case AnswerReader::Kind::kNothing:
      return;
    case AnswerReader::Kind::kInit:
      return NoteInit();
    case AnswerReader::Kind::kActions:
      return OnActions();
    case AnswerReader::Kind::kFinished:
      return OnFinished(reader_.finished());
    case AnswerReader::Kind::kUnknown:
      return OnUnknown();
  }
}

void RequestOperation::NoteInit() {
  attempt_->conversation_id = reader_.conversation_id();
  attempt_->request_id = reader_.request_id();
  attempt_->run_id = reader_.run_id();
  if (plan_.raw_events) HoldEarly(RawEvent{reader_.bytes()}, reader_.bytes().size());
  if (answered_ && plan_.conversation) NoteOwner();  // late, but that is how it is called
}

void RequestOperation::OnActions() {
  BeginAnswer();
  if (plan_.raw_events) Deliver(RawEvent{reader_.bytes()});
  ApplyActions();
}

void RequestOperation::ApplyActions() {
  // Between two actions the program may pause, so that what is held back stays small.
  while (!finished_ && !delivery_.paused() && reader_.has_more()) {
    const char* ignored = nullptr;
    const Status status = reader_.ApplyNext(emit_, &ignored);
    if (finished_) return;
    if (ignored != nullptr) core_->log().Warning("{}: an action is ignored: {}", attempt_->token, ignored);
    if (!status.ok()) return BreakOff(Outcome::kGarbled, attempt_->reader->At(status.code(), status.message()));
  }
  reader_.Keep();
}

void RequestOperation::OnUnknown() {
  const std::string_view bytes = reader_.bytes();
  if (plan_.raw_events) HoldEarly(RawEvent{bytes}, bytes.size());
  if (plan_.conversation) HoldEarly(UnknownEvent{{}, bytes}, bytes.size());
}

void RequestOperation::HoldEarly(const Event& event, std::size_t bytes) {
  attempt_->early_bytes += bytes;
  if (attempt_->early_bytes > kMaxEarlyBytes || attempt_->early.size() == kMaxEarlyEvents) BeginAnswer();
  if (answered_) return Deliver(event);
  attempt_->early.emplace_back(event);
}

void RequestOperation::RollBack() {
  if (plan_.conversation) plan_.conversation->RollBack(emit_);
}

std::string RequestOperation::Harmless(std::string_view words) const {
  std::string text(words);
  Redact(attempt_->bearer.Reveal(), &text);
  for (const Secret& secret : plan_.secrets) Redact(secret.Reveal(), &text);
  return Readable(text);
}

void RequestOperation::OnFinished(const Finished& as_sent) {
  const std::string words = Harmless(as_sent.message);
  Finished finished = as_sent;
  finished.message = words;
  const Status status = StatusOf(finished);
  const bool quota = finished.reason == FinishReason::kQuotaLimit;
  if (quota && !answered_) return BreakOff(Outcome::kQuotaExhausted, status);
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
  if (finished_) return;
  answer_end_ = Final(status);
  attempt_->reader->ExpectEnd();
  core_->loop().CancelTimer(std::exchange(deadline_, 0));  // the last event has come in time
  grace_ = core_->loop().After(kEndGrace, [this] {
    grace_ = 0;
    Protected([&] {
      attempt_->reader->Drain();
      End(*answer_end_);
    });
  });
}

void RequestOperation::BeginAnswer() {
  if (std::exchange(answered_, true)) return;
  plan_.builder.DropQuestion();
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

void RequestOperation::NoteOwner() {
  plan_.conversation->Begin(attempt_->conversation_id, {attempt_->user->key(), attempt_->token});
}

// ------------------------------------------------------------------------------------------- What is delivered -----

void RequestOperation::Deliver(const Event& event) {
  if (!finished_) Settle(delivery_.Deliver(event));
}

void RequestOperation::Settle(EventDelivery::Result result) {
  if (finished_) return;  // destroyed from within
  switch (result) {
    case EventDelivery::Result::kDone:
      return;
    case EventDelivery::Result::kThrew:
      return Finish(Status(Code::kInternal, "the event callback threw an exception"));
    case EventDelivery::Result::kNoMemory:
      return Finish(Status::OutOfMemory());
    case EventDelivery::Result::kCancelled:
      return Stop();
    case EventDelivery::Result::kPaused:
      if (attempt_) attempt_->reader->Pause();
      acquisition_.Pause();
      return;
  }
}

void RequestOperation::Resume() {
  if (!delivery_.paused() || finished_) return;
  Protected([&] {
    delivery_.Resume();
    Flush();
    if (!delivery_.paused() && !finished_ && attempt_) attempt_->reader->Resume();
  });
}

void RequestOperation::Flush() {
  while (!finished_ && !delivery_.paused()) {
    const auto result = delivery_.DeliverHeld();
    if (!result) break;
    Settle(*result);
  }
  if (finished_ || delivery_.paused()) return;
  if (held_end_) return Finish(*held_end_);
  ApplyActions();
}

void RequestOperation::End(const Status& status) {
  if (delivery_.paused()) {
    held_end_ = status;
  } else {
    Finish(status);
  }
}

void RequestOperation::Finish(const Status& status) noexcept {
  if (std::exchange(finished_, true)) {
    // Inside the terminal callback, from which the thread will not come back.
    if (!MayCallProgram()) SetDone();
    return;
  }
  Guarded([&] {
    core_->loop().CancelTimer(std::exchange(deadline_, 0));
    core_->loop().CancelTimer(std::exchange(grace_, 0));
    if (attempt_) attempt_->reader->Cancel();
  });
  Guarded([&] { acquisition_.End(); });
  plan_.conversation.Release();  // the program may go on with it in its last callback
  // With the sink go what the program's callbacks hold: all of it before anyone is told that this is over.
  auto sink = delivery_.TakeSink();
  core_->request_counts().Ended(status.code());  // before the last callback, which may look at the statistics
  if (sink->CallsProgram() && !MayCallProgram()) {
    MutexLock lock(&done_mutex_);
    held_sink_ = std::move(sink);
    held_status_ = status;
  } else {
    Guarded([&] { sink->OnDone(status); });
    sink.reset();
  }
  SetDone();
  core_->Retire(this);
}

void RequestOperation::Discard() {
  finished_ = true;
  plan_.conversation.Release();
  SetDone();
}

void RequestOperation::SetDone() {
  {
    MutexLock lock(&done_mutex_);
    done_ = true;
  }
  done_changed_.NotifyAll();
}

void RequestOperation::TellHeldDone() {
  std::shared_ptr<EventSink> sink;
  Status status;
  {
    MutexLock lock(&done_mutex_);
    sink.swap(held_sink_);
    status = held_status_;
  }
  if (sink) sink->OnDone(status);
}

void RequestOperation::WaitUntilDone() {
  MutexLock lock(&done_mutex_);
  while (!done_) done_changed_.Wait(&done_mutex_);
}

}  // namespace warppool::internal
