#include "client/core.h"

#include "base/guarded.h"
#include "base/proxy_url.h"
#include "base/url.h"
#include "client/host.h"
#include "client/refresh_ahead.h"
#include "platform/quiet_thread.h"
#include "protocol/response_decoder.h"

namespace warppool::internal {
namespace {

// Of exchanges that are under way when the client is closed: their answers may hold the only copy of a credential.
constexpr std::chrono::seconds kExchangeGrace{5};
constexpr std::chrono::milliseconds kExchangePoll{5};
// The same when the process ends, which waits a second at most.
constexpr std::chrono::milliseconds kExchangeGraceAtEnd{700};
// So long a function of the program's that runs in the I/O thread is waited for when the process ends.
constexpr std::chrono::milliseconds kCallbackGraceAtEnd{100};
constexpr const char* kSecuretokenUrl = "https://securetoken.googleapis.com/v1/token";

// Without a "/" at its end.
std::string Root(const Config& config) {
  std::string root = config.server_url;
  while (!root.empty() && root.back() == '/') root.pop_back();
  return root;
}

bool IsLoopback(const std::string& url) {
  const auto parsed = ParseUrl(url);
  return parsed.ok() && parsed->IsLoopback();
}

// Where tokens go. A program that configured a service of its own must not find them sent elsewhere.
std::vector<ExchangeEndpoint> Endpoints(const Config& config) {
  std::vector<ExchangeEndpoint> endpoints;
  const auto add = [&](std::string url, std::string setting) {
    const bool direct = IsLoopback(url);
    endpoints.push_back({std::move(url), std::move(setting), direct});
  };
  if (config.refresh_url.empty()) {
    add(Root(config) + "/proxy/token", "WARP_SERVER_URL");
  } else {
    add(config.refresh_url, "WARP_REFRESH_URL");
  }
  const bool default_service = Root(config) == Config().server_url && config.refresh_url.empty();
  if (!config.securetoken_url.empty()) {
    add(config.securetoken_url, "securetoken_url");
  } else if (default_service && !config.firebase_api_key.empty()) {
    add(kSecuretokenUrl, "securetoken_url");
  }
  return endpoints;
}

// `path`: of the service, that is asked with a bearer.
std::shared_ptr<const HttpTarget> Target(const Config& config, const OsContext& host, const std::string& path,
                                         const std::string& content_type, const std::string& accept) {
  const std::string root = Root(config);
  HttpTarget target{root + path,
                    {{"Content-Type", content_type},
                     {"Accept", accept},
                     {"X-Warp-Client-ID", "warppool"},
                     {"X-Warp-Client-Version", config.client_version}},
                    IsLoopback(root),
                    config.connect_timeout};
  for (auto& header : HostHeaders(host)) target.headers.push_back(std::move(header));
  return std::make_shared<const HttpTarget>(std::move(target));
}

// Its URL is known to be sound.
ProxyUrl ProxyOf(const Config& config) {
  auto proxy = ParseProxyUrl(config.proxy.Reveal());
  return proxy.ok() ? *std::move(proxy) : ProxyUrl();
}

// Half of the first wait before trying again, which is half a second by default: who has shorter waits wants to be
// quick here, too, and longer ones are no reason to keep all others waiting.
std::chrono::milliseconds BreakerPause(const Config& config) {
  return std::clamp(config.retry_base_delay / 2, std::chrono::milliseconds(1), std::chrono::milliseconds(500));
}

std::uint64_t DrawNumber() {
  std::random_device device;
  std::uint64_t number = 0;
  while (number == 0) number = std::uniform_int_distribution<std::uint64_t>()(device);
  return number;
}

// An exchange takes as long at most, and so long others wait for it.
SharedExchangeOptions ExchangeOptionsOf(const Config& config) {
  const std::chrono::milliseconds longest = Endpoints(config).size() * config.refresh_timeout;
  return {config.store_timeout, longest + kOvertakeAfter * 2, {longest, &DrawNumber}};
}

}  // namespace

PoolOptions PoolOptionsOf(const Config& config) {
  return {config.tier_order,
          {config.max_failures, config.quota_cooling, config.recovery_delay, config.recovery_max_delay},
          config.strategy,
          config.max_in_flight};
}

Core::Core(Config config, const ClientOptions& options, std::shared_ptr<StateStore> store, const Clock& clock)
    : config_(std::move(config)),
      log_(options.log),
      clock_(clock),
      dates_(clock_),
      process_(CurrentProcess()),
      host_(ReadHost()),
      agent_target_(Target(config_, host_, "/ai/multi-agent", "application/x-protobuf", "text/event-stream")),
      quota_target_(Target(config_, host_, RequestLimitPath(), "application/json", "application/json")),
      request_limit_body_(RequestLimitBody(config_.client_version, host_)),
      transport_(&loop_, {config_.ca_bundle, ProxyOf(config_), config_.no_proxy}),
      pool_(PoolOptionsOf(config_), config_.tokens, dates_, PoolReporter(log_, options.on_pool_event, clock_), this),
      bearer_sources_(&loop_),
      persister_(store ? std::make_unique<StatePersister>(std::move(store), &pool_, &loop_, clock_, dates_,
                                                          ExchangeOptionsOf(config_), config_.state_save_interval)
                       : nullptr),
      refresher_({.endpoints = Endpoints(config_),
                  .api_key = config_.firebase_api_key,
                  .connect_timeout = config_.connect_timeout,
                  .timeout = config_.refresh_timeout,
                  .longest_pause = config_.retry_after_limit,
                  .unit_random = [this] { return UnitRandom(); },
                  .exchange_lock = persister_ ? persister_->exchange_lock() : nullptr,
                  .supply = &bearer_sources_},
                 &transport_, this, dates_, log_),
      queue_(&pool_, &loop_, clock_, [this](const auto& wanted) { return MayCome(wanted); }),
      agent_breaker_(&loop_, clock_, BreakerPause(config_)),
      exchange_breaker_(&loop_, clock_, BreakerPause(config_)),
      quota_queries_(this),
      acquisition_(AcquisitionServicesOf()),
      random_(std::random_device{}()),
      decoder_(std::make_unique<ResponseDecoder>(
          EventLimits{config_.max_nesting_depth, config_.max_event_messages, config_.max_event_memory})) {
  loop_.SetOnRound([this] { LookForJump(); });
  ReserveServe();
  stop_.emplace_back([this] {
    StopOperations();
    StopLoop(clock_.Steady() + kExchangeGrace);
  });
  end_.emplace_back([this] {
    StopOperations();
    StopLoop(clock_.Steady() + kExchangeGraceAtEnd);
  });
}

Core::~Core() = default;

AcquisitionServices Core::AcquisitionServicesOf() {
  return {.pool = &pool_,
          .queue = &queue_,
          .refresher = &refresher_,
          .agent = &agent_breaker_,
          .exchange = &exchange_breaker_,
          .loop = &loop_,
          .clock = &clock_,
          .dates = &dates_,
          .log = log_,
          .failover = {{.base = config_.retry_base_delay,
                        .ceiling = config_.retry_max_delay,
                        .budget = config_.retry_budget},
                       config_.retry_after_limit},
          .max_wait = config_.max_token_wait,
          .unit_random = [this] { return UnitRandom(); },
          .drop_refused = [this](const Bearer& bearer, const Status& why) { DropRefused(bearer, why); },
          .ask_quota = [this](const Bearer& bearer) { quota_queries_.AskAfterRefusal(bearer); },
          .review_revoked =
              [this] {
                if (persister_) persister_->ReviewNow([this] { queue_.ServeAndReview(); });
              },
          .may_come = [this](const TokenPool::Wanted& wanted) { return MayCome(wanted); }};
}

bool Core::MayCome(const TokenPool::Wanted& wanted) const {
  return quota_queries_.Asking(wanted.excluded, wanted.only) || (persister_ && persister_->is_reviewing());
}

Status Core::Open() {
  if (Status status = loop_.Open(); !status.ok()) return status;
  return transport_.Open();
}

Status Core::Restore() {
  if (!persister_) return {};
  if (!persister_->is_for_many_processes()) log_.Debug("The state store is for one process at a time");
  if (Status status = persister_->RestoreAll(); !status.ok()) return status;
  loop_.Post([this] {
    persister_->Begin();
    for (const auto& token : pool_.members().All()) refresher_.RenewAhead(token);
  });
  return {};
}

bool Core::Forked() const {
  return CurrentProcess() != process_;
}

void Core::OnRefreshed(const Token& token, const Jwt& jwt, bool rotated, const std::string& account) {
  pool_.accounts().NoteRefreshed(token, jwt, rotated, account);
}

void Core::OnRotated(const Token& token) {
  pool_.accounts().NoteRotated(token);
}

void Core::OnAdopted(const Token& token, bool rotated) {
  pool_.accounts().NoteAdopted(token, rotated);
}

void Core::OnInDoubt(const Token& token) {
  pool_.records().NoteInDoubt(token);
}

void Core::OnRefreshDue(const std::shared_ptr<Token>& token) {
  if (!config_.background_refresh) return;
  Launch(std::make_shared<RefreshAhead>(shared_from_this(), token), false);
}

// The machine has slept, or its clock was set: tokens may be ready again, and who waits does not know.
void Core::LookForJump() {
  dates_.Look();
  const int jumps = dates_.jumps();
  if (std::exchange(jumps_, jumps) == jumps) return;
  log_.Info("The clock has jumped: dates come earlier, and idle connections are dropped");
  transport_.DropIdle();
  refresher_.OnJump();
  queue_.ServeAndReview();
}

void Core::OnFreed() {
  if (!queue_.anybody_waits() || to_serve_.exchange(true)) return;
  // Who waits might never be told again if this failed for lack of memory.
  if (serve_.empty()) Guarded([&] { ReserveServe(); });
  if (!serve_.empty()) {
    loop_.Post(&serve_);
  } else {
    to_serve_ = false;  // none twice in a row: the next token that is freed wakes them
  }
}

void Core::ReserveServe() {
  serve_.emplace_back([this] {
    Guarded([&] { ReserveServe(); });
    to_serve_ = false;
    queue_.Serve();
  });
}

void Core::DropRefused(const Bearer& bearer, const Status& why) {
  Guarded([&] { bearer.token->DropJwt(bearer.jwt->text.Reveal()); });
  if (bearer.token->kind() == CredentialKind::kCallback) bearer_sources_.TellRefused(bearer, why);
}

void Core::OnGone(const std::shared_ptr<Token>& token) {
  loop_.Post([this, token] {
    refresher_.ForgetToken(token.get());
    if (persister_) persister_->Forget(token);
  });
}

bool Core::Launch(const std::shared_ptr<Operation>& operation, bool awaited) {
  EventLoop::Reserved begin;
  begin.emplace_back([operation] { operation->Begin(); });
  Entry entry{operation, {}, awaited};
  entry.last.emplace_back([operation] {});
  MutexLock lock(&mutex_);
  if (closed_) return false;
  operations_.emplace(operation.get(), std::move(entry));
  if (awaited) ++awaited_;
  // Never refused: the loop is stopped only after closed_ was set, and runs what it was given until then.
  return loop_.Post(&begin);
}

bool Core::closed() const {
  MutexLock lock(&mutex_);
  return closed_;
}

void Core::Retire(const Operation* operation) noexcept {
  Entry entry;
  bool idle = false;
  {
    MutexLock lock(&mutex_);
    const auto it = operations_.find(operation);
    if (it == operations_.end()) return;
    entry = std::move(it->second);
    operations_.erase(it);
    if (entry.awaited) --awaited_;
    idle = awaited_ == 0;
  }
  if (idle) idle_.NotifyAll();
  loop_.Post(&entry.last);
}

void Core::Drain(std::chrono::milliseconds timeout) {
  MutexLock lock(&mutex_);
  closed_ = true;
  const SteadyTime until = DeadlineIn(timeout);
  while (awaited_ > 0) {
    if (timeout.count() < 0) {
      idle_.Wait(&mutex_);
    } else if (!idle_.WaitUntil(&mutex_, until)) {
      return;
    }
  }
}

void Core::Stop() {
  loop_.Post(&stop_);
}

void Core::StopOperations() {
  // One after the other, and without memory for a list of them.
  while (true) {
    Entry entry;
    {
      MutexLock lock(&mutex_);
      closed_ = true;
      if (operations_.empty()) break;
      entry = std::move(operations_.begin()->second);
      operations_.erase(operations_.begin());
      if (entry.awaited) --awaited_;
    }
    entry.operation->Stop();
  }
  idle_.NotifyAll();
}

void Core::StopLoop(SteadyTime until) {
  if (!persister_ || !refresher_.HasPrecious() || until <= clock_.Steady()) return loop_.Stop();
  const Status later = Guarded([&] {
    loop_.After(kExchangePoll, [this, until] { StopLoop(until); });
    return Status();
  });
  if (!later.ok()) loop_.Stop();
}

void Core::RunLoop() {
  io_thread_.Enter([this] { OnIoThreadLost(); });
  const Status listed = Guarded([&] {
    const std::shared_ptr<AtProcessEnd> self(shared_from_this(), this);
    return at_process_end_.Add(self) ? Status() : Status(Code::kMisuse, "the process ends");
  });
  if (listed.code() == Code::kMisuse) loop_.Stop();  // OpenSSL may be gone
  loop_.Run();
  transport_.Shutdown();
  if (persister_) persister_->Close();
  {
    MutexLock lock(&mutex_);
    io_ = IoThread::kOver;
  }
  io_changed_.NotifyAll();
  // What hangs there hangs as long as the program wants it to.
  if (!ProcessEnds()) bearer_sources_.Close();
  loop_.LeaveThread();
  io_thread_.Leave();
}

bool Core::WaitForIoThread() {
  {
    MutexLock lock(&mutex_);
    while (io_ == IoThread::kRuns) io_changed_.Wait(&mutex_);
    if (io_ == IoThread::kOver) return true;
  }
  if (persister_) persister_->Close();
  bearer_sources_.Close();
  return false;
}

// In the I/O thread, inside a callback that will not return.
void Core::OnIoThreadLost() {
  log_.Error("The program has ended the I/O thread inside one of its callbacks");
  StopOperations();
  {
    MutexLock lock(&mutex_);
    io_ = IoThread::kLost;
  }
  io_changed_.NotifyAll();
}

void Core::BeginEnd() {
  if (!InIoThread()) {
    loop_.Post(&end_);
    return;
  }
  // exit() was called in a callback.
  StopOperations();
  SaveWithoutIoThread();
}

bool Core::IsAtRest(std::chrono::milliseconds elapsed) {
  if (saved_) return *saved_;
  {
    MutexLock lock(&mutex_);
    if (io_ == IoThread::kOver) return true;
  }
  // It waits for something that this thread may hold, such as an interpreter's lock.
  const bool hangs = elapsed >= kCallbackGraceAtEnd && io_thread_.GiveUp();
  if (hangs || io_thread_.IsLost()) SaveWithoutIoThread();
  return false;
}

// In another thread, since a store may hang.
void Core::SaveWithoutIoThread() {
  Guarded([&] {
    saved_ = std::make_shared<std::atomic<bool>>(true);
    if (!persister_ || persister_->InThread()) return;
    *saved_ = false;
    StartQuietThread([this, saved = saved_] {
      persister_->Close();
      *saved = true;
    }).detach();
  });
}

}  // namespace warppool::internal
