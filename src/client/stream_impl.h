// What a Stream holds on to: its request, and the queue it is pulled from.
#pragma once

#include <memory>

#include "client/core.h"
#include "client/event_queue.h"
#include "client/request_operation.h"
#include "warppool/stream.h"

namespace warppool::internal {

class StreamImpl {
 public:
  // `queue`: null for pushed streams.
  StreamImpl(std::shared_ptr<Core> core, std::shared_ptr<RequestOperation> run, std::shared_ptr<EventQueue> queue);
  ~StreamImpl();
  StreamImpl(const StreamImpl&) = delete;
  StreamImpl& operator=(const StreamImpl&) = delete;

  Result<Event> Next(std::chrono::milliseconds timeout);
  Result<int> Descriptor();
  void Cancel();
  void Resume();

 private:
  Status CheckPulled() const;
  void PostResume();

  std::shared_ptr<Core> core_;
  std::shared_ptr<RequestOperation> run_;
  std::shared_ptr<EventQueue> queue_;
  EventLoop::Reserved stop_;  // ends the run: destroying a stream must not fail for lack of memory
};

}  // namespace warppool::internal
