#include "warppool/stream.h"

#include <utility>

#include "base/abandon.h"
#include "base/guarded.h"
#include "base/program_call.h"
#include "client/stream_impl.h"
#include "platform/quiet_thread.h"

namespace warppool::internal {

StreamImpl::StreamImpl(std::shared_ptr<Core> core, std::shared_ptr<RequestOperation> run,
                       std::shared_ptr<EventQueue> queue)
    : core_(std::move(core)), run_(std::move(run)), queue_(std::move(queue)) {
  if (queue_) queue_->SetResume([this] { PostResume(); });
  stop_.emplace_back([run = run_] { run->Stop(); });
}

StreamImpl::~StreamImpl() {
  if (core_->Forked()) {
    // The I/O thread, the locks it held and the connections are the parent's.
    Abandon(std::move(core_));
    Abandon(std::move(run_));
    Abandon(std::move(queue_));
    return;
  }
  if (ProcessEnds()) {
    // Nothing runs any more that could be stopped, or waited for.
    if (!core_->InIoThread()) Guarded([&] { run_->TellHeldDone(); });
    Abandon(std::move(core_));
    Abandon(std::move(run_));
    Abandon(std::move(queue_));
    return;
  }
  if (core_->InIoThread()) {
    run_->Stop();
    return;
  }
  const NoCancellation guard;  // a destructor cannot be unwound
  core_->loop().Post(&stop_);
  run_->WaitUntilDone();
  Guarded([&] { run_->TellHeldDone(); });
}

Status StreamImpl::CheckPulled() const {
  if (core_->Forked()) return {Code::kMisuse, "the stream belongs to the process that was forked"};
  if (!queue_) return {Code::kMisuse, "the stream is pushed: its events go to its callbacks"};
  return {};
}

Result<Event> StreamImpl::Next(std::chrono::milliseconds timeout) {
  if (Status status = CheckPulled(); !status.ok()) return status;
  if (core_->InOwnThread()) return Status(Code::kMisuse, "Next() inside a callback would wait for itself");
  return queue_->Next(timeout);
}

Result<int> StreamImpl::Descriptor() {
  if (Status status = CheckPulled(); !status.ok()) return status;
  return queue_->Descriptor();
}

// The second time there is nothing left to post: the first one ends the run.
//
// The run outlives the loop's last task, and a loop that has stopped has ended all of its runs before.
void StreamImpl::Cancel() {
  if (core_->Forked()) return;
  core_->loop().Post(&stop_);
  if (!core_->InIoThread()) run_->TellHeldDone();
}

void StreamImpl::Resume() {
  // A pulled stream goes on when its reader has made room, not before.
  if (!core_->Forked() && !queue_) PostResume();
}

void StreamImpl::PostResume() {
  core_->loop().Post([run = run_] { run->Resume(); });
}

}  // namespace warppool::internal

namespace warppool {

using internal::Guarded;

Stream::Stream(std::shared_ptr<internal::StreamImpl> impl) : impl_(std::move(impl)) {}

Stream::~Stream() = default;

Result<Event> Stream::Next(std::chrono::milliseconds timeout) {
  return Guarded([&] { return impl_->Next(timeout); });
}

Stream::Iterator& Stream::Iterator::operator++() {
  if (stream_ == nullptr) return *this;
  auto next = stream_->Next(std::chrono::milliseconds(-1));
  if (next.ok()) {
    event_ = *next;
    return *this;
  }
  stream_->status_ = next.code() == Code::kEnd ? Status() : next.status();
  event_.reset();
  stream_ = nullptr;
  return *this;
}

Result<int> Stream::Descriptor() {
  return Guarded([&] { return impl_->Descriptor(); });
}

void Stream::Cancel() {
  Guarded([&] { impl_->Cancel(); });
}

void Stream::Resume() {
  Guarded([&] { impl_->Resume(); });
}

}  // namespace warppool
