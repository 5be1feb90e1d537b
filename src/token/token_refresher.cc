#include "token/token_refresher.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

#include "base/ascii.h"
#include "base/guarded.h"

namespace warppool::internal {
namespace {

// More than the answer of an exchange takes while it is read.
constexpr std::size_t kReadingReserve = 32U << 10U;

// Whose fault it is that the program has no bearer.
Outcome OutcomeOfSupply(Code code) {
  switch (code) {
    case Code::kNetwork:
    case Code::kOverloaded:
    case Code::kServerError:
    case Code::kTimeout:
    case Code::kCancelled:
    case Code::kOutOfMemory:
      return Outcome::kNetwork;
    default:
      return Outcome::kAuthRejected;
  }
}

// How long a bearer of the program's lives; nothing: until it is refused. Less than nothing: by this machine's clock,
// which need not agree with the issuer's, it has ended.
std::optional<std::chrono::seconds> LifeOf(const SuppliedBearer& bearer, WallTime now) {
  using std::chrono::seconds;
  if (bearer.expires) return std::chrono::floor<seconds>(std::max(ToWallTime(*bearer.expires), now) - now);
  const auto claims = ReadJwtClaims(bearer.value.Reveal());
  if (!claims) return std::nullopt;
  // Not as a WallTime, which ends in 2262: before what some write who mean never.
  return claims->expires_at - std::chrono::ceil<seconds>(now.time_since_epoch());
}

// What is wrong with a bearer that the program supplied. It must not end the header that it is sent in. That it has
// ended is for the program to say, and not for its `exp`: whether that is so the service knows.
Status FaultOf(const SuppliedBearer& bearer, WallTime now) {
  const std::string_view text = bearer.value.Reveal();
  const bool is_visible =
      std::all_of(text.begin(), text.end(), [](char c) { return IsAscii(c) && !IsAsciiControl(c) && c != ' '; });
  const bool has_ended = bearer.expires && ToWallTime(*bearer.expires) <= now;
  const char* const fault = text.empty()  ? "is empty"
                            : !is_visible ? "holds a blank, a line end or another such character"
                            : has_ended   ? "has ended already"
                                          : nullptr;
  if (fault == nullptr) return {};
  return {Code::kUnauthorized, fmt::format("the bearer that the program supplied {}", fault)};
}

// The program's failure as that of a request: one that waits for more, or is complete, it is not.
Status AsFailure(const Status& status) {
  Error error = status.error();
  if (error.code == Code::kTimeout) error.code = Code::kNetwork;
  if (error.code == Code::kEnd || error.code == Code::kOk) error.code = Code::kInternal;
  return Status(std::move(error));
}

}  // namespace

TokenRefresher::TokenRefresher(RefresherOptions options, Transport* transport, RefreshObserver* observer,
                               const Clock& clock, Logger log)
    : options_(std::move(options)), transport_(transport), observer_(observer), clock_(clock), log_(std::move(log)) {
  for (const ExchangeEndpoint& endpoint : options_.endpoints) {
    targets_.push_back(std::make_shared<const HttpTarget>(
        HttpTarget{ExchangeUrl(endpoint.url, options_.api_key),
                   {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}},
                   endpoint.direct,
                   options_.connect_timeout}));
  }
}

template <typename Call>
auto TokenRefresher::Step(const Token* key, Call call) {
  return [this, key, number = operations_[key].number, call = std::move(call)](const auto&... args) {
    const auto operation = operations_.find(key);
    if (operation == operations_.end() || operation->second.number != number) return;
    FinishIfItThrows(key, [&] { call(args...); });
  };
}

// Whatever happens, the operation finishes: others wait for it, and later ones would join it.
template <typename Call>
void TokenRefresher::FinishIfItThrows(const Token* key, const Call& call) {
  const Status done = Guarded([&] {
    call();
    return Status();
  });
  if (!done.ok()) Finish(key, {nullptr, false, Outcome::kGarbled, done});
}

std::shared_ptr<const Jwt> TokenRefresher::Cached(Token* token, SteadyTime now) {
  auto jwt = token->UseJwt();
  if (jwt && jwt->refresh_at <= now) jwt.reset();
  return jwt;
}

TokenRefresher::Ticket TokenRefresher::Refresh(const std::shared_ptr<Token>& token, Callback callback,
                                               bool despite_pause) {
  const Ticket ticket = ++last_ticket_;
  const Token* const key = token.get();
  tickets_.emplace(ticket, key);
  RefreshOperation& operation = operations_[key];
  const bool is_new = operation.token == nullptr;
  try {
    Waiter& waiter = operation.waiters.emplace(ticket, Waiter{std::move(callback)}).first->second;
    if (operation.time_counts) waiter.limit = SetLimit(ticket);
    if (is_new) {
      operation.token = token;
      operation.number = ++last_operation_;
      if (despite_pause || !FinishesForPause(key)) StartOperation(key);
    }
  } catch (...) {
    Forget(ticket);
    if (is_new) operations_.erase(key);  // one that has not started must not keep others waiting
    throw;
  }
  return ticket;
}

void TokenRefresher::Forget(Ticket ticket) {
  const auto it = tickets_.find(ticket);
  if (it == tickets_.end()) return;
  const auto operation = operations_.find(it->second);
  tickets_.erase(it);
  if (operation == operations_.end()) return;
  const auto waiter = operation->second.waiters.find(ticket);
  if (waiter == operation->second.waiters.end()) return;
  transport_->executor().CancelTimer(waiter->second.limit);
  operation->second.waiters.erase(waiter);
}

void TokenRefresher::RestartTime(RefreshOperation* operation) {
  operation->time_counts = true;
  for (auto& [ticket, waiter] : operation->waiters) {
    transport_->executor().CancelTimer(std::exchange(waiter.limit, 0));
    waiter.limit = SetLimit(ticket);
  }
}

TimerId TokenRefresher::SetLimit(Ticket ticket) {
  return transport_->executor().After(options_.timeout, [this, ticket] { LeaveAtLimit(ticket); });
}

void TokenRefresher::LeaveAtLimit(Ticket ticket) {
  const auto it = tickets_.find(ticket);
  if (it == tickets_.end()) return;
  RefreshOperation& operation = operations_[it->second];
  tickets_.erase(it);
  const auto node = operation.waiters.extract(ticket);
  const auto result = Guarded([&]() -> Result<RefreshResult> { return WhatIsThere(operation); });
  node.mapped().callback(result.ok() ? *result : RefreshResult{nullptr, false, Outcome::kGarbled, result.status()});
}

// For those who cannot wait any longer: the old JWT, while it lives.
RefreshResult TokenRefresher::WhatIsThere(const RefreshOperation& operation) {
  ExchangeFailure failure{Outcome::kNetwork, Status(), false, {}};
  if (operation.token->kind() == CredentialKind::kCallback) {
    Error error{.code = Code::kNetwork,
                .message = fmt::format("the program has supplied no bearer within {} ms", options_.timeout.count())};
    error.retryable = true;
    failure.status = Status(std::move(error));
  } else {
    FetchResult answer;
    answer.transfer = {TransferError::kSilence, fmt::format("no whole answer within {} ms", options_.timeout.count())};
    failure = std::get<ExchangeFailure>(
        ReadExchange(answer, options_.endpoints[operation.endpoint], operation.sent, options_.api_key, clock_.Wall()));
  }
  // Once for all who leave: the next ones need not wait as long for what does not come.
  const auto old = operation.token->jwt();
  if (old && clock_.Steady() < old->refresh_at) return {old, false, failure.outcome, failure.status};
  return Refuse(operation.token, failure);
}

void TokenRefresher::ForgetToken(const Token* token) {
  if (const auto renewal = ahead_.find(token); renewal != ahead_.end()) {
    transport_->executor().CancelTimer(renewal->second.timer);
    ahead_.erase(renewal);
  }
  troubles_.erase(token);
}

void TokenRefresher::RenewAhead(const std::shared_ptr<Token>& token) {
  if (const auto jwt = token->jwt()) RefreshAhead(token, jwt, (jwt->expires_at - jwt->refresh_at) / 2);
}

bool TokenRefresher::HasPrecious() const {
  return std::any_of(operations_.begin(), operations_.end(),
                     [](const auto& operation) { return operation.second.has_lock; });
}

bool TokenRefresher::WaitsForLock(const Token& token) const {
  const auto operation = operations_.find(&token);
  return options_.exchange_lock != nullptr && operation != operations_.end() && !operation->second.has_lock;
}

bool TokenRefresher::FinishesForPause(const Token* key) {
  const auto trouble = troubles_.find(key);
  const SteadyTime now = clock_.Steady();
  if (trouble == troubles_.end() || trouble->second.pause_until <= now) return false;
  Error error{.code = Code::kOverloaded, .message = "the token exchange wants a pause: " + trouble->second.last};
  error.retryable = true;
  error.retry_after = std::chrono::ceil<std::chrono::milliseconds>(trouble->second.pause_until - now);
  return transport_->executor().Post(Step(key, [this, key, status = Status(std::move(error))] {
    Finish(key, Refuse(operations_[key].token, {Outcome::kOverloaded, status, false, {}}));
  }));
}

void TokenRefresher::StartOperation(const Token* key) {
  const std::shared_ptr<Token>& token = operations_[key].token;
  log_.Debug("Refreshing JWT: {}", token->name());
  if (token->kind() == CredentialKind::kCallback) {
    RestartTime(&operations_[key]);
    return options_.supply->Supply(
        token, Step(key, [this, key](const Result<SuppliedBearer>& supplied) { OnSupplied(key, supplied); }));
  }
  if (options_.exchange_lock != nullptr) return AcquireLock(key);
  Ask(key, token->credential());
}

void TokenRefresher::AcquireLock(const Token* key) {
  options_.exchange_lock->Acquire(operations_[key].token,
                                  Step(key, [this, key](const auto& admission) { OnAdmission(key, admission); }));
}

void TokenRefresher::OnAdmission(const Token* key, const Result<ExchangeAdmission>& admission) {
  using Kind = ExchangeAdmission::Kind;
  RefreshOperation& operation = operations_[key];
  const std::shared_ptr<Token> token = operation.token;
  // Whoever hears why it failed hears what the service said last, if it said anything.
  const auto failed = [&](Outcome outcome, const char* why) {
    Error error{.code = outcome == Outcome::kAuthRevoked ? Code::kUnauthorized : Code::kOverloaded, .message = why};
    error.retryable = outcome != Outcome::kAuthRevoked;
    ExchangeFailure failure{outcome, Status(std::move(error)), false, {}};
    if (outcome == Outcome::kAuthRevoked && operation.failure) failure = *operation.failure;
    Finish(key, Refuse(token, failure));
  };
  if (!admission.ok()) {
    return Finish(key, Refuse(token, {Outcome::kGarbled, admission.status(), false, {}}));
  }
  operation.has_lock = admission->kind == Kind::kSend;
  if (admission->present) Adopt(*token, *admission->present);
  switch (admission->kind) {
    case Kind::kUseJwt:
      return UseShared(key, admission->jwt);
    case Kind::kSend:
      if (operation.sent != admission->credential) {
        operation.failure.reset();  // it was of another credential
        operation.endpoint = 0;
      }
      return Ask(key, admission->credential);
    case Kind::kHeld:
      return failed(Outcome::kHeld, "another process is exchanging this refresh token");
    case Kind::kInDoubt:
      if (observer_ != nullptr) observer_->OnInDoubt(*token);
      return failed(Outcome::kHeld,
                    "it was refused, but another process may have got a new one and not told of it yet");
    case Kind::kRevoked:
      if (operation.failure) return OnRefused(key);
      return failed(Outcome::kAuthRevoked, "another process found that it is refused for good");
  }
}

// Takes over what is newer than what is here.
void TokenRefresher::Adopt(Token& token, const ExchangeAdmission::Present& present) {
  if (token.Adopt(present.credential, present.serial) && observer_ != nullptr) observer_->OnAdopted(token, true);
}

void TokenRefresher::UseShared(const Token* key, const std::shared_ptr<const Jwt>& jwt) {
  const std::shared_ptr<Token> token = operations_[key].token;
  token->SetJwt(jwt);
  troubles_.erase(key);
  RefreshAhead(token, jwt, (jwt->expires_at - jwt->refresh_at) / 2);
  if (observer_ != nullptr) observer_->OnAdopted(*token, false);
  Finish(key, {jwt, false, Outcome::kSuccess, {}});
}

void TokenRefresher::Ask(const Token* key, Secret credential) {
  RefreshOperation& operation = operations_[key];
  RestartTime(&operation);
  operation.sent = std::move(credential);
  HttpRequest request;
  request.target = targets_[operation.endpoint];
  request.body = ExchangeBody(operation.sent);
  request.is_precious = true;
  if (operation.reserve == nullptr) operation.reserve.reset(new char[kReadingReserve]);
  Fetch(transport_, std::move(request), kMaxExchangeAnswer, options_.timeout + kAfterlife,
        Step(key, [this, key](const FetchResult& answer) { OnAnswer(key, answer); }));
}

void TokenRefresher::OnAnswer(const Token* key, const FetchResult& answer) {
  std::optional<ExchangeFailure> failure;
  try {
    failure = TakeAnswer(key, answer);
  } catch (const std::bad_alloc&) {
    const auto operation = operations_.find(key);
    if (operation == operations_.end() || operation->second.reserve == nullptr) throw;
    operation->second.reserve.reset();
    failure = TakeAnswer(key, answer);
  }
  if (failure) OnFailure(key, *std::move(failure));
}

// Nothing: it is a success, and the operation goes on with it.
std::optional<ExchangeFailure> TokenRefresher::TakeAnswer(const Token* key, const FetchResult& answer) {
  const RefreshOperation& operation = operations_[key];
  const ExchangeEndpoint& endpoint = options_.endpoints[operation.endpoint];
  auto read = ReadExchange(answer, endpoint, operation.sent, options_.api_key, clock_.Wall());
  if (auto* failure = std::get_if<ExchangeFailure>(&read)) return std::move(*failure);
  OnSuccess(key, std::move(std::get<ExchangeSuccess>(read)));
  return std::nullopt;
}

// What was issued is in the store before the credential that it replaces is forgotten. If it cannot be written there,
// it is kept in memory at least.
template <typename Then>
void TokenRefresher::KeepThen(const Token* key, const Issuance& issued, const Then& then) {
  const RefreshOperation& operation = operations_[key];
  if (!operation.has_lock) return then();
  const Status asked = Guarded([&] {
    options_.exchange_lock->Keep(operation.token, operation.sent, issued, Step(key, then));
    return Status();
  });
  if (!asked.ok()) then();
}

void TokenRefresher::OnSuccess(const Token* key, ExchangeSuccess success) {
  const RefreshOperation& operation = operations_[key];
  const std::shared_ptr<Token> token = operation.token;
  Issuance issued{
      operation.sent, false,
      std::make_shared<const Jwt>(MakeJwt(std::move(success.bearer), success.life, clock_.Steady(), clock_.Wall()))};
  if (!success.refresh_token.empty()) issued.credential = std::move(success.refresh_token);
  issued.rotated = issued.credential != operation.sent;
  KeepThen(key, issued, [this, key, token, issued, account = success.user_id] {
    Install(token, issued, account);
    Finish(key, {issued.jwt, true, Outcome::kSuccess, {}});
  });
}

void TokenRefresher::Install(const std::shared_ptr<Token>& token, const Issuance& issued, const std::string& account) {
  // Be it new, or one that others had got and this process did not take for the present one.
  if (!issued.credential.empty() && issued.credential != token->credential()) token->Rotate(issued.credential);
  token->SetJwt(issued.jwt);
  troubles_.erase(token.get());
  Guarded([&] {  // the JWT is there, and serves, whatever comes of these
    if (observer_ != nullptr) observer_->OnRefreshed(*token, *issued.jwt, issued.rotated, account);
    RefreshAhead(token, issued.jwt, (issued.jwt->expires_at - issued.jwt->refresh_at) / 2);
  });
}

void TokenRefresher::OnFailure(const Token* key, ExchangeFailure failure) {
  const RefreshOperation& operation = operations_[key];
  const std::shared_ptr<Token> token = operation.token;
  if (failure.refresh_token.empty() || failure.refresh_token == operation.sent) {
    return OnNoJwt(key, std::move(failure));
  }
  KeepThen(key, {failure.refresh_token, true}, [this, key, token, failure] {
    token->Rotate(failure.refresh_token);
    operations_[key].sent = failure.refresh_token;  // the credential that was sent is spent
    if (observer_ != nullptr) observer_->OnRotated(*token);
    OnNoJwt(key, failure);
  });
}

void TokenRefresher::OnNoJwt(const Token* key, ExchangeFailure failure) {
  RefreshOperation& operation = operations_[key];
  const std::shared_ptr<Token> token = operation.token;
  operation.pause =
      std::max(operation.pause, failure.status.error().retry_after.value_or(std::chrono::milliseconds(0)));
  const bool ask_elsewhere = failure.ask_elsewhere && operation.endpoint + 1 < options_.endpoints.size();
  // What one address said of the token is not undone by another one that cannot be reached.
  if (!operation.failure || Weight(failure.outcome) >= Weight(operation.failure->outcome)) {
    operation.failure = std::move(failure);
  }
  if (ask_elsewhere) {
    const Status& why = operation.failure->status;
    log_.Info("Refresh failed, asking the next address: {}: {}", token->name(), why.message());
    ++operation.endpoint;
    return Ask(key, operation.sent);
  }
  if (operation.failure->outcome == Outcome::kAuthRevoked && operation.has_lock) {
    return options_.exchange_lock->Judge(
        token, operation.sent, Step(key, [this, key](const auto& admission) { OnAdmission(key, admission); }));
  }
  OnRefused(key);
}

void TokenRefresher::OnRefused(const Token* key) {
  const RefreshOperation& operation = operations_[key];
  Remember(operation);
  Finish(key, Refuse(operation.token, *operation.failure));
}

void TokenRefresher::OnSupplied(const Token* key, const Result<SuppliedBearer>& supplied) {
  const std::shared_ptr<Token> token = operations_[key].token;
  const WallTime now = clock_.Wall();
  const Status failure = supplied.ok() ? FaultOf(*supplied, now) : AsFailure(supplied.status());
  if (!failure.ok()) {
    return Finish(key, Refuse(token, {OutcomeOfSupply(supplied.code()), failure, false, {}}));
  }
  const auto life = LifeOf(*supplied, now);
  const auto kept = supplied->expires ? std::chrono::seconds(0) : kKeptAnyway;
  Jwt jwt = MakeJwt(supplied->value, life.value_or(kMaxJwtLife), clock_.Steady(), now, kept);
  jwt.end_is_known = life.has_value();
  const Issuance issued{Secret(), false, std::make_shared<const Jwt>(std::move(jwt))};
  Install(token, issued, "");
  Finish(key, {issued.jwt, true, Outcome::kSuccess, {}});
}

void TokenRefresher::RefreshAhead(const std::shared_ptr<Token>& token, const std::shared_ptr<const Jwt>& jwt,
                                  SteadyTime::duration spread) {
  if (observer_ == nullptr) return;
  Renewal& renewal = ahead_[token.get()];
  transport_->executor().CancelTimer(renewal.timer);
  // Somewhere in the time before whoever needs it would have to wait for a new one.
  const auto spread_by = std::chrono::duration_cast<SteadyTime::duration>(spread * UnitRandom());
  renewal = {token, jwt, jwt->refresh_at - spread_by, 0};
  if (renewal.at > clock_.Steady()) return SetTimer(&renewal);
  ahead_.erase(token.get());
}

void TokenRefresher::SetTimer(Renewal* renewal) {
  const auto delay = std::chrono::duration_cast<std::chrono::milliseconds>(renewal->at - clock_.Steady());
  renewal->timer = transport_->executor().After(delay, [this, key = renewal->token.get()] {
    const auto node = ahead_.extract(key);
    const std::shared_ptr<Token>& token = node.mapped().token;
    // Idle tokens are left alone; so is one whose JWT was replaced or refused meanwhile.
    const auto present = token->jwt();
    if (present && present == node.mapped().jwt.lock() && token->TakeUsed()) observer_->OnRefreshDue(token);
  });
}

void TokenRefresher::OnJump() {
  for (auto& [token, renewal] : ahead_) {
    transport_->executor().CancelTimer(std::exchange(renewal.timer, 0));
    SetTimer(&renewal);
  }
}

void TokenRefresher::Remember(const RefreshOperation& operation) {
  Trouble& trouble = troubles_[operation.token.get()];
  trouble.token = operation.token;
  trouble.last = operation.failure->status.message();
  trouble.pause_until = clock_.Steady() + std::min(operation.pause, options_.longest_pause);
}

RefreshResult TokenRefresher::Refuse(const std::shared_ptr<Token>& token, const ExchangeFailure& failure) {
  Error error = failure.status.error();
  log_.Debug("Refresh failed: {}: {}", token->name(), error.message);
  error.token = token->name();
  RefreshResult result{nullptr, false, failure.outcome, Status(std::move(error))};
  const auto old = token->jwt();
  const SteadyTime now = clock_.Steady();
  if (failure.outcome != Outcome::kAuthRevoked && old && now < old->expires_at) {
    const auto delay = *troubles_[token.get()].delays.Next(UnitRandom());
    Jwt postponed = *old;
    postponed.refresh_at = std::min(now + delay, old->expires_at);
    result.jwt = std::make_shared<const Jwt>(std::move(postponed));
    token->PostponeRefresh(result.jwt);
    RefreshAhead(token, result.jwt, {});
  }
  return result;
}

void TokenRefresher::Finish(const Token* key, const RefreshResult& result) {
  const auto node = operations_.extract(key);  // gone before anyone is told: the next Refresh() is a new exchange
  if (node.empty()) return;
  if (node.mapped().has_lock) Guarded([&] { options_.exchange_lock->Release(node.mapped().token); });
  for (const auto& [ticket, waiter] : node.mapped().waiters) transport_->executor().CancelTimer(waiter.limit);
  for (const auto& [ticket, waiter] : node.mapped().waiters) {
    // One waiter may make another one forget its ticket.
    if (tickets_.erase(ticket) != 0) waiter.callback(result);
  }
}

}  // namespace warppool::internal
