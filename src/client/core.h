// What the requests of one client share: configuration, I/O thread, transport, pool, refresher; and who runs.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/date_clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/program_call.h"
#include "client/bearer_sources.h"
#include "client/circuit_breaker.h"
#include "client/quota_queries.h"
#include "client/request_counts.h"
#include "client/state_persister.h"
#include "client/token_acquisition.h"
#include "client/wait_queue.h"
#include "http/curl_transport.h"
#include "http/event_loop.h"
#include "platform/process.h"
#include "platform/process_end.h"
#include "token/token_pool.h"
#include "token/token_refresher.h"
#include "warppool/client.h"

namespace warppool::internal {

class ResponseDecoder;

// Something that runs in the I/O thread until it is over.
class Operation {
 public:
  virtual ~Operation() = default;
  // Both in the I/O thread. They throw nothing: what goes wrong ends the operation.
  virtual void Begin() = 0;  // nothing happens if it was stopped before
  virtual void Stop() = 0;   // ends it with kCancelled, here and now
};

// What of a configuration concerns the pool.
PoolOptions PoolOptionsOf(const Config& config);

class Core final : public std::enable_shared_from_this<Core>,
                   private RefreshObserver,
                   private PoolListener,
                   private AtProcessEnd {
 public:
  // `store`: null for none.
  Core(Config config, const ClientOptions& options, std::shared_ptr<StateStore> store, const Clock& clock);
  ~Core() override;
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  Status Open();
  // Takes over what the store knows. After Open(), before the I/O thread starts.
  Status Restore();

  // Has `run` begin in the I/O thread. False when the client is closed. `awaited`: Drain() waits for it.
  bool Launch(const std::shared_ptr<Operation>& operation, bool awaited = true) EXCLUDES(mutex_);
  // `run` is over. It lives on until what is being called has returned. In the I/O thread.
  void Retire(const Operation* operation) noexcept EXCLUDES(mutex_);

  // Launches nothing from now on, and waits until nothing runs that is awaited; negative: without limit.
  void Drain(std::chrono::milliseconds timeout) EXCLUDES(mutex_);
  bool closed() const EXCLUDES(mutex_);
  // Stops what runs, then the I/O thread. Any thread; returns at once.
  void Stop();  // once is enough
  // The I/O thread's life.
  void RunLoop() EXCLUDES(mutex_);
  // Waits until it is over. False: the program has ended the thread inside a callback, where it is parked; what it
  // would have saved is saved here.
  bool WaitForIoThread() EXCLUDES(mutex_);

  bool InIoThread() const { return loop_.InThread(); }
  // In a thread that the client could not wait for.
  bool InOwnThread() const {
    return loop_.InThread() || bearer_sources_.InThread() || (persister_ && persister_->InThread());
  }
  bool Forked() const;  // this process is a child of the one that made the client

  EventLoop& loop() { return loop_; }
  Transport& transport() { return transport_; }
  TokenPool& pool() { return pool_; }
  TokenRefresher& refresher() { return refresher_; }
  WaitQueue& queue() { return queue_; }
  QuotaQueries& quota_queries() { return quota_queries_; }
  BearerSources& bearer_sources() { return bearer_sources_; }
  StatePersister* persister() { return persister_.get(); }  // null: there is no store
  RequestCounts& request_counts() { return request_counts_; }
  // The service refused the JWT, or the program's bearer: it is forgotten, and the program hears of its own.
  void DropRefused(const Bearer& bearer, const Status& why);
  const Config& config() const { return config_; }
  const Clock& clock() const { return clock_; }
  const Clock& dates() const { return dates_; }  // by which JWTs and cooling end
  const Logger& log() const { return log_; }
  const AcquisitionServices& acquisition() const { return acquisition_; }
  ResponseDecoder* decoder() { return decoder_.get(); }                                  // I/O thread
  double UnitRandom() { return std::uniform_real_distribution<double>(0, 1)(random_); }  // I/O thread

  const std::shared_ptr<const HttpTarget>& agent_target() const { return agent_target_; }
  const std::shared_ptr<const HttpTarget>& quota_target() const { return quota_target_; }
  const std::string& request_limit_body() const { return request_limit_body_; }

 private:
  AcquisitionServices AcquisitionServicesOf();
  // Whether a token that would do may come sooner than the pool knows.
  bool MayCome(const TokenPool::Wanted& wanted) const;

  struct Entry {
    std::shared_ptr<Operation> operation;
    EventLoop::Reserved last;  // holds `run` until what is being called has returned
    bool awaited = true;
  };

  // RefreshObserver
  void OnRefreshed(const Token& token, const Jwt& jwt, bool rotated, const std::string& account) override;
  void OnRotated(const Token& token) override;
  void OnAdopted(const Token& token, bool rotated) override;
  void OnInDoubt(const Token& token) override;
  void OnRefreshDue(const std::shared_ptr<Token>& token) override;

  // PoolListener
  void OnFreed() override;
  void OnGone(const std::shared_ptr<Token>& token) override;
  bool keeps_records() const override { return persister_ != nullptr; }
  void OnUnsaved(bool urgent) override { persister_->OnUnsaved(urgent); }

  // AtProcessEnd
  bool BelongsToThisProcess() const override { return !Forked(); }
  void BeginEnd() override;
  bool IsAtRest(std::chrono::milliseconds elapsed) override;

  void LookForJump();
  void ReserveServe();
  void OnIoThreadLost() EXCLUDES(mutex_);
  void SaveWithoutIoThread();

  void StopOperations() EXCLUDES(mutex_);
  // Ends the loop, when what exchanges under way bring is in the store, or at last at `until`.
  void StopLoop(SteadyTime until);

  const Config config_;
  const Logger log_;
  const Clock& clock_;
  const DateClock dates_;
  int jumps_ = 0;            // of dates_, that the I/O thread knows of
  const ProcessId process_;  // whose client it is
  const OsContext host_;
  const std::shared_ptr<const HttpTarget> agent_target_;
  const std::shared_ptr<const HttpTarget> quota_target_;
  const std::string request_limit_body_;

  EventLoop loop_;
  EventLoop::Reserved stop_;  // destroying a client must not fail for lack of memory
  EventLoop::Reserved end_;   // the same at the process's end
  OwnThread io_thread_;
  CurlTransport transport_;
  TokenPool pool_;
  BearerSources bearer_sources_;
  const std::unique_ptr<StatePersister> persister_;
  TokenRefresher refresher_;
  WaitQueue queue_;
  std::atomic<bool> to_serve_{false};  // the queue; who sets it has `serve_`, until the task has run
  EventLoop::Reserved serve_;
  CircuitBreaker agent_breaker_;
  CircuitBreaker exchange_breaker_;
  QuotaQueries quota_queries_;
  const AcquisitionServices acquisition_;
  RequestCounts request_counts_;
  std::minstd_rand random_;
  const std::unique_ptr<ResponseDecoder> decoder_;

  mutable Mutex mutex_;
  CondVar idle_;
  std::unordered_map<const Operation*, Entry> operations_ GUARDED_BY(mutex_);
  int awaited_ GUARDED_BY(mutex_) = 0;  // of them
  bool closed_ GUARDED_BY(mutex_) = false;
  CondVar io_changed_;
  enum class IoThread : std::uint8_t { kRuns, kOver, kLost };
  IoThread io_ GUARDED_BY(mutex_) = IoThread::kRuns;

  // Of the thread that ends the process.
  std::shared_ptr<std::atomic<bool>> saved_;  // null: not begun

  ProcessEndRegistration at_process_end_;
};

}  // namespace warppool::internal
