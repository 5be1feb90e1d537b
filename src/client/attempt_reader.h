// One attempt of a request: posts it, and reads what comes back, as far as the data of events or the words of a
// refusal.
//
//   reader->Send(request, owner) -> OnStreamEvent(data) ... -> OnAttemptEnd(refusal)
//                                                       or  -> ExpectEnd() -> OnAnswerOver()
//
// Everything in the I/O thread. Whatever it calls may pause, cancel and forget it.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/executor.h"
#include "http/refusal.h"
#include "http/sse_parser.h"
#include "http/transport.h"

namespace warppool::internal {

struct AttemptLimits {
  std::size_t max_event_bytes = 0;
  std::uint64_t max_stream_events = 0;
  std::uint64_t max_answer_bytes = std::numeric_limits<std::uint64_t>::max();  // of the stream
};

class AttemptReader final : public std::enable_shared_from_this<AttemptReader>, private HttpHandler {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void OnStreamEvent(std::string_view data) = 0;
    // It failed, or its answer broke off. Nothing follows.
    virtual void OnAttemptEnd(Refusal refusal) = 0;
    // After ExpectEnd(): all of the answer has come, and the connection is free.
    virtual void OnAnswerOver() = 0;
    // What the reader, or one of the above, has thrown.
    virtual void OnFailure(const Status& failure) noexcept = 0;
  };

  // `secrets`: what errors must not quote, beside the bearer.
  AttemptReader(Transport* transport, const Clock* clock, AttemptLimits limits, std::vector<Secret> secrets)
      : transport_(transport),
        clock_(clock),
        limits_(limits),
        secrets_(std::move(secrets)),
        parser_(limits.max_event_bytes) {}

  void Send(HttpRequest request, Owner* owner);
  // Between the two, nothing is told.
  void Pause();
  void Resume();
  // The owner is not called any more. Nothing else happens if it is over, or drained.
  void Cancel();
  // The last event has been read. What may follow is not told.
  void ExpectEnd() { expects_end_ = true; }
  // The same as Cancel(), but the rest of the answer is read for a while: only then can the next request use the
  // connection.
  void Drain();

  // `what`, with the place in the stream.
  Status At(Code code, const std::string& what) const;

 private:
  enum class Body : std::uint8_t { kComplete, kCut, kUnreadable };

  void OnHead(HttpHead head) override;
  void OnBody(std::string_view bytes) override;
  void OnDone(const TransferResult& result) override;

  void Consume(std::string_view bytes);
  void OnTransferEnd(const TransferResult& result);
  void OnStreamEnd();
  void WatchRefusal();  // from now on, more of a refusal is not waited for long
  void CutRefusal();
  void Refuse(Body body);                      // by what its head and body say
  void RefuseInStream(std::string_view data);  // by an event that says what went wrong
  void BreakOff(Outcome outcome, Code code, const std::string& what);
  void BreakOffAtLimit(const char* what, std::uint64_t limit);
  void End(Refusal refusal);
  void Stop();  // ends the transfer, if it is not over

  // Calls `call`. What it throws is the owner's to know.
  template <typename Call>
  void Protected(const Call& call) noexcept;
  template <typename Call>
  void TellLast(const Call& call) noexcept;

  Transport* const transport_;
  const Clock* const clock_;
  const AttemptLimits limits_;
  const std::vector<Secret> secrets_;

  Owner* owner_ = nullptr;  // null: nobody is called any more
  TransferId transfer_ = 0;
  Secret bearer_;
  HttpHead head_;
  bool is_stream_ = false;
  std::string refusal_;  // the beginning of a body that is no stream
  TimerId refusal_timer_ = 0;
  SseParser parser_;
  bool expects_end_ = false;

  bool paused_ = false;
  std::string held_bytes_;
  std::optional<TransferResult> held_result_;
  std::shared_ptr<AttemptReader> draining_;  // itself
};

}  // namespace warppool::internal
