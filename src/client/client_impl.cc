#include "client/client_impl.h"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>

#include <optional>
#include <utility>

#include "base/abandon.h"
#include "base/guarded.h"
#include "client/answer_collector.h"
#include "client/event_queue.h"
#include "client/health_check.h"
#include "client/stream_impl.h"
#include "client/token_run.h"
#include "protocol/request_builder.h"

namespace warppool::internal {
namespace {

constexpr int kMaxConcurrency = 1000;

// The program's callbacks as a sink.
class CallbackSink final : public EventSink {
 public:
  explicit CallbackSink(StreamCallbacks callbacks) : callbacks_(std::move(callbacks)) {}
  Flow OnEvent(const Event& event) override {
    return callbacks_.on_event ? callbacks_.on_event(event) : Flow::kContinue;
  }
  void OnDone(const Status& status) override {
    if (callbacks_.on_done) callbacks_.on_done(status);
  }

 private:
  const StreamCallbacks callbacks_;
};

// A thread that takes none of the program's signals.
std::thread StartIoThread(std::shared_ptr<Core> core) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread;
  try {
    thread = std::thread([core = std::move(core)] { core->RunLoop(); });
  } catch (...) {  // NOLINT(bugprone-empty-catch): the caller sees that there is none
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

Result<std::unique_ptr<ClientImpl>> ClientImpl::Create(Config config, const ClientOptions& options) {
  if (Status status = Validate(config); !status.ok()) return status;
  auto core = std::make_shared<Core>(std::move(config), options, RealClock());
  if (Status status = core->Open(); !status.ok()) return status;
  auto impl = std::make_unique<ClientImpl>(core);
  {
    MutexLock lock(&impl->thread_mutex_);
    impl->thread_ = StartIoThread(core);
    if (!impl->thread_.joinable()) return Status(Code::kInternal, "no I/O thread could be started");
  }
  core->pool().TellLoaded();
  core->log().Info("Token pool: {}", core->pool().Snapshot().Summary());
  return impl;
}

ClientImpl::~ClientImpl() {
  if (core_->Forked()) {
    // The thread does not exist here, and its locks and connections are the parent's: nothing of them is touched.
    Abandon(std::move(core_));
    Abandon(std::move(thread_));
    return;
  }
  if (core_->InIoThread()) {
    core_->log().Error("The client is destroyed inside one of its own callbacks");
    core_->Stop();
    MutexLock lock(&thread_mutex_);
    if (thread_.joinable()) thread_.detach();
    return;
  }
  static_cast<void>(Close(std::chrono::milliseconds(0)));
}

Status ClientImpl::CheckUsable() const {
  if (core_->Forked()) return {Code::kMisuse, "the client belongs to the process that was forked"};
  return {};
}

Status ClientImpl::CheckMayWait(const char* function) const {
  if (Status status = CheckUsable(); !status.ok()) return status;
  if (!core_->InIoThread()) return {};
  return {Code::kMisuse, fmt::format("{} inside a callback of this client would wait for itself", function)};
}

Result<std::shared_ptr<RequestRun>> ClientImpl::Prepare(const Request& request, std::shared_ptr<EventSink> sink) const {
  if (Status status = CheckUsable(); !status.ok()) return status;
  auto body = BuildRequest(request);
  if (!body) return body.status();
  return std::make_shared<RequestRun>(core_, *std::move(body), request.timeout, request.wait_for_token,
                                      std::move(sink));
}

Status ClientImpl::Launch(const std::shared_ptr<RequestRun>& run) {
  const auto launched = Guarded([&]() -> Result<bool> { return core_->Launch(run); });
  if (launched.ok() && *launched) return {};
  run->Discard();
  return launched.ok() ? Status(Code::kMisuse, "the client is closed") : launched.status();
}

Result<std::unique_ptr<Stream>> ClientImpl::Open(const Request& request, std::shared_ptr<EventSink> sink,
                                                 std::shared_ptr<EventQueue> queue) {
  auto run = Prepare(request, std::move(sink));
  if (!run) return run.status();
  // Before the launch: once callbacks may run, nothing may fail any more.
  auto stream = std::make_unique<Stream>(std::make_shared<StreamImpl>(core_, *run, std::move(queue)));
  if (Status status = Launch(*run); !status.ok()) return status;
  return stream;
}

Result<std::unique_ptr<Stream>> ClientImpl::Start(const Request& request, StreamCallbacks callbacks) {
  return Open(request, std::make_shared<CallbackSink>(std::move(callbacks)), nullptr);
}

Result<std::unique_ptr<Stream>> ClientImpl::Start(const Request& request) {
  auto queue = std::make_shared<EventQueue>();
  return Open(request, queue, queue);
}

Result<Answer> ClientImpl::Ask(const Request& request) {
  if (Status status = CheckMayWait("Ask()"); !status.ok()) return status;
  auto collector = std::make_shared<AnswerCollector>();
  const auto run = Prepare(request, collector);
  if (!run) return run.status();
  if (Status status = Launch(*run); !status.ok()) return status;
  (*run)->WaitUntilDone();
  return collector->Take();
}

Result<BearerToken> ClientImpl::AccessToken(std::chrono::milliseconds timeout) {
  if (Status status = CheckMayWait("AccessToken()"); !status.ok()) return status;
  if (Status status = CheckOpen(); !status.ok()) return status;
  auto lease = core_->pool().Acquire({});
  if (lease) {
    std::shared_ptr<Token> token = lease->share_token();
    if (token->kind() == CredentialKind::kApiKey) return ToBearerToken({std::move(token), nullptr, false});
    auto jwt = lease->is_probe() ? nullptr : TokenRefresher::Cached(token.get(), lease->began());
    if (jwt) {
      return ToBearerToken({std::move(token), std::move(jwt), false});
    }
  }
  Patience patience;
  if (timeout.count() >= 0) patience.deadline = DeadlineIn(timeout);
  const auto run = std::make_shared<TokenRun>(core_, patience, std::move(lease));
  if (!core_->Launch(run)) return Status(Code::kMisuse, "the client is closed");
  return run->Wait(timeout);
}

void ClientImpl::DropAccessToken(const BearerToken& refused) {
  if (!CheckUsable().ok()) return;
  if (const auto token = core_->pool().Find(refused.token)) token->DropJwt(refused.value.Reveal());
}

PoolStatus ClientImpl::Pool() const {
  if (!CheckUsable().ok()) return {};
  return core_->pool().Snapshot();
}

std::vector<TokenExplanation> ClientImpl::Explain() const {
  if (!CheckUsable().ok()) return {};
  return core_->pool().Explain();
}

Status ClientImpl::CheckOpen() const {
  if (Status status = CheckUsable(); !status.ok()) return status;
  return core_->closed() ? Status(Code::kMisuse, "the client is closed") : Status();
}

Status ClientImpl::Recover(const std::string& token) {
  if (Status status = CheckOpen(); !status.ok()) return status;
  if (core_->pool().Recover(token)) return {};
  return {Code::kInvalidArgument, fmt::format("token: there is none with the name \"{}\"", token)};
}

Result<int> ClientImpl::RecoverAll() {
  if (Status status = CheckOpen(); !status.ok()) return status;
  return core_->pool().RecoverAll();
}

Result<HealthReport> ClientImpl::CheckHealth(const HealthCheckOptions& options) {
  if (options.concurrency < 1 || options.concurrency > kMaxConcurrency) {
    return Status(Code::kInvalidArgument, fmt::format("concurrency: must be from 1 to {}", kMaxConcurrency));
  }
  if (Status status = CheckOpen(); !status.ok()) return status;
  if (!options.active) return PassiveHealth(&core_->pool());
  if (Status status = CheckMayWait("an active CheckHealth()"); !status.ok()) return status;
  const auto check = std::make_shared<HealthCheck>(core_, options);
  if (!core_->Launch(check)) return Status(Code::kMisuse, "the client is closed");
  return check->Wait();
}

Status ClientImpl::Close(std::chrono::milliseconds deadline) {
  if (Status status = CheckMayWait("Close()"); !status.ok()) return status;
  core_->Drain(deadline);
  core_->Stop();
  MutexLock lock(&thread_mutex_);
  if (thread_.joinable()) thread_.join();
  return {};
}

}  // namespace warppool::internal
