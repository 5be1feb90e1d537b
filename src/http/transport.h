// HTTP as the rest of the library sees it: streamed answers, callbacks in one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "base/redact.h"
#include "base/wipe.h"
#include "warppool/secret.h"

namespace warppool::internal {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// Where requests of one kind go, and what they have in common. One that is used again and again is set up once.
struct HttpTarget {
  std::string url;
  HttpHeaders headers;
  bool direct = false;  // past the proxy: loopback addresses
  std::chrono::milliseconds connect_timeout{10'000};
  ~HttpTarget() { Wipe(&url); }  // it may hold an API key
};

// A POST. Redirects are not followed: a bearer must not travel.
struct HttpRequest {
  std::shared_ptr<const HttpTarget> target;
  Secret bearer;     // sent as "Authorization: Bearer ..."; empty: none
  std::string body;  // may hold a refresh token, or keys of models: the transport wipes it
  // The answer may be the only copy of something: memory to take it in is put aside before the request is sent.
  bool is_precious = false;
  std::chrono::milliseconds silence_timeout{0};  // without a byte in either direction; not while paused; 0: none
};

struct HttpHead {
  int status = 0;
  HttpHeaders headers;  // names in lower case

  // The value of the first header `name` (lower case); empty if there is none.
  std::string_view Find(std::string_view name) const;
};

// How a transfer ended, when not with a whole answer.
enum class TransferError : std::uint8_t {
  kNone,            // the answer is complete
  kNoConnection,    // name look-up, TCP, TLS handshake, or the time for them
  kConnectionLost,  // after it was there
  kSilence,
  kTlsUntrusted,  // the server's certificate is not trusted, or the CA bundle cannot be read
  kTlsSetup,      // this side's certificates or ciphers do not work
  kProxyLogin,    // the proxy wants another log-in than it got (407)
  kProxyRefused,  // the proxy does not let it through to this address
  kNotHttp,       // what came is not HTTP
  kTooLarge,      // a limit of libcurl's own
  kNotDecoded,    // its Content-Encoding is unknown to libcurl, or not what the bytes are
  kStopped,       // the transport was shut down
  kOutOfMemory,
  kInternal,  // ours
};

struct TransferResult {
  TransferError error = TransferError::kNone;
  std::string detail;  // what the transport says about it; readable, and without secrets
};

// Receives one answer. Called in the executor's thread, never inside Transport::Start().
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  virtual void OnHead(HttpHead head) = 0;
  virtual void OnBody(std::string_view bytes) = 0;
  virtual void OnDone(const TransferResult& result) = 0;  // the last call
};

using TransferId = std::uint64_t;  // 0: no transfer

// All functions in the executor's thread only; inside a handler's calls, too.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual Executor& executor() = 0;
  // What it sends on its own account, for errors not to quote it: the log-in at the proxy.
  virtual SharedSecrets secrets() const { return nullptr; }

  // `handler` must live until its OnDone() or Cancel().
  virtual TransferId Start(HttpRequest request, HttpHandler* handler) = 0;
  // Breaks the transfer off; its handler is not called again. Nothing happens if it is done already.
  virtual void Cancel(TransferId id) noexcept = 0;
  // Between the two, OnBody() is called at most once more. What the server sends meanwhile waits in the connection.
  virtual void Pause(TransferId id) = 0;
  virtual void Resume(TransferId id) = 0;
};

}  // namespace warppool::internal
