// One request, from its first token to its last event: acquires a token, sends the request, applies what comes to the
// conversation and delivers it, and goes on with an answer that broke off. Everything in the I/O thread.
//
// How a token is found: token_acquisition.h. How an answer is read: attempt_reader.h, then answer_reader.h. How the
// program gets its events: event_delivery.h.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "client/attempt_reader.h"
#include "client/core.h"
#include "client/event_delivery.h"
#include "client/event_queue.h"
#include "client/token_acquisition.h"
#include "conversation/answer_reader.h"
#include "conversation/conversation_impl.h"
#include "protocol/request_builder.h"

namespace warppool::internal {

// What an operation is about.
struct RequestPlan {
  RequestBuilder builder;
  ConversationClaim conversation;  // what the answer changes; none: the program cares for it (Request::raw)
  bool raw_events = false;
  std::vector<Secret> secrets{};                   // that the request brings, for errors not to quote them
  std::chrono::milliseconds timeout{0};            // 0: none
  bool waits = true;                               // for a token when none is ready
  std::shared_ptr<const TokenRestriction> only{};  // who may serve; null: all
};

class RequestOperation final : public Operation,
                               public std::enable_shared_from_this<RequestOperation>,
                               private TokenAcquisition::Owner,
                               private AttemptReader::Owner {
 public:
  RequestOperation(std::shared_ptr<Core> core, RequestPlan plan, std::shared_ptr<EventSink> sink);

  void Begin() override;
  void Stop() override;
  void Resume();  // after a push callback said kPause

  // Instead of Begin(), when it could not be launched: it is over without a call of the sink.
  void Discard() EXCLUDES(done_mutex_);

  // Waits until the sink's OnDone() has returned. Not in the I/O thread.
  void WaitUntilDone() EXCLUDES(done_mutex_);

  // Where the I/O thread may not call the program any more, its terminal callback is held, and called here, if there is
  // one. In a thread of the program's.
  void TellHeldDone() EXCLUDES(done_mutex_);

 private:
  // What one attempt has seen so far.
  struct Attempt {
    std::shared_ptr<AttemptReader> reader;
    SteadyTime began{};
    std::shared_ptr<const Token> user;
    std::string token;   // its name
    bool moves = false;  // the conversation is another account's so far
    Secret bearer;
    bool serves = false;  // an event of the answer has come
    std::string conversation_id{};
    std::string request_id{};
    std::string run_id{};
    std::list<OwnedEvent> early{};  // from before the first action: another attempt may bring them again
    std::size_t early_bytes = 0;
  };

  // TokenAcquisition::Owner
  void Use(const Bearer& bearer) override;
  void OnAttemptFailed(const AttemptFailed& event) override;
  void OnWaiting(const Waiting& event) override { Deliver(event); }
  void OnNoneServes(const Status& why) override { End(why); }

  // AttemptReader::Owner
  void OnStreamEvent(std::string_view data) override;
  void OnAttemptEnd(Refusal refusal) override;
  void OnAnswerOver() override { Finish(*answer_end_); }
  void OnFailure(const Status& failure) noexcept override { Finish(failure); }

  std::string MakeBody(bool as_new_conversation);
  void NoteInit();
  void OnActions();
  void ApplyActions();  // those of the last event that are left
  void OnUnknown();
  void OnFinished(const Finished& as_sent);
  void HoldEarly(const Event& event, std::size_t bytes);
  void BeginAnswer();
  void NoteOwner();
  void RollBack();                                       // what the service did not commit, and tells of it
  void BreakOff(Outcome outcome, const Status& status);  // ends the transfer, then the attempt
  void GoOn(Refusal cut);                                // with an answer that broke off
  Status Final(const Status& status) const;              // with the token, and what was tried before
  std::string Harmless(std::string_view words) const;    // the service's, made fit for a log, and without secrets

  void Deliver(const Event& event);
  void Settle(EventDelivery::Result result);
  void Flush();                                // what was held back while paused
  void End(const Status& status);              // when all events have been delivered
  void Finish(const Status& status) noexcept;  // here and now
  void SetDone() EXCLUDES(done_mutex_);

  // Calls `call`. What it throws ends the operation.
  template <typename Call>
  void Protected(const Call& call) noexcept;

  const std::shared_ptr<Core> core_;
  RequestPlan plan_;
  EventDelivery delivery_;
  const Emit emit_;  // to Deliver()
  TokenAcquisition acquisition_;
  std::optional<Attempt> attempt_;
  AnswerReader reader_;

  TimerId deadline_ = 0;
  TimerId grace_ = 0;
  std::optional<Status> answer_end_;   // the service's last event has come: what the terminal callback will say
  std::optional<Status> held_end_;     // the same, while the program has paused
  std::shared_ptr<const Token> home_;  // whose account the conversation belongs to; null: nobody's, or it is gone
  bool answered_ = false;              // an action was seen: another attempt would repeat it
  bool resuming_ = false;              // the request is the one that goes on with an answer that broke off
  bool finished_ = false;              // the terminal callback has been called, or is about to be

  Mutex done_mutex_;
  CondVar done_changed_;
  bool done_ GUARDED_BY(done_mutex_) = false;
  std::shared_ptr<EventSink> held_sink_ GUARDED_BY(done_mutex_);  // it has not been told yet
  Status held_status_ GUARDED_BY(done_mutex_);                    // what it will be told
};

}  // namespace warppool::internal
