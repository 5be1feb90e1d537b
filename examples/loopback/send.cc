#include "send.h"

#include <algorithm>
#include <memory>

#include "encoding.h"

namespace loopback {
namespace {

using Cut = Behaviour::Cut;

bool WriteFrame(const std::string& frame, bool byte_by_byte, httplib::DataSink* sink) {
  if (!byte_by_byte) return sink->write(frame.data(), frame.size());
  return std::all_of(frame.begin(), frame.end(), [&](const char& c) { return sink->write(&c, 1); });
}

bool WriteFrames(const Reply& reply, std::size_t whole, Connection* connection, httplib::DataSink* sink) {
  const Behaviour& how = reply.behaviour;
  for (std::size_t i = 0; i < whole; ++i) {
    const bool waits = i > 0 && how.gap.count() > 0;
    if (waits && !connection->WaitWhileOpen(how.gap)) return false;
    // Before the client can have it: its next request may come before this thread goes on.
    if (reply.all_sent && i + 1 == whole) *reply.all_sent = true;
    if (!WriteFrame(reply.frames[i], how.byte_by_byte, sink)) return false;
  }
  return true;
}

// False: the stream ends broken.
bool SendStream(const Reply& reply, Connection* connection, httplib::DataSink* sink) {
  const Behaviour& how = reply.behaviour;
  const auto whole = how.cut == Cut::kNone
                         ? reply.frames.size()
                         : std::min(reply.frames.size(), static_cast<std::size_t>(std::max(how.cut_after, 0)));
  if (!WriteFrames(reply, whole, connection, sink)) {
    if (reply.all_sent) *reply.all_sent = false;
    return false;
  }
  switch (how.cut) {
    case Cut::kReset:
      connection->Abort();
      return false;
    case Cut::kStall:
      connection->WaitUntilClosed();
      return false;
    case Cut::kNone:
    case Cut::kClean:
      sink->done();
      break;
  }
  return true;
}

// Scripted headers win over the usual Content-Type.
std::string ContentType(const Reply& reply) {
  for (const auto& [name, value] : reply.behaviour.headers) {
    if (strcasecmp(name.c_str(), "Content-Type") == 0) return value;
  }
  return reply.content_type;
}

// A body that is not sent at once is sent as a stream of bytes.
void MakeStreamOfBody(Reply* reply) {
  const Behaviour& how = reply->behaviour;
  if (reply->is_stream || (how.cut == Cut::kNone && how.gap.count() <= 0)) return;
  for (const char c : reply->body) reply->frames.emplace_back(1, c);
  if (reply->content_type.empty()) reply->content_type = "text/plain";
  reply->is_stream = true;
}

// What goes over the wire instead of what the reply says.
void MakeWireBytes(Reply* reply) {
  const Behaviour& how = reply->behaviour;
  for (std::string& frame : reply->frames) frame.insert(0, how.before_events);
  if (!how.gzip) return;
  if (!reply->is_stream) {
    reply->body = GzipHead() + GzipPart(reply->body) + GzipTail(reply->body);
    return;
  }
  std::string all;
  for (std::string& frame : reply->frames) {
    all += frame;
    frame = GzipPart(frame);
  }
  if (reply->frames.empty()) reply->frames.emplace_back();
  reply->frames.front().insert(0, GzipHead());
  reply->frames.back() += GzipTail(all);
}

}  // namespace

void Send(Reply reply, Connection* connection, httplib::Response* response) {
  const auto delay = reply.behaviour.delay;
  const bool open = delay.count() <= 0 || connection->WaitWhileOpen(delay);
  if (!open || reply.status == 0) {
    connection->Abort();
    return;
  }
  MakeStreamOfBody(&reply);
  MakeWireBytes(&reply);
  response->status = reply.status;
  if (reply.behaviour.gzip) response->set_header("Content-Encoding", "gzip");
  for (const auto& [name, value] : reply.behaviour.headers) {
    if (strcasecmp(name.c_str(), "Content-Type") != 0) response->set_header(name, value);
  }
  const std::string content_type = ContentType(reply);
  if (!reply.is_stream) {
    if (content_type.empty() && reply.body.empty()) return;
    response->set_content(reply.body, content_type.empty() ? "text/plain" : content_type);
    return;
  }
  const auto shared = std::make_shared<const Reply>(std::move(reply));
  response->set_chunked_content_provider(content_type, [shared, connection](size_t, httplib::DataSink& sink) {
    return SendStream(*shared, connection, &sink);
  });
}

}  // namespace loopback
