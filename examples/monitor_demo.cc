#include "monitor_demo.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

namespace monitor {

using loopback::Behaviour;
using loopback::Endpoint;
using std::chrono::milliseconds;
using std::chrono::seconds;
using warppool::PoolEventKind;
using warppool::Tier;

namespace {

constexpr const char* kCredential = "demo-token-";  // and the name

constexpr int kAnswersOfExpiring = 3;
constexpr int kSmallQuota = 10;
constexpr seconds kQuotaPeriod{15};
constexpr int kHiccups = 4;  // fewer than one request tries before it gives up
constexpr int kThreads = 6;
constexpr int kRequestsBetweenChecks = 8;

// Fast enough to see much in a minute, slow enough to follow.
constexpr milliseconds kPause{700};
constexpr milliseconds kRecoveryDelay{4000};

bool IsOf(const std::string& token, std::string_view name) {
  return token.compare(0, std::string_view(kCredential).size() + name.size(), kCredential + std::string(name)) == 0;
}

Behaviour Answer(int speed) {
  return loopback::Ok().Delay(milliseconds(120) / speed).Chunks(4).Gap(milliseconds(20) / speed);
}

}  // namespace

// ------------------------------------------------------------------------------------------------------ DemoScript --

std::optional<Behaviour> DemoScript::Decide(Endpoint endpoint, const std::string& token, WallTime now) {
  const std::lock_guard lock(mutex_);
  if (endpoint == Endpoint::kAgent) return AskAgent(token, now);
  if (endpoint != Endpoint::kExchange) return std::nullopt;
  if (IsOf(token, "expires") && answers_of_expiring_ > kAnswersOfExpiring) return loopback::Dead("TOKEN_EXPIRED");
  if (IsOf(token, "rotates") && act_ == Act::kRotation && asked_of_rotating_ > 1) {
    act_ = Act::kHiccup;
    return loopback::Ok().RotateTo(kCredential + std::string("rotates-") + std::to_string(++rotations_));
  }
  return std::nullopt;
}

Behaviour DemoScript::AskAgent(const std::string& token, WallTime now) {
  if (act_ == Act::kHiccup) {
    if (++hiccups_ == kHiccups) act_ = Act::kRecovery;
    return loopback::Overloaded();
  }
  if (IsOf(token, "expires")) {
    return ++answers_of_expiring_ > kAnswersOfExpiring ? loopback::Status(401) : Answer(speed_);
  }
  if (IsOf(token, "small-quota")) return AskSmallQuota(now);
  if (IsOf(token, "refused")) return AskRefused();
  if (IsOf(token, "rotates") && act_ == Act::kRotation && ++asked_of_rotating_ == 2) return loopback::Status(401);
  if (IsOf(token, "slow")) {
    return loopback::Ok().Delay(milliseconds(900) / speed_).Chunks(6).Gap(milliseconds(250) / speed_);
  }
  return Answer(speed_);
}

Behaviour DemoScript::AskSmallQuota(WallTime now) {
  // The client rounds in another way, and must not be refused for a millisecond.
  if (quota_used_ == kSmallQuota && quota_back_ != WallTime() && now + milliseconds(500) >= quota_back_) {
    quota_used_ = 0;
    quota_back_ = {};
  }
  if (quota_used_ < kSmallQuota) {
    ++quota_used_;
    return Answer(speed_);
  }
  // The account endpoint tells whole seconds; two of them are more than one from now.
  if (quota_back_ == WallTime())
    quota_back_ = std::chrono::floor<seconds>(now) + std::max(kQuotaPeriod / speed_, seconds(2));
  if (act_ == Act::kQuiet) act_ = Act::kRefusals;
  return loopback::Quota();
}

Behaviour DemoScript::AskRefused() const {
  const bool works = act_ == Act::kQuiet || (act_ == Act::kRefusals && checking_);
  if (works) return Answer(speed_);
  // Whoever tries it again takes long enough for the half-open state to be seen.
  const auto delay = milliseconds(act_ == Act::kRefusals ? 120 : 1200) / speed_;
  if (act_ == Act::kRecovery && probe_failed_) return Answer(speed_).Delay(delay);
  return loopback::Status(403, R"({"error":"this account may not do that now"})").Delay(delay);
}

void DemoScript::OnEvent(const warppool::PoolEvent& event) {
  if (event.token != "refused") return;
  const std::lock_guard lock(mutex_);
  if (event.kind == PoolEventKind::kDisabled && act_ == Act::kRefusals) {
    act_ = Act::kRotation;
    probe_failed_ = false;
    asked_of_rotating_ = 0;
    hiccups_ = 0;
  } else if (event.kind == PoolEventKind::kDisabled) {
    probe_failed_ = true;
  }
  if (event.kind == PoolEventKind::kRecovered && act_ == Act::kRecovery) act_ = Act::kQuiet;
}

loopback::AccountQuota DemoScript::SmallQuota(WallTime now) {
  const std::lock_guard lock(mutex_);
  loopback::AccountQuota quota{.limit = kSmallQuota, .used = quota_used_};
  if (quota_back_ == WallTime()) return quota;
  quota.next_refresh = quota_back_;
  if (now >= quota_back_) quota = {.limit = kSmallQuota, .used = 0};
  return quota;
}

bool DemoScript::BeginCheck() {
  const std::lock_guard lock(mutex_);
  if (act_ != Act::kQuiet || checking_) return false;
  checking_ = true;
  return true;
}

void DemoScript::EndCheck() {
  const std::lock_guard lock(mutex_);
  checking_ = false;
}

// ----------------------------------------------------------------------------------------------- service, traffic --

DemoService::DemoService(int speed) : speed_(speed), script_(speed), service_({.keep_requests = false}) {
  const auto credential = [](const char* name) { return kCredential + std::string(name); };
  for (const char* name : {"expires", "refused", "small-quota", "steady", "rotates"}) service_.Accept(credential(name));
  service_.SetQuota(credential("slow"), {.limit = 2500});
  service_.SetQuota(credential("last-resort"), {.unlimited = true});
  service_.Decide([this](Endpoint endpoint, const std::string& token) {
    const auto now = std::chrono::system_clock::now();
    if (endpoint == Endpoint::kAccount && IsOf(token, "small-quota")) {
      service_.SetQuota(token, script_.SmallQuota(now));
    }
    return script_.Decide(endpoint, token, now);
  });
}

warppool::Config DemoService::MakeConfig() const {
  warppool::Config config;
  const auto add = [&](Tier tier, std::initializer_list<const char*> names) {
    for (const char* name : names) {
      warppool::TokenConfig token;
      token.credential = warppool::Secret(kCredential + std::string(name));
      token.tier = tier;
      token.name = name;
      config.tokens.push_back(std::move(token));
    }
  };
  add(Tier::kPersonal, {"expires", "refused", "small-quota"});
  add(Tier::kShared, {"steady", "slow", "rotates"});
  add(Tier::kAnonymous, {"last-resort"});
  config.server_url = service_.url();
  config.recovery_delay = kRecoveryDelay / speed_;
  return config;
}

DemoTraffic::DemoTraffic(warppool::Client* client, DemoScript* script, int speed)
    : client_(client), script_(script), asked_(kRequestsBetweenChecks) {
  for (int i = 0; i < kThreads; ++i) {
    // Not all of them in step.
    threads_.emplace_back([this, pause = (kPause + i * milliseconds(90)) / speed] { Run(pause); });
  }
}

DemoTraffic::~DemoTraffic() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  (void)client_->Close(milliseconds(0));  // whoever waits for an answer is told
  for (std::thread& thread : threads_) thread.join();
}

void DemoTraffic::Run(milliseconds pause) {
  for (;;) {
    if (asked_++ >= kRequestsBetweenChecks) CheckQuotas();
    (void)client_->Ask(warppool::Request("What is the capital of France?"));
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, pause, [this] { return stopped_; })) return;
  }
}

void DemoTraffic::CheckQuotas() {
  if (!script_->BeginCheck()) return;  // soon
  asked_ = 0;
  warppool::HealthCheckOptions active;
  active.active = true;
  active.timeout = seconds(5);
  (void)client_->CheckHealth(active);
  script_->EndCheck();
}

}  // namespace monitor
