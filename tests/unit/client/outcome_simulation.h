// A client in a world of outcome_world.h: the library's own pool, refresher, wait queue, circuit breakers and
// acquisitions, with a scripted clock, exchange and agent.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "client/token_acquisition.h"
#include "unit/client/outcome_world.h"
#include "unit/fakes.h"

namespace warppool::internal::worlds {

// As FakeExecutor, for very many timers.
class SimExecutor final : public Executor {
 public:
  explicit SimExecutor(FakeClock* clock) : clock_(clock) {}

  bool Post(std::function<void()> task) override {
    After(std::chrono::milliseconds(0), std::move(task));
    return true;
  }
  TimerId After(std::chrono::milliseconds delay, std::function<void()> task) override {
    const TimerId id = ++last_;
    const auto place = timers_.emplace(std::make_pair(clock_->Steady() + delay, id), std::move(task)).first;
    places_.emplace(id, place);
    return id;
  }
  void CancelTimer(TimerId id) override {
    const auto found = places_.find(id);
    if (found == places_.end()) return;
    timers_.erase(found->second);
    places_.erase(found);
  }
  bool InThread() const override { return true; }

  void RunAll() {
    while (!timers_.empty()) {
      const auto first = timers_.begin();
      const auto task = std::move(first->second);
      if (first->first.first > clock_->Steady()) clock_->Advance(first->first.first - clock_->Steady());
      places_.erase(first->first.second);
      timers_.erase(first);
      task();
    }
  }

 private:
  using Timers = std::map<std::pair<SteadyTime, TimerId>, std::function<void()>>;

  FakeClock* const clock_;
  Timers timers_;
  std::unordered_map<TimerId, Timers::iterator> places_;
  TimerId last_ = 0;
};

inline std::chrono::milliseconds InMs(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

// What became of a request.
struct SimResult {
  SimRequest request;
  bool served = false;
  double took = 0;
  int attempts = 0;
  bool could_at_once = false;
  bool could_later = false;
  Code code = Code::kOk;
};

class Simulation final : public Transport, public ExchangeLock, private PoolListener {
 public:
  explicit Simulation(Story story, std::uint64_t seed) : world_(std::move(story.world)), random_(seed) {
    std::vector<TokenConfig> configs;
    const auto& tokens = world_.tokens();
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      constexpr Tier kTiers[] = {Tier::kPersonal, Tier::kShared, Tier::kAnonymous};
      const auto kind = tokens[i].api_key ? CredentialKind::kApiKey : CredentialKind::kRefreshToken;
      const std::string name = "t" + std::to_string(i);
      configs.push_back({Secret("fake-" + name), kTiers[tokens[i].tier], kind, name});
    }
    PoolOptions options;
    options.tier_order = {Tier::kPersonal, Tier::kShared, Tier::kAnonymous};
    options.health = {3, std::chrono::hours(1), std::chrono::minutes(1), std::chrono::hours(1)};
    pool_ = std::make_unique<TokenPool>(options, configs, clock_,
                                        PoolReporter(
                                            {}, [this](const PoolEvent& e) { OnPoolEvent(e); }, clock_));
    RefresherOptions refresher;
    refresher.endpoints = {{"https://exchange.example/token", "WARP_REFRESH_URL", false}};
    refresher.timeout = std::chrono::seconds(30);
    refresher.longest_pause = std::chrono::seconds(120);
    refresher.unit_random = [this] { return Random(); };
    refresher.exchange_lock = this;
    refresher_ = std::make_unique<TokenRefresher>(refresher, this, nullptr, clock_, Logger());
    queue_ = std::make_unique<WaitQueue>(pool_.get(), &executor_, clock_, [](const auto&) { return false; });
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i].api_key || tokens[i].jwt_until <= 0) continue;
      Jwt jwt = MakeJwt(Secret("fake-jwt"), std::chrono::hours(1), clock_.Steady(), clock_.Wall());
      jwt.expires_at = clock_.Steady() + InMs(tokens[i].jwt_until);
      jwt.refresh_at = jwt.expires_at;  // an exchange is needed then, and not just due before
      pool_->members().Find("t" + std::to_string(i))->SetJwt(std::make_shared<Jwt>(jwt));
    }
    for (const SimRequest& request : story.requests) {
      executor_.After(InMs(request.begins), [this, request] { Begin(request); });
    }
  }
  ~Simulation() override { requests_.clear(); }

  void Run() { executor_.RunAll(); }

  const std::vector<SimResult>& results() const { return results_; }
  World& world() { return world_; }
  // Healthy tokens that were disabled.
  const std::vector<std::string>& wrong() const { return wrong_; }
  // Failed attempts on each token.
  int wasted(std::size_t token) const { return token < wasted_.size() ? wasted_[token] : 0; }
  TokenPool& pool() { return *pool_; }

 private:
  class Request final : public TokenAcquisition::Owner {
   public:
    Request(Simulation* simulation, const SimRequest& request)
        : simulation_(simulation), acquisition_(&simulation->Services(request.patience), this) {
      result_.request = request;
    }

    void Start() {
      result_.could_at_once = simulation_->Could(result_.request, simulation_->Now());
      result_.could_later = simulation_->CouldLater(result_.request);
      const auto home = simulation_->homes_.find(result_.request.conversation);
      if (home != simulation_->homes_.end()) acquisition_.KeepTo(home->second);
      acquisition_.Start({});
    }

   private:
    void Use(const Bearer& bearer) override {
      ++result_.attempts;
      token_ = bearer.token;
      const std::size_t index = Index(*token_);
      const double now = simulation_->Now();
      const SimAnswer answer = simulation_->world_.Answer(index, now, result_.request.prompt, false);
      simulation_->executor_.After(std::chrono::milliseconds(400), [this, answer, index] {
        if (answer.said != Said::kOk) return Refuse(answer, index);
        result_.took = simulation_->Now() - result_.request.begins;
        simulation_->world_.Use(index, simulation_->Now());
        acquisition_.NoteServing();
        if (result_.request.conversation >= 0) simulation_->homes_[result_.request.conversation] = token_;
        simulation_->executor_.After(InMs(result_.request.length), [this] {
          acquisition_.Succeed();
          result_.served = true;
          Finish();
        });
      });
    }
    void Refuse(const SimAnswer& answer, std::size_t index) {
      simulation_->Waste(index);
      const WireAnswer wire = OnWire(answer, "");
      EndpointFacts facts;
      if (wire.error != TransferError::kNone) {
        return acquisition_.Fail(ReadTransferError({wire.error, "no connection"}, facts, false));
      }
      acquisition_.Fail(ReadRefusal(wire.head, {wire.body}, facts, simulation_->clock_.Wall()));
    }
    void OnAttemptFailed(const AttemptFailed& /*event*/) override {}
    void OnWaiting(const Waiting& /*event*/) override {}
    void OnNoneServes(const Status& why) override {
      result_.code = why.code();
      result_.took = simulation_->Now() - result_.request.begins;
      Finish();
    }
    void Finish() {
      simulation_->results_.push_back(result_);
      simulation_->executor_.Post([simulation = simulation_, self = this] { simulation->requests_.erase(self); });
    }

    Simulation* const simulation_;
    SimResult result_;
    std::shared_ptr<const Token> token_;
    TokenAcquisition acquisition_;
  };

  static std::size_t Index(const Token& token) { return std::stoul(token.name().substr(1)); }
  double Now() const { return std::chrono::duration<double>(clock_.Steady() - began_).count(); }
  double Random() { return std::uniform_real_distribution<double>(0, 1)(random_); }
  void Waste(std::size_t token) {
    if (wasted_.size() <= token) wasted_.resize(token + 1);
    ++wasted_[token];
  }

  void Begin(const SimRequest& request) {
    auto running = std::make_unique<Request>(this, request);
    Request* const self = running.get();
    requests_.emplace(self, std::move(running));
    self->Start();
  }

  const AcquisitionServices& Services(double patience) {
    const auto found = services_.find(patience);
    if (found != services_.end()) return found->second;
    AcquisitionServices services;
    services.pool = pool_.get();
    services.queue = queue_.get();
    services.refresher = refresher_.get();
    services.agent = &agent_;
    services.exchange = &exchange_;
    services.loop = &executor_;
    services.clock = &clock_;
    services.dates = &clock_;
    services.failover = {{}, std::chrono::seconds(120)};
    services.max_wait = InMs(patience);
    services.unit_random = [this] { return Random(); };
    services.drop_refused = [](const Bearer& bearer, const Status& /*why*/) {
      bearer.token->DropJwt(bearer.jwt->text.Reveal());
    };
    services.ask_quota = [](const Bearer& /*bearer*/) {};
    services.review_revoked = [] {};
    services.may_come = [](const TokenPool::Wanted& /*wanted*/) { return false; };
    return services_.emplace(patience, std::move(services)).first->second;
  }

  bool Could(const SimRequest& request, double when) {
    for (std::size_t i = 0; i < world_.tokens().size(); ++i) {
      const auto token = pool_->members().Find("t" + std::to_string(i));
      const auto jwt = token->jwt();
      const bool needs = token->kind() == CredentialKind::kRefreshToken &&
                         (!jwt || std::chrono::duration<double>(jwt->expires_at - began_).count() <= when);
      if (world_.Serves(i, when, request.prompt, needs)) return true;
    }
    return false;
  }
  bool CouldLater(const SimRequest& request) {
    const double last = Now() + request.patience * 0.7;
    for (const Outage& outage : world_.outages()) {
      if (Now() < outage.ends && outage.ends <= last && Could(request, outage.ends)) return true;
    }
    return Could(request, last);
  }

  void OnPoolEvent(const PoolEvent& event) {
    if (event.kind != PoolEventKind::kDisabled) return;
    const SimToken& t = world_.tokens()[std::stoul(std::string(event.token.substr(1)))];
    if (IsOfAccount(t.condition) && t.begins <= Now() && Now() < t.ends + 180) return;
    std::string why = "later";
    for (const Outage& outage : world_.outages()) {
      if (outage.begins <= Now() && Now() < outage.ends + 60) why = outage.kind->name;
    }
    wrong_.push_back(why);
  }

  // PoolListener
  void OnFreed() override {
    if (std::exchange(to_serve_, true)) return;
    executor_.Post([this] {
      to_serve_ = false;
      queue_->Serve();
    });
  }
  void OnGone(const std::shared_ptr<Token>& /*token*/) override {}
  bool keeps_records() const override { return false; }
  void OnUnsaved(bool /*urgent*/) override {}

  // Transport: only exchanges come here.
  Executor& executor() override { return executor_; }
  TransferId Start(HttpRequest request, HttpHandler* handler) override {
    const std::size_t at = request.body.find("fake-t");
    const std::size_t index = std::stoul(request.body.substr(at + 6));
    const SimAnswer answer = world_.Answer(index, Now(), 0, true);
    if (answer.said != Said::kOk) Waste(index);
    const TransferId id = ++last_transfer_;
    transfers_[id] = executor_.After(std::chrono::milliseconds(200), [this, id, answer, handler] {
      transfers_.erase(id);
      const WireAnswer wire = OnWire(answer, R"({"id_token": "fake-jwt", "expires_in": 3600})");
      if (wire.error == TransferError::kNone) {
        handler->OnHead(wire.head);
        if (!wire.body.empty()) handler->OnBody(wire.body);
      }
      handler->OnDone({wire.error, "no connection"});
    });
    return id;
  }
  void Cancel(TransferId id) noexcept override {
    const auto found = transfers_.find(id);
    if (found == transfers_.end()) return;
    executor_.CancelTimer(found->second);
    transfers_.erase(found);
  }
  void Pause(TransferId /*id*/) override {}
  void Resume(TransferId /*id*/) override {}

  // ExchangeLock: another process has a token for a while, and is given up after 5 s.
  void Acquire(const std::shared_ptr<Token>& token, Admitted done) override {
    const SimToken& t = world_.tokens()[Index(*token)];
    const bool held = t.held_from <= Now() && Now() < t.held_until;
    executor_.After(InMs(held ? std::min(5.0, t.held_until - Now()) : 0),
                    [done = std::move(done), sent = token->credential()] {
                      ExchangeAdmission admission;
                      admission.credential = sent;
                      done(admission);
                    });
  }
  void Keep(const std::shared_ptr<Token>& /*token*/, const Secret& /*sent*/, const Issuance& /*issued*/,
            std::function<void()> done) override {
    executor_.Post(std::move(done));
  }
  void Judge(const std::shared_ptr<Token>& /*token*/, const Secret& /*sent*/, Admitted done) override {
    executor_.Post([done = std::move(done)] {
      ExchangeAdmission admission;
      admission.kind = ExchangeAdmission::Kind::kRevoked;
      done(admission);
    });
  }
  void Release(const std::shared_ptr<Token>& /*token*/) override {}

  FakeClock clock_;
  const SteadyTime began_ = clock_.Steady();
  SimExecutor executor_{&clock_};
  World world_;
  std::mt19937_64 random_;
  CircuitBreaker agent_{&executor_, clock_};
  CircuitBreaker exchange_{&executor_, clock_};
  std::unique_ptr<TokenPool> pool_;
  std::unique_ptr<TokenRefresher> refresher_;
  std::unique_ptr<WaitQueue> queue_;
  bool to_serve_ = false;
  std::map<double, AcquisitionServices> services_;
  std::map<int, std::shared_ptr<const Token>> homes_;
  std::unordered_map<Request*, std::unique_ptr<Request>> requests_;
  std::unordered_map<TransferId, TimerId> transfers_;
  TransferId last_transfer_ = 0;
  std::vector<SimResult> results_;
  std::vector<std::string> wrong_;
  std::vector<int> wasted_;
};

}  // namespace warppool::internal::worlds
