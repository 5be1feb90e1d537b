#include "ledger.h"

#include <algorithm>
#include <utility>

#include "encoding.h"

namespace loopback {

using warppool::internal::MutexLock;

namespace {

// Enough for any client that works: it uses the newest, and for a while, on requests under way, the one before.
constexpr std::size_t kKept = 8;

constexpr auto kDay = std::chrono::hours(24);
constexpr auto kRefreshesAfter = 30 * kDay;
// Not the same: a client that takes one date for the other is found out.
constexpr auto kBonusEndsAfter = 365 * kDay;

std::size_t IndexOf(Endpoint endpoint) {
  return static_cast<std::size_t>(endpoint);
}

bool IsAnswer(const Behaviour& behaviour) {
  return behaviour.kind == Behaviour::Kind::kOk || behaviour.kind == Behaviour::Kind::kFinish;
}

}  // namespace

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
  MutexLock lock(&mutex_);
  if (behaviour.rotate_to) secrets_.insert(*behaviour.rotate_to);
  if (!token) {
    any_scripts_[IndexOf(endpoint)].Add(std::move(behaviour));
  } else if (const auto login = FindLogin(*token)) {
    login->scripts[IndexOf(endpoint)].Add(std::move(behaviour));
  }
}

void Ledger::SetDecision(Service::Decision decide) {
  auto shared = decide ? std::make_shared<const Service::Decision>(std::move(decide)) : nullptr;
  MutexLock lock(&mutex_);
  decide_ = std::move(shared);
}

void Ledger::SetQuota(const std::string& token, AccountQuota quota) {
  MutexLock lock(&mutex_);
  if (const auto login = FindLogin(token)) accounts_[login->user_id].quota = quota;
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
  {
    MutexLock lock(&mutex_);
    Note(token);
    if (auto refusal = Refusal(token); !refusal.empty()) return {.refusal = std::move(refusal)};
  }
  auto decided = Decide(Endpoint::kExchange, token);

  MutexLock lock(&mutex_);
  // Again: another exchange may have replaced it meanwhile.
  if (auto refusal = Refusal(token); !refusal.empty()) return {.refusal = std::move(refusal)};
  const auto login = tokens_[token].login;
  Exchange exchange;
  exchange.behaviour = decided ? *std::move(decided) : Next(Endpoint::kExchange, login.get());
  if (exchange.behaviour.kind != Behaviour::Kind::kOk) return exchange;
  exchange.user_id = login->user_id;
  exchange.refresh_token = exchange.behaviour.rotate_to.value_or(token);
  if (exchange.refresh_token != token) Replace(token, exchange.refresh_token);
  exchange.jwt = IssueJwt(token, login, exchange.behaviour.jwt_life);
  return exchange;
}

Ledger::Bearer Ledger::CheckBearer(const std::string& bearer) {
  const auto now = std::chrono::steady_clock::now();
  MutexLock lock(&mutex_);
  Note(bearer);
  if (api_keys_.count(bearer) != 0) return {.accepted = true, .token = bearer};
  if (tokens_.count(bearer) != 0) return {.is_refresh_token = true, .token = bearer};
  const auto jwt = jwts_.find(bearer);
  if (jwt == jwts_.end()) return {};
  return {.accepted = now < jwt->second.end, .token = jwt->second.token};
}

Behaviour Ledger::NextBehaviour(Endpoint endpoint, const std::string& token) {
  auto decided = Decide(endpoint, token);
  MutexLock lock(&mutex_);
  const auto login = FindLogin(token);
  if (!login) return decided.value_or(Ok());
  Behaviour behaviour = decided ? *std::move(decided) : Next(endpoint, login.get());
  if (endpoint == Endpoint::kAgent && IsAnswer(behaviour)) ++accounts_[login->user_id].answers;
  return behaviour;
}

std::string Ledger::AccountOf(const std::string& token) const {
  MutexLock lock(&mutex_);
  const auto login = FindLogin(token);
  return login ? login->user_id : "";
}

Ledger::QuotaNow Ledger::QuotaOf(const std::string& token) const {
  MutexLock lock(&mutex_);
  const auto login = FindLogin(token);
  const auto found = login ? accounts_.find(login->user_id) : accounts_.end();
  const Account account = found == accounts_.end() ? Account() : found->second;
  return {.unlimited = account.quota.unlimited,
          .limit = account.quota.limit,
          .used = account.quota.used.value_or(account.answers),
          .next_refresh = account.quota.next_refresh.value_or(begun_ + kRefreshesAfter),
          .bonus = account.quota.bonus,
          .bonus_end = begun_ + kBonusEndsAfter};
}

void Ledger::AddSecret(const std::string& secret) {
  MutexLock lock(&mutex_);
  Note(secret);
}

std::vector<std::string> Ledger::Secrets() const {
  MutexLock lock(&mutex_);
  std::set<std::string> all = secrets_;
  for (const auto& [token, known] : tokens_) all.insert(token);
  for (const auto& [bytes, jwt] : jwts_) all.insert(bytes);
  return {all.begin(), all.end()};
}

std::optional<Behaviour> Ledger::Decide(Endpoint endpoint, const std::string& token) const {
  std::shared_ptr<const Service::Decision> decide;
  {
    MutexLock lock(&mutex_);
    decide = decide_;
  }
  return decide ? (*decide)(endpoint, token) : std::nullopt;
}

std::shared_ptr<Ledger::Login> Ledger::NewLogin(std::string user_id) {
  auto login = std::make_shared<Login>();
  login->user_id = user_id.empty() ? "user-" + std::to_string(++users_) : std::move(user_id);
  return login;
}

std::string Ledger::Refusal(const std::string& token) const {
  const auto found = tokens_.find(token);
  if (found == tokens_.end()) return "INVALID_REFRESH_TOKEN";
  return found->second.replaced ? "TOKEN_EXPIRED" : "";
}

void Ledger::Replace(const std::string& token, const std::string& by) {
  const auto login = tokens_[token].login;
  tokens_[token].replaced = true;
  tokens_[by] = Known{login};
  Note(by);
  if (keep_all_) return;
  auto& replaced = login->replaced;
  replaced.erase(std::remove(replaced.begin(), replaced.end(), by), replaced.end());
  replaced.push_back(token);
  if (replaced.size() <= kKept) return;
  // Unless it was accepted again.
  const auto oldest = tokens_.find(replaced.front());
  if (oldest != tokens_.end() && oldest->second.replaced) tokens_.erase(oldest);
  replaced.pop_front();
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
  Note(jwt);
  if (keep_all_) return jwt;
  login->jwts.push_back(jwt);
  if (login->jwts.size() > kKept) {
    jwts_.erase(login->jwts.front());
    login->jwts.pop_front();
  }
  return jwt;
}

Behaviour Ledger::Next(Endpoint endpoint, Login* login) {
  if (auto behaviour = login->scripts[IndexOf(endpoint)].Next()) return *std::move(behaviour);
  if (auto behaviour = any_scripts_[IndexOf(endpoint)].Next()) return *std::move(behaviour);
  return Ok();
}

std::shared_ptr<Ledger::Login> Ledger::FindLogin(const std::string& token) const {
  if (const auto found = tokens_.find(token); found != tokens_.end()) return found->second.login;
  if (const auto found = api_keys_.find(token); found != api_keys_.end()) return found->second;
  return nullptr;
}

void Ledger::Note(const std::string& secret) {
  if (keep_all_) secrets_.insert(secret);
}

}  // namespace loopback
