// One request, from its first token to its last event. Everything in the I/O thread.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "client/core.h"
#include "client/event_queue.h"
#include "client/event_sink.h"
#include "client/token_walk.h"
#include "conversation/answer_reader.h"
#include "conversation/conversation_impl.h"
#include "http/sse_parser.h"
#include "protocol/request_builder.h"

namespace warppool::internal {

// What a run is about.
struct RequestPlan {
  RequestBuilder builder;
  ConversationClaim conversation;  // what the answer changes; none: the program cares for it (Request::raw)
  bool raw_events = false;
  std::vector<Secret> secrets{};                   // that the request brings, for errors not to quote them
  std::chrono::milliseconds timeout{0};            // 0: none
  bool waits = true;                               // for a token when none is ready
  std::shared_ptr<const TokenRestriction> only{};  // who may serve; null: all
};

class RequestRun final : public Run,
                         public std::enable_shared_from_this<RequestRun>,
                         private TokenWalk::Owner,
                         private HttpHandler {
 public:
  RequestRun(std::shared_ptr<Core> core, RequestPlan plan, std::shared_ptr<EventSink> sink);

  void Begin() override;
  void Stop() override { Finish(Status(Code::kCancelled, "the request was cancelled")); }
  void Resume();  // after a push callback said kPause

  // Instead of Begin(), when it could not be launched: it is over without a call of the sink.
  void Discard() EXCLUDES(done_mutex_);

  // Waits until the sink's OnDone() has returned. Not in the I/O thread.
  void WaitUntilDone() EXCLUDES(done_mutex_);

 private:
  // What one attempt has seen so far.
  struct Attempt {
    explicit Attempt(std::size_t max_event_bytes) : parser(max_event_bytes) {}
    TransferId transfer = 0;
    SteadyTime began{};
    std::shared_ptr<const Token> user;
    std::string token;   // its name
    bool moves = false;  // the conversation is another account's so far
    Secret bearer;
    HttpHead head;
    bool is_stream = false;
    std::string refusal;  // the beginning of a body that is no stream
    SseParser parser;
    std::string conversation_id;
    std::string request_id;
    std::string run_id;
    std::deque<OwnedEvent> early;  // from before the first action: another attempt may bring them again
    std::size_t early_bytes = 0;
  };

  // TokenWalk::Owner
  void Use(const Bearer& bearer) override;
  void OnAttemptFailed(const AttemptFailed& event) override;
  void OnWaiting(const Waiting& event) override { Deliver(event); }
  void OnWalkFailed(const Status& why) override { End(why); }

  // HttpHandler
  void OnHead(const HttpHead& head) override;
  void OnBody(std::string_view bytes) override;
  void OnDone(const TransferResult& result) override;

  void OnTransferEnd(const TransferResult& result);
  void Consume(std::string_view bytes);
  void OnEvent(std::string_view data);
  void OnFinished(const Finished& finished);
  void Drain();                                // reads the rest of the answer, and forgets it
  void RefuseInStream(std::string_view data);  // by an event that says what went wrong
  void OnStreamEnd();
  void WatchRefusal();  // from now on, more of a refusal is not waited for long
  void CutRefusal();
  void BreakOff(Refusal result);  // ends the transfer, then the attempt
  void EndAttempt(Refusal result);
  enum class Body : std::uint8_t { kComplete, kCut, kUnreadable };
  void Refuse(Body body);                               // the attempt, by what its head and body say
  Status Final(const Status& status) const;             // with the token, and what was tried before
  Status At(Code code, const std::string& what) const;  // with the place in the stream

  std::string MakeBody(bool as_new_conversation);
  void OnActions();
  void ApplyActions();  // those of the last event that are left
  void OnUnknown();
  void HoldEarly(const Event& event, std::size_t bytes);
  void BeginAnswer();
  void NoteOwner();
  void RollBack();                // what the service did not commit, and tells of it
  void GoOn(Refusal cut);         // with an answer that broke off
  bool Emit(const Event& event);  // false: it is over
  void Deliver(const Event& event);
  void Flush();                                // what was held back while paused
  void End(const Status& status);              // when all events have been delivered
  void Finish(const Status& status) noexcept;  // here and now

  // Calls `call`. What it throws ends the run.
  template <typename Call>
  void Protected(const Call& call) noexcept;

  const std::shared_ptr<Core> core_;
  RequestPlan plan_;
  std::shared_ptr<EventSink> sink_;

  TokenWalk walk_;
  std::optional<Attempt> attempt_;
  AnswerReader reader_;
  TimerId deadline_ = 0;
  TimerId grace_ = 0;
  TimerId refusal_timer_ = 0;             // when what has come of a refusal is all that is waited for
  std::optional<Status> answer_end_;      // the service's last event has come: what the terminal callback will say
  std::shared_ptr<const Token> home_;     // whose account the conversation belongs to; null: nobody's, or it is gone
  bool answered_ = false;                 // an action was seen: another attempt would repeat it
  bool resuming_ = false;                 // the request is the one that goes on with an answer that broke off
  bool finished_ = false;                 // the terminal callback has been called, or is about to be
  std::shared_ptr<RequestRun> draining_;  // itself, while the end of a finished answer is read

  bool paused_ = false;
  std::deque<OwnedEvent> held_events_;
  std::string held_bytes_;
  std::optional<TransferResult> held_result_;
  std::optional<Status> held_end_;

  void SetDone() EXCLUDES(done_mutex_);

  Mutex done_mutex_;
  CondVar done_changed_;
  bool done_ GUARDED_BY(done_mutex_) = false;
};

}  // namespace warppool::internal
