#include "rehearsal.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LOOPBACK_WATCHED_BY_THREAD_SANITIZER
#endif
#endif

#ifdef LOOPBACK_WATCHED_BY_THREAD_SANITIZER

#include <httplib.h>

#include <mutex>

#include "connection_server.h"

namespace loopback {
namespace {

class Rehearsal : private ConnectionServer {
 public:
  Rehearsal() {
    // In chunks, as a stream of events is sent.
    Get(".*", [](const httplib::Request& /*request*/, httplib::Response& response) {
      response.set_chunked_content_provider("text/plain", [](std::size_t /*offset*/, httplib::DataSink& sink) {
        sink.write("text", 4);
        sink.done();
        return true;
      });
    });
  }
  void Run() {
    httplib::detail::BufferStream stream;
    static_cast<httplib::Stream&>(stream).write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    bool closed = false;
    svr_sock_ = 0;  // one that does not listen would end before the first chunk
    ServeRequest(stream, true, closed);
    svr_sock_ = INVALID_SOCKET;
  }
};

}  // namespace

void Rehearse() {
  static std::once_flag once;
  std::call_once(once, [] { Rehearsal().Run(); });
}

}  // namespace loopback

#else

namespace loopback {

void Rehearse() {}

}  // namespace loopback

#endif
