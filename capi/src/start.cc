// Where requests begin: pushed, pulled or waited for, alone or as the next turn of a conversation.
#include <memory>
#include <stdexcept>
#include <utility>

#include "arguments.h"
#include "guard.h"

using warppool::Flow;
using warppool::Status;
using warppool::StreamCallbacks;
using warppool::capi::Clear;
using warppool::capi::ErrorPtr;
using warppool::capi::Guard;
using warppool::capi::MakeError;
using warppool::capi::NotNull;
using warppool::capi::ReadStruct;
using warppool::capi::ToC;

namespace {

Flow ToFlow(warppool_flow flow) {
  switch (flow) {
    case WARPPOOL_FLOW_CONTINUE:
    case WARPPOOL_FLOW_PAUSE:
    case WARPPOOL_FLOW_CANCEL:
      return static_cast<Flow>(flow);
  }
  // The core turns it into the end of this stream, with kInternal.
  throw std::domain_error("an event callback returned none of warppool_flow");
}

StreamCallbacks Wrap(const warppool_stream_callbacks& callbacks) {
  StreamCallbacks wrapped;
  if (callbacks.on_event != nullptr) {
    // One event object serves the whole stream: callbacks of one stream never overlap.
    wrapped.on_event = [on_event = callbacks.on_event, user_data = callbacks.user_data,
                        lent = std::make_shared<warppool_event>()](const warppool::Event& event) {
      lent->Assign(event);
      return ToFlow(on_event(lent.get(), user_data));
    };
  }
  if (callbacks.on_done != nullptr) {
    wrapped.on_done = [on_done = callbacks.on_done, user_data = callbacks.user_data](const Status& status) {
      const ErrorPtr error = status.ok() ? nullptr : MakeError(status);
      on_done(ToC(status.code()), error.get(), user_data);
    };
  }
  return wrapped;
}

// Sets `*stream` to what `start` gives, a Result of a C++ stream.
template <typename Start>
Status Open(warppool_stream** stream, const Start& start) {
  // The handle first, since nothing may fail once callbacks run.
  auto handle = std::make_unique<warppool_stream>();
  auto started = start();
  if (!started.ok()) return started.status();
  handle->stream = *std::move(started);
  *stream = handle.release();
  return {};
}

Status ReadCallbacks(const warppool_stream_callbacks* callbacks, StreamCallbacks* wrapped) {
  warppool_stream_callbacks given = WARPPOOL_STREAM_CALLBACKS_INIT;
  constexpr size_t kFirst = WARPPOOL_SIZE_UP_TO(warppool_stream_callbacks, user_data);
  if (Status status = ReadStruct(callbacks, kFirst, "callbacks", &given); !status.ok()) return status;
  *wrapped = Wrap(given);
  return {};
}

// Sets `*answer` to what `ask` gives, a C++ answer, and returns its status.
template <typename Ask>
Status Await(warppool_answer** answer, const Ask& ask) {
  auto handle = std::make_unique<warppool_answer>();
  handle->answer = ask();
  *answer = handle.release();
  return (*answer)->answer.status;
}

}  // namespace

warppool_code warppool_client_start(warppool_client* client, const warppool_request* request,
                                    const warppool_stream_callbacks* callbacks, warppool_stream** stream,
                                    warppool_error** error) {
  Clear(stream);
  return Guard(error, [&] {
    Status status = NotNull({{client, "client"}, {request, "request"}, {callbacks, "callbacks"}, {stream, "stream"}});
    StreamCallbacks wrapped;
    if (status.ok()) status = ReadCallbacks(callbacks, &wrapped);
    if (!status.ok()) return status;
    return Open(stream, [&] { return client->client->Start(request->request, std::move(wrapped)); });
  });
}

warppool_code warppool_client_start_pull(warppool_client* client, const warppool_request* request,
                                         warppool_stream** stream, warppool_error** error) {
  Clear(stream);
  return Guard(error, [&] {
    Status status = NotNull({{client, "client"}, {request, "request"}, {stream, "stream"}});
    if (!status.ok()) return status;
    return Open(stream, [&] { return client->client->Start(request->request); });
  });
}

warppool_code warppool_client_ask(warppool_client* client, const warppool_request* request, warppool_answer** answer,
                                  warppool_error** error) {
  Clear(answer);
  return Guard(error, [&] {
    Status status = NotNull({{client, "client"}, {request, "request"}, {answer, "answer"}});
    if (!status.ok()) return status;
    return Await(answer, [&] { return client->client->Ask(request->request); });
  });
}

warppool_code warppool_client_start_turn(warppool_client* client, warppool_conversation* conversation,
                                         const warppool_request* request, const warppool_stream_callbacks* callbacks,
                                         warppool_stream** stream, warppool_error** error) {
  Clear(stream);
  return Guard(error, [&] {
    Status status = NotNull({{client, "client"},
                             {conversation, "conversation"},
                             {request, "request"},
                             {callbacks, "callbacks"},
                             {stream, "stream"}});
    StreamCallbacks wrapped;
    if (status.ok()) status = ReadCallbacks(callbacks, &wrapped);
    if (!status.ok()) return status;
    return Open(stream, [&] {
      return client->client->Start(request->request, conversation->conversation, std::move(wrapped));
    });
  });
}

warppool_code warppool_client_start_turn_pull(warppool_client* client, warppool_conversation* conversation,
                                              const warppool_request* request, warppool_stream** stream,
                                              warppool_error** error) {
  Clear(stream);
  return Guard(error, [&] {
    Status status =
        NotNull({{client, "client"}, {conversation, "conversation"}, {request, "request"}, {stream, "stream"}});
    if (!status.ok()) return status;
    return Open(stream, [&] { return client->client->Start(request->request, conversation->conversation); });
  });
}

warppool_code warppool_client_ask_turn(warppool_client* client, warppool_conversation* conversation,
                                       const warppool_request* request, warppool_answer** answer,
                                       warppool_error** error) {
  Clear(answer);
  return Guard(error, [&] {
    Status status =
        NotNull({{client, "client"}, {conversation, "conversation"}, {request, "request"}, {answer, "answer"}});
    if (!status.ok()) return status;
    return Await(answer, [&] { return client->client->Ask(request->request, conversation->conversation); });
  });
}
