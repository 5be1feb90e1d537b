#include "ledger.h"

#include <algorithm>
#include <utility>

#include "encoding.h"

namespace loopback {

using warppool::MutexLock;

void Ledger::Accept(const std::string& token) {
  AcceptAs(token, "");
}

void Ledger::AcceptAs(const std::string& token, const std::string& user_id) {
  MutexLock lock(&mutex_);
  secrets_.insert(token);
  Known& known = tokens_[token];
  known.replaced = false;
  if (!known.login) known.login = NewLogin(user_id);
  if (!user_id.empty()) known.login->user_id = user_id;
}

void Ledger::AcceptApiKey(const std::string& key) {
  MutexLock lock(&mutex_);
  secrets_.insert(key);
  auto& login = api_keys_[key];
  if (!login) login = NewLogin("");
}

void Ledger::Introduce(const std::string& token, bool is_api_key) {
  {
    MutexLock lock(&mutex_);
    if (FindLogin(token)) return;
  }
  is_api_key ? AcceptApiKey(token) : Accept(token);
}

void Ledger::AddScript(const std::optional<std::string>& token, Endpoint endpoint, Behaviour behaviour) {
  const bool is_exchange = endpoint == Endpoint::kExchange;
  MutexLock lock(&mutex_);
  if (behaviour.rotate_to) secrets_.insert(*behaviour.rotate_to);
  if (!token) {
    (is_exchange ? any_exchange_ : any_agent_).Add(std::move(behaviour));
  } else if (const auto login = FindLogin(*token)) {
    (is_exchange ? login->exchange : login->agent).Add(std::move(behaviour));
  }
}

void Ledger::RequireKey(const std::string& key) {
  MutexLock lock(&mutex_);
  secrets_.insert(key);
  required_key_ = key;
}

void Ledger::ExpireJwts() {
  const auto now = std::chrono::steady_clock::now();
  MutexLock lock(&mutex_);
  for (auto& [bytes, jwt] : jwts_) jwt.end = std::min(jwt.end, now);
}

std::optional<std::string> Ledger::required_key() const {
  MutexLock lock(&mutex_);
  return required_key_;
}

Ledger::Exchange Ledger::ExchangeToken(const std::string& token) {
  MutexLock lock(&mutex_);
  secrets_.insert(token);
  const auto found = tokens_.find(token);
  if (found == tokens_.end()) return {.refusal = "INVALID_REFRESH_TOKEN"};
  if (found->second.replaced) return {.refusal = "TOKEN_EXPIRED"};
  const auto login = found->second.login;

  Exchange exchange;
  exchange.behaviour = Next(&login->exchange, &any_exchange_);
  if (exchange.behaviour.kind != Behaviour::Kind::kOk) return exchange;
  exchange.user_id = login->user_id;
  exchange.refresh_token = exchange.behaviour.rotate_to.value_or(token);
  if (exchange.refresh_token != token) {
    found->second.replaced = true;
    tokens_[exchange.refresh_token] = Known{login};
    secrets_.insert(exchange.refresh_token);
  }
  exchange.jwt = IssueJwt(token, login, exchange.behaviour.jwt_life);
  return exchange;
}

Ledger::Bearer Ledger::CheckBearer(const std::string& bearer) {
  const auto now = std::chrono::steady_clock::now();
  MutexLock lock(&mutex_);
  secrets_.insert(bearer);
  if (api_keys_.count(bearer) != 0) return {.accepted = true, .token = bearer};
  if (tokens_.count(bearer) != 0) return {.is_refresh_token = true, .token = bearer};
  const auto jwt = jwts_.find(bearer);
  if (jwt == jwts_.end()) return {};
  return {.accepted = now < jwt->second.end, .token = jwt->second.token};
}

Behaviour Ledger::NextAgentBehaviour(const std::string& token) {
  MutexLock lock(&mutex_);
  const auto login = FindLogin(token);
  return login ? Next(&login->agent, &any_agent_) : Ok();
}

void Ledger::AddSecret(const std::string& secret) {
  MutexLock lock(&mutex_);
  secrets_.insert(secret);
}

std::vector<std::string> Ledger::Secrets() const {
  MutexLock lock(&mutex_);
  return {secrets_.begin(), secrets_.end()};
}

std::shared_ptr<Ledger::Login> Ledger::NewLogin(std::string user_id) {
  auto login = std::make_shared<Login>();
  login->user_id = user_id.empty() ? "user-" + std::to_string(++users_) : std::move(user_id);
  return login;
}

std::string Ledger::IssueJwt(const std::string& token, const std::shared_ptr<Login>& login, std::chrono::seconds life) {
  using std::chrono::duration_cast;
  using std::chrono::seconds;
  const auto serial = std::to_string(NextSerial());
  const auto issued = duration_cast<seconds>(std::chrono::system_clock::now().time_since_epoch());
  const std::string payload = R"({"iss":"loopback","sub":)" + JsonString(login->user_id) + R"(,"user_id":)" +
                              JsonString(login->user_id) + R"(,"iat":)" + std::to_string(issued.count()) +
                              R"(,"exp":)" + std::to_string((issued + life).count()) + R"(,"serial":)" + serial + "}";
  std::string jwt = EncodeBase64Url(R"({"alg":"RS256","kid":"loopback","typ":"JWT"})", false) + "." +
                    EncodeBase64Url(payload, false) + "." +
                    EncodeBase64Url("nobody verifies this signature, number " + serial, false);
  jwts_[jwt] = Jwt{token, login, std::chrono::steady_clock::now() + life};
  secrets_.insert(jwt);
  return jwt;
}

Behaviour Ledger::Next(ScriptQueue* own, ScriptQueue* any) {
  if (auto behaviour = own->Next()) return *std::move(behaviour);
  if (auto behaviour = any->Next()) return *std::move(behaviour);
  return Ok();
}

std::shared_ptr<Ledger::Login> Ledger::FindLogin(const std::string& token) const {
  if (const auto found = tokens_.find(token); found != tokens_.end()) return found->second.login;
  if (const auto found = api_keys_.find(token); found != api_keys_.end()) return found->second;
  return nullptr;
}

}  // namespace loopback
