#include "client/client_impl.h"

#include <fmt/format.h>

#include <optional>
#include <system_error>
#include <utility>

#include "base/abandon.h"
#include "base/guarded.h"
#include "base/program_call.h"
#include "client/access_token_operation.h"
#include "client/answer_collector.h"
#include "client/event_queue.h"
#include "client/health_check.h"
#include "client/stream_impl.h"
#include "config/checks.h"
#include "config/reload.h"
#include "platform/process_end.h"
#include "platform/quiet_thread.h"
#include "protocol/request_builder.h"
#include "protocol/schema.h"

namespace warppool::internal {
namespace {

constexpr int kMaxConcurrency = 1000;

// The program's callbacks as a sink.
class CallbackSink final : public EventSink {
 public:
  explicit CallbackSink(StreamCallbacks callbacks) : callbacks_(std::move(callbacks)) {}
  Flow OnEvent(const Event& event) override {
    if (!callbacks_.on_event || !MayCallProgram()) return Flow::kContinue;
    return CallProgram([&] { return callbacks_.on_event(event); });
  }
  void OnDone(const Status& status) override {
    if (callbacks_.on_done) CallProgram([&] { callbacks_.on_done(status); });
  }
  bool CallsProgram() const override { return true; }

 private:
  const StreamCallbacks callbacks_;
};

// Fails with kInvalidConfig when there are two.
Result<std::shared_ptr<StateStore>> StoreOf(const Config& config, const ClientOptions& options) {
  if (config.state_file.empty()) return options.store;
  if (options.store) return Status(Code::kInvalidConfig, "state_file: the client's options name a store, too");
  return OpenFileStore(config.state_file, options.log);
}

std::vector<Secret> SecretsOf(const Request& request) {
  const ModelKeys& keys = request.model_keys;
  std::vector<Secret> secrets;
  const auto add = [&](const Secret& secret) {
    if (!secret.empty()) secrets.push_back(secret);
  };
  add(keys.aws.access_key);
  add(keys.aws.secret_key);
  add(keys.aws.session_token);
  add(keys.google_cloud_access_token);
  for (const auto& [provider, key] : keys.keys) add(key);
  return secrets;
}

// Of a function that is given a token, and not a whole configuration.
Status AsArgument(const Status& status) {
  if (status.ok()) return status;
  Error error = status.error();
  error.code = Code::kInvalidArgument;
  return Status(std::move(error));
}

}  // namespace

Result<std::unique_ptr<Client>> ClientImpl::CreateClient(Config config, const ClientOptions& options,
                                                         const Clock& clock) {
  auto impl = Create(std::move(config), options, clock);
  if (!impl) return impl.status();
  return std::unique_ptr<Client>(new Client(*std::move(impl)));
}

Result<std::unique_ptr<ClientImpl>> ClientImpl::Create(Config config, const ClientOptions& options,
                                                       const Clock& clock) {
  if (ProcessEnds()) return Status(Code::kMisuse, "the process ends");
  if (Status status = Validate(config); !status.ok()) return status;
  LoadSchema();
  auto store = StoreOf(config, options);
  if (!store.ok()) return store.status();
  auto core = std::make_shared<Core>(std::move(config), options, *std::move(store), clock);
  if (Status status = core->Open(); !status.ok()) return status;
  InstallProcessEndHandler();  // libcurl, and with it OpenSSL, is initialised by now
  core->pool().members().TellLoaded();
  if (Status status = core->Restore(); !status.ok()) return status;
  auto impl = std::make_unique<ClientImpl>(core);
  try {
    MutexLock lock(&impl->thread_mutex_);
    impl->thread_ = StartQuietThread([core] { core->RunLoop(); });
  } catch (const std::system_error&) {
    return Status(Code::kInternal, "no I/O thread could be started");
  }
  core->log().Info("Token pool: {}", core->pool().view().Snapshot().Summary());
  return impl;
}

ClientImpl::~ClientImpl() {
  if (core_->Forked()) {
    // The thread does not exist here, and its locks and connections are the parent's: nothing of them is touched.
    Abandon(std::move(core_));
    Abandon(std::move(thread_));
    return;
  }
  if (ProcessEnds()) {
    // The I/O thread is at rest, or hangs in a function of the program's; OpenSSL may be gone.
    Abandon(std::move(core_));
    MutexLock lock(&thread_mutex_);
    if (thread_.joinable()) thread_.detach();
    return;
  }
  if (core_->InOwnThread()) {
    core_->log().Error("The client is destroyed inside one of its own callbacks");
    core_->Stop();
    MutexLock lock(&thread_mutex_);
    if (thread_.joinable()) thread_.detach();
    return;
  }
  const NoCancellation guard;  // a destructor cannot be unwound
  static_cast<void>(Close(std::chrono::milliseconds(0)));
}

Status ClientImpl::CheckUsable() const {
  if (core_->Forked()) return {Code::kMisuse, "the client belongs to the process that was forked"};
  if (ProcessEnds()) return {Code::kMisuse, "the process ends, and the client has ended before it"};
  return {};
}

Status ClientImpl::CheckMayWait(const char* function) const {
  if (Status status = CheckUsable(); !status.ok()) return status;
  if (!core_->InOwnThread()) return {};
  return {Code::kMisuse, fmt::format("{} inside a callback of this client would wait for itself", function)};
}

Result<std::shared_ptr<RequestOperation>> ClientImpl::Prepare(const Request& request, Turns conversation,
                                                              std::shared_ptr<EventSink> sink) const {
  if (Status status = CheckUsable(); !status.ok()) return status;
  const bool is_raw = !request.raw.empty();
  if (is_raw && conversation) return Status(Code::kInvalidArgument, "raw: brings a conversation of its own");
  auto builder = RequestBuilder::Create(request);
  if (!builder) return builder.status();
  auto only = core_->pool().members().Restrict(request.tiers, request.tokens);
  if (!only.ok()) return only.status();
  if (!is_raw && !conversation) conversation = std::make_shared<ConversationImpl>();
  const TreeLimits limits{core_->config().max_message_bytes, core_->config().max_tasks, core_->config().max_messages};
  std::optional<ConversationClaim> claim =
      is_raw ? ConversationClaim() : ConversationClaim::Make(std::move(conversation), limits);
  if (!claim) return Status(Code::kMisuse, "the conversation is busy with another request");
  if (*claim) {
    if (Status status = (*claim)->state(); !status.ok()) return status;
  }
  return std::make_shared<RequestOperation>(
      core_,
      RequestPlan{*std::move(builder), *std::move(claim), is_raw || request.raw_events, SecretsOf(request),
                  request.timeout, request.wait_for_token, *std::move(only)},
      std::move(sink));
}

Status ClientImpl::Launch(const std::shared_ptr<RequestOperation>& run) {
  core_->request_counts().Started();  // before it can end
  const auto launched = Guarded([&]() -> Result<bool> { return core_->Launch(run); });
  if (launched.ok() && *launched) return {};
  core_->request_counts().NotStarted();
  run->Discard();
  return launched.ok() ? Status(Code::kMisuse, "the client is closed") : launched.status();
}

Result<std::unique_ptr<Stream>> ClientImpl::Open(const Request& request, Turns conversation,
                                                 std::shared_ptr<EventSink> sink, std::shared_ptr<EventQueue> queue) {
  auto run = Prepare(request, std::move(conversation), std::move(sink));
  if (!run) return run.status();
  // Before the launch: once callbacks may run, nothing may fail any more.
  std::unique_ptr<Stream> stream(new Stream(std::make_shared<StreamImpl>(core_, *run, std::move(queue))));
  if (Status status = Launch(*run); !status.ok()) return status;
  return stream;
}

Result<std::unique_ptr<Stream>> ClientImpl::Start(const Request& request, Turns conversation,
                                                  StreamCallbacks callbacks) {
  return Open(request, std::move(conversation), std::make_shared<CallbackSink>(std::move(callbacks)), nullptr);
}

Result<std::unique_ptr<Stream>> ClientImpl::Start(const Request& request, Turns conversation) {
  auto queue = std::make_shared<EventQueue>();
  return Open(request, std::move(conversation), queue, queue);
}

Result<Answer> ClientImpl::Ask(const Request& request, Turns conversation) {
  if (Status status = CheckMayWait("Ask()"); !status.ok()) return status;
  auto collector = std::make_shared<AnswerCollector>();
  const auto run = Prepare(request, std::move(conversation), collector);
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
    const bool is_key = token->kind() == CredentialKind::kApiKey;
    auto jwt = is_key || lease->is_probe() ? nullptr : TokenRefresher::Cached(token.get(), lease->began());
    if (is_key || jwt) {
      std::move(*lease).GiveBack();  // what is there already is no attempt
      return ToBearerToken({std::move(token), std::move(jwt), false});
    }
  }
  Patience patience;
  if (timeout.count() >= 0) patience.deadline = DeadlineIn(timeout, core_->clock().Steady());
  const auto run = std::make_shared<AccessTokenOperation>(core_, patience, std::move(lease));
  if (!core_->Launch(run)) return Status(Code::kMisuse, "the client is closed");
  return run->Wait(timeout);
}

void ClientImpl::DropAccessToken(const BearerToken& refused) {
  if (!CheckUsable().ok()) return;
  // Not by its name: that may have changed since.
  for (const auto& token : core_->pool().members().All()) {
    if (token->Knows(refused.value)) token->DropJwt(refused.value.Reveal());
  }
}

PoolStatus ClientImpl::Pool() const {
  if (!CheckUsable().ok()) return {};
  return core_->pool().view().Snapshot();
}

std::vector<TokenExplanation> ClientImpl::Explain() const {
  if (!CheckUsable().ok()) return {};
  return core_->pool().view().Explain();
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

Stats ClientImpl::Statistics() const {
  if (!CheckUsable().ok()) return {};
  Stats stats = core_->pool().view().Statistics();
  stats.requests = core_->request_counts().Read();
  return stats;
}

Result<std::string> ClientImpl::AddToken(const TokenConfig& token) {
  if (Status status = CheckOpen(); !status.ok()) return status;
  if (Status status = AsArgument(CheckToken(token)); !status.ok()) return status;
  const auto added = core_->pool().members().Add(token);
  if (!added.ok()) return added.status();
  if (core_->persister() != nullptr) core_->persister()->Restore(*added);
  return (*added)->name();
}

Status ClientImpl::RemoveToken(const std::string& token) {
  if (Status status = CheckOpen(); !status.ok()) return status;
  return core_->pool().members().Remove(token);
}

Result<std::string> ClientImpl::RenameToken(const std::string& token, const std::string& name) {
  if (Status status = CheckOpen(); !status.ok()) return status;
  if (Fault fault = LineFault(name)) return Status(Code::kInvalidArgument, "name: " + *fault);
  return core_->pool().members().Rename(token, name);
}

Result<std::string> ClientImpl::MoveToken(const std::string& token, Tier tier) {
  if (Status status = CheckOpen(); !status.ok()) return status;
  return core_->pool().members().Move(token, tier);
}

Result<std::string> ClientImpl::ReplaceCredential(const std::string& token, TokenConfig replacement) {
  if (Status status = CheckOpen(); !status.ok()) return status;
  replacement.name = token;
  if (Status status = AsArgument(CheckToken(replacement)); !status.ok()) return status;
  const auto replaced = core_->pool().members().Replace(token, std::move(replacement));
  if (!replaced.ok()) return replaced.status();
  if (core_->persister() != nullptr) core_->persister()->Restore(*replaced);
  return (*replaced)->name();
}

Result<ReloadResult> ClientImpl::Reload(const Config& config) {
  if (Status status = CheckOpen(); !status.ok()) return status;
  if (Status status = Validate(config); !status.ok()) return status;
  if (const char* field = FixedDifference(core_->config(), config)) {
    return Status(Code::kInvalidConfig,
                  fmt::format("{}: cannot change while the client runs; create another client", field));
  }
  std::vector<std::shared_ptr<Token>> added;
  ReloadResult result = core_->pool().members().Reload(PoolOptionsOf(config), config.tokens, &added);
  if (core_->persister() != nullptr) {
    for (const auto& token : added) core_->persister()->Restore(token);
  }
  core_->log().Info("Token pool: {}", core_->pool().view().Snapshot().Summary());
  return result;
}

Status ClientImpl::Close(std::chrono::milliseconds timeout) {
  if (Status status = CheckMayWait("Close()"); !status.ok()) return status;
  core_->Drain(timeout);
  core_->Stop();
  MutexLock lock(&thread_mutex_);
  if (!thread_.joinable()) return {};
  if (core_->WaitForIoThread()) {
    thread_.join();
  } else {
    thread_.detach();
  }
  return {};
}

}  // namespace warppool::internal
