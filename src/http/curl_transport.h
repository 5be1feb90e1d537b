// HTTP through libcurl's multi interface: all transfers of a client share one thread, its connections, its DNS and TLS
// caches, and HTTP/2 where the server offers it.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "http/curl_handle.h"
#include "http/event_loop.h"
#include "http/transport.h"
#include "warppool/status.h"

namespace warppool::internal {

class CurlTransfer;

// Opened before the loop runs; everything else in the loop's thread, Shutdown() last.
class CurlTransport final : public Transport {
 public:
  CurlTransport(EventLoop* loop, CurlOptions options);
  ~CurlTransport() override;
  CurlTransport(const CurlTransport&) = delete;
  CurlTransport& operator=(const CurlTransport&) = delete;

  Status Open();
  void Shutdown();  // ends what is left with kStopped, closes the connections; nothing may be started any more

  // Connections that no transfer uses are not used again: the machine has slept, or is in another network, and whether
  // they live would be found out by waiting for an answer.
  void DropIdle();

  Executor& executor() override { return *loop_; }
  SharedSecrets secrets() const override { return options_.proxy.secrets; }
  TransferId Start(HttpRequest request, HttpHandler* handler) override;
  void Cancel(TransferId id) noexcept override;
  void Pause(TransferId id) override;
  void Resume(TransferId id) override;

 private:
  friend class CurlTransfer;
  struct Callbacks;  // libcurl's, which want plain functions

  struct Socket {
    TransferId opener = 0;
    Readiness watched = 0;  // what the poller looks for
    bool is_idle = false;   // nobody listens to it
  };

  void Watch(int fd, Readiness interest);
  bool ForgetIdle(int fd);

  // libcurl refuses to add or remove a transfer inside its callbacks: what is asked for there is done when the call
  // into libcurl has returned, and what is asked for elsewhere before the loop waits.
  template <typename Call>
  void InCurl(const Call& call);
  void AfterCurl();
  void SetTimer(long milliseconds);
  void StartTimer(std::chrono::milliseconds delay);
  void EndUnwatched(void* easy);
  void RunDue();
  void AddAll();
  bool Add(CurlTransfer* transfer);
  void Remove(TransferId id);
  void RemoveLater(CurlTransfer* transfer) noexcept;
  void WatchSilence(TransferId id);
  int SocketOf(const CurlTransfer& transfer) const;  // -1: it has none
  void ReadFinished();

  EventLoop* const loop_;
  const CurlOptions options_;
  void* multi_ = nullptr;  // CURLM*
  TimerId timer_ = 0;
  SteadyTime timer_due_ = SteadyTime::max();  // the next of libcurl's time-outs, other than to be called at once
  bool is_due_ = false;                       // it wants to be called at once, and no timer was set for it
  bool timer_is_missing_ = false;             // there was no memory for it; set before the loop waits
  int depth_ = 0;                             // calls into libcurl that have not returned
  bool working_ = false;
  TransferId last_id_ = 0;
  std::unordered_map<TransferId, std::unique_ptr<CurlTransfer>> transfers_;
  std::unordered_map<int, Socket> sockets_;  // all connections
  IdleCurlHandles idle_;
  std::vector<TransferId> to_add_;
  std::vector<TransferId> to_remove_;  // has room for all transfers
  std::vector<TransferId> to_resume_;
};

}  // namespace warppool::internal
