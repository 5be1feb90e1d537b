#include <chrono>

#include "arguments.h"
#include "guard.h"

using warppool::Status;
using warppool::capi::AtLeast;
using warppool::capi::Destroy;
using warppool::capi::Guard;
using warppool::capi::NotNull;

warppool_code warppool_stream_next(warppool_stream* stream, int32_t timeout_ms, const warppool_event** event,
                                   warppool_error** error) {
  warppool::capi::Clear(event);
  return Guard(error, [&] {
    if (Status status = NotNull({{stream, "stream"}, {event, "event"}}); !status.ok()) return status;
    if (Status status = AtLeast(-1, timeout_ms, "timeout_ms"); !status.ok()) return status;
    // One that is left over from a call that ran out of memory comes first: no event is lost.
    if (!stream->taken) {
      auto next = stream->stream->Next(std::chrono::milliseconds(timeout_ms));
      if (!next.ok()) return next.status();
      stream->taken = *next;
    }
    stream->event.Assign(*stream->taken);
    stream->taken.reset();
    *event = &stream->event;
    return Status();
  });
}

warppool_code warppool_stream_descriptor(warppool_stream* stream, int* descriptor, warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{descriptor, "descriptor"}}); !status.ok()) return status;
    *descriptor = -1;
    if (Status status = NotNull({{stream, "stream"}}); !status.ok()) return status;
    auto found = stream->stream->Descriptor();
    if (!found.ok()) return found.status();
    *descriptor = *found;
    return Status();
  });
}

warppool_code warppool_stream_cancel(warppool_stream* stream, warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{stream, "stream"}}); !status.ok()) return status;
    stream->stream->Cancel();
    return Status();
  });
}

warppool_code warppool_stream_resume(warppool_stream* stream, warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{stream, "stream"}}); !status.ok()) return status;
    stream->stream->Resume();
    return Status();
  });
}

void warppool_stream_destroy(warppool_stream** stream) {
  Destroy(stream);
}
