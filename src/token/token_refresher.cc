#include "token/token_refresher.h"

#include <utility>
#include <variant>

#include "base/guarded.h"
#include "base/redact.h"
#include "http/retry_after.h"

namespace warppool {
namespace {

// An answer holds two tokens and a few words.
constexpr std::size_t kMaxAnswerBytes = 1U << 20U;

// How much a failure says about the token itself.
int Weight(Outcome outcome) {
  switch (outcome) {
    case Outcome::kAuthDead:
      return 4;
    case Outcome::kAuthRejected:
      return 3;
    case Outcome::kOverloaded:
    case Outcome::kNetwork:
    case Outcome::kServerError:
      return 2;
    case Outcome::kMisconfigured:
      return 1;
    default:
      return 0;
  }
}

ExchangeFailure TransferFailure(const FetchResult& answer, const ExchangeEndpoint& endpoint) {
  Error error{.code = Code::kNetwork, .message = "the token exchange cannot be reached: " + answer.transfer.detail};
  switch (answer.transfer.error) {
    case TransferError::kTlsUntrusted:
      error.code = Code::kMisconfigured;
      error.message =
          fmt::format("the certificate of the token exchange is not trusted ({}); check WARP_CA_BUNDLE and {}",
                      answer.transfer.detail, endpoint.setting);
      return {Outcome::kMisconfigured, Status(std::move(error)), true, {}};
    case TransferError::kNotHttp:
      error.code = Code::kMisconfigured;
      error.message = fmt::format("what answers at the token exchange's address does not speak HTTP ({}); check {}",
                                  answer.transfer.detail, endpoint.setting);
      return {Outcome::kMisconfigured, Status(std::move(error)), true, {}};
    case TransferError::kStopped:
      error.code = Code::kCancelled;
      error.message = answer.transfer.detail;
      return {Outcome::kCancelled, Status(std::move(error)), false, {}};
    case TransferError::kInternal:
      error.code = Code::kInternal;
      error.message = answer.transfer.detail;
      return {Outcome::kGarbled, Status(std::move(error)), false, {}};
    case TransferError::kNone:
    case TransferError::kNoConnection:
    case TransferError::kConnectionLost:
    case TransferError::kSilence:
      break;
  }
  error.retryable = true;
  return {Outcome::kNetwork, Status(std::move(error)), true, {}};
}

}  // namespace

TokenRefresher::TokenRefresher(RefresherOptions options, Transport* transport, RefreshObserver* observer,
                               const Clock& clock, Logger log)
    : options_(std::move(options)), transport_(transport), observer_(observer), clock_(clock), log_(std::move(log)) {}

std::shared_ptr<const Jwt> TokenRefresher::Cached(Token* token, SteadyTime now) {
  auto jwt = token->UseJwt();
  if (jwt && jwt->refresh_at <= now) jwt.reset();
  return jwt;
}

TokenRefresher::Ticket TokenRefresher::Refresh(const std::shared_ptr<Token>& token, Callback callback) {
  const Ticket ticket = ++last_ticket_;
  const Token* const key = token.get();
  tickets_.emplace(ticket, key);
  Flight& flight = flights_[key];
  flight.waiters.emplace(ticket, std::move(callback));
  if (flight.token != nullptr) return ticket;
  flight.token = token;
  try {
    if (!Pauses(key)) Ask(key);
  } catch (...) {  // a flight that never left must not keep others waiting
    flights_.erase(key);
    tickets_.erase(ticket);
    throw;
  }
  return ticket;
}

bool TokenRefresher::Pauses(const Token* key) {
  const auto trouble = troubles_.find(key);
  const SteadyTime now = clock_.Steady();
  if (trouble == troubles_.end() || trouble->second.pause_until <= now) return false;
  Error error{.code = Code::kOverloaded, .message = "the token exchange wants a pause: " + trouble->second.last};
  error.retryable = true;
  error.retry_after = std::chrono::ceil<std::chrono::milliseconds>(trouble->second.pause_until - now);
  return transport_->executor().Post([this, key, status = Status(std::move(error))] {
    LandAnyhow(key, [&] { Land(key, Refuse(flights_[key].token, {Outcome::kOverloaded, status, false, {}})); });
  });
}

void TokenRefresher::Forget(Ticket ticket) {
  const auto it = tickets_.find(ticket);
  if (it == tickets_.end()) return;
  const auto flight = flights_.find(it->second);
  if (flight != flights_.end()) flight->second.waiters.erase(ticket);
  tickets_.erase(it);
}

void TokenRefresher::Ask(const Token* key) {
  const Flight& flight = flights_[key];
  const ExchangeEndpoint& endpoint = options_.endpoints[flight.endpoint];
  log_.Debug("Refreshing JWT: {}", flight.token->name());
  HttpRequest request;
  request.url = endpoint.url + ExchangeQuery(options_.api_key);
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
  request.body = ExchangeBody(flight.token->credential());
  request.direct = endpoint.direct;
  request.connect_timeout = options_.connect_timeout;
  Fetch(transport_, std::move(request), kMaxAnswerBytes, options_.timeout,
        [this, key](const FetchResult& answer) { OnAnswer(key, answer); });
}

void TokenRefresher::OnAnswer(const Token* key, const FetchResult& answer) {
  LandAnyhow(key, [&] { Handle(key, answer); });
}

// Whatever happens, the flight lands: others wait for it, and later ones would join it.
template <typename Call>
void TokenRefresher::LandAnyhow(const Token* key, const Call& call) {
  const Status done = Guarded([&] {
    call();
    return Status();
  });
  if (!done.ok()) Land(key, {nullptr, false, Outcome::kGarbled, done});
}

void TokenRefresher::Handle(const Token* key, const FetchResult& answer) {
  Flight& flight = flights_[key];
  auto read = Read(flight, answer);
  if (auto* success = std::get_if<ExchangeSuccess>(&read)) {
    return Land(key, Accept(flight.token, std::move(*success)));
  }
  auto& failure = std::get<ExchangeFailure>(read);
  failure.status = WithoutSecrets(failure.status, *flight.token);
  flight.pause = std::max(flight.pause, failure.status.error().retry_after.value_or(std::chrono::milliseconds(0)));
  if (!failure.refresh_token.empty() && failure.refresh_token != flight.token->credential()) {
    flight.token->Rotate(failure.refresh_token);
    if (observer_ != nullptr) observer_->OnRotated(*flight.token);
  }
  const bool ask_elsewhere = failure.ask_elsewhere && flight.endpoint + 1 < options_.endpoints.size();
  // What one address said of the token is not undone by another one that cannot be reached.
  if (!flight.failure || Weight(failure.outcome) >= Weight(flight.failure->outcome))
    flight.failure = std::move(failure);
  if (!ask_elsewhere) {
    Remember(flight);
    return Land(key, Refuse(flight.token, *flight.failure));
  }
  log_.Info("Refresh failed, asking the next address: {}: {}", flight.token->name(), flight.failure->status.message());
  ++flight.endpoint;
  Ask(key);
}

std::variant<ExchangeSuccess, ExchangeFailure> TokenRefresher::Read(const Flight& flight,
                                                                    const FetchResult& answer) const {
  const ExchangeEndpoint& endpoint = options_.endpoints[flight.endpoint];
  if (answer.too_large) {
    return ExchangeFailure{Outcome::kGarbled,
                           Status(Code::kLimitExceeded, "the answer of the token exchange is larger than 1 MiB"),
                           true,
                           {}};
  }
  if (answer.transfer.error != TransferError::kNone) return TransferFailure(answer, endpoint);
  const auto retry_after = ReadRetryAfter(answer.head.Find("retry-after"), clock_.Wall());
  const auto read = [&](std::string_view body) {
    return ReadExchange(answer.head.status, body, retry_after, endpoint.setting, !options_.api_key.empty());
  };
  if (answer.head.status == 200) return read(answer.body);
  // Before any of it is quoted, or cut: a part of a secret is one, too.
  std::string words = answer.body;
  Redact(flight.token->credential().Reveal(), &words);
  Redact(options_.api_key.Reveal(), &words);
  return read(words);
}

RefreshResult TokenRefresher::Accept(const std::shared_ptr<Token>& token, ExchangeSuccess success) {
  const bool rotated = !success.refresh_token.empty() && success.refresh_token != token->credential();
  if (rotated) token->Rotate(std::move(success.refresh_token));
  auto jwt =
      std::make_shared<const Jwt>(MakeJwt(std::move(success.bearer), success.life, clock_.Steady(), clock_.Wall()));
  token->SetJwt(jwt);
  troubles_.erase(token.get());
  Guarded([&] {  // the JWT is there, and serves, whatever comes of these
    if (observer_ != nullptr) observer_->OnRefreshed(*token, *jwt, rotated, success.user_id);
    RefreshAhead(token, jwt, (jwt->expires_at - jwt->refresh_at) / 2);
  });
  return {std::move(jwt), true, Outcome::kSuccess, {}};
}

void TokenRefresher::RefreshAhead(const std::shared_ptr<Token>& token, const std::shared_ptr<const Jwt>& jwt,
                                  SteadyTime::duration spread) {
  if (observer_ == nullptr) return;
  // Somewhere in the time before whoever needs it would have to wait for a new one.
  const auto delay =
      std::chrono::duration_cast<std::chrono::milliseconds>(jwt->refresh_at - clock_.Steady() - spread * UnitRandom());
  TimerId& timer = ahead_[token.get()];
  transport_->executor().CancelTimer(std::exchange(timer, 0));
  if (delay.count() <= 0) return;
  timer = transport_->executor().After(delay, [this, token, issued = std::weak_ptr(jwt)] {
    ahead_.erase(token.get());
    // Idle tokens are left alone; so is one whose JWT was replaced or refused meanwhile.
    const auto present = token->jwt();
    if (present && present == issued.lock() && token->TakeUsed()) observer_->OnRefreshDue(token);
  });
}

Status TokenRefresher::WithoutSecrets(const Status& status, const Token& token) const {
  return Redacted(Redacted(status, token.credential().Reveal()), options_.api_key.Reveal());
}

void TokenRefresher::Remember(const Flight& flight) {
  Trouble& trouble = troubles_[flight.token.get()];
  trouble.token = flight.token;
  trouble.last = flight.failure->status.message();
  trouble.pause_until = clock_.Steady() + std::min(flight.pause, options_.longest_pause);
}

RefreshResult TokenRefresher::Refuse(const std::shared_ptr<Token>& token, const ExchangeFailure& failure) {
  Error error = failure.status.error();
  log_.Debug("Refresh failed: {}: {}", token->name(), error.message);
  error.token = token->name();
  RefreshResult result{nullptr, false, failure.outcome, Status(std::move(error))};
  const auto old = token->jwt();
  const SteadyTime now = clock_.Steady();
  if (failure.outcome != Outcome::kAuthDead && old && now < old->expires_at) {
    const auto delay = *troubles_[token.get()].delays.Next(UnitRandom());
    Jwt postponed = *old;
    postponed.refresh_at = std::min(now + delay, old->expires_at);
    result.jwt = std::make_shared<const Jwt>(std::move(postponed));
    token->PostponeRefresh(result.jwt);
    RefreshAhead(token, result.jwt, {});
  }
  return result;
}

void TokenRefresher::Land(const Token* key, const RefreshResult& result) {
  const auto node = flights_.extract(key);  // gone before anyone is told: the next Refresh() is a new exchange
  if (node.empty()) return;
  for (const auto& [ticket, callback] : node.mapped().waiters) {
    // One waiter may make another one forget its ticket.
    if (tickets_.erase(ticket) != 0) callback(result);
  }
}

}  // namespace warppool
