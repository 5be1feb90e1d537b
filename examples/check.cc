// Checks your own configuration against the service that it names: do the tokens load, come in the right order, take
// turns, get their JWTs, have quota left? And, with stand-ins: is a token that fails left out, and does it come back?
//
//   check [--env FILE]
//
// Only token exchanges and quota queries are sent. The agent is asked nothing, so nothing is charged.
#include <warppool/client.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "loopback.h"

namespace {

using std::chrono::milliseconds;

constexpr const char* kHelp =
    "usage: check [--env FILE]\n"
    "\n"
    "Checks a configuration against the service that it names: initialisation, priority, rotation, refresh of each\n"
    "token, health, failure and recovery. It sends token exchanges and quota queries; the agent is asked nothing, so\n"
    "it costs no credits. Failure and recovery are rehearsed on this machine, with stand-ins for the tokens.\n"
    "\n"
    "  --env FILE  read this file beside the environment; default: .env in the current folder, if there is one\n"
    "  --help      this text\n"
    "\n"
    "Exit code: 0 all is well, 1 a check failed, 2 the configuration cannot be loaded.\n";

constexpr milliseconds kPatience{60'000};  // for one bearer

// What a check came to.
struct Finding {
  bool ok = false;
  std::string summary;
  std::vector<std::string> details{};
};

// Tokens that failed, and why; told by the pool in whatever thread.
class Failures {
 public:
  void Note(const warppool::PoolEvent& event) {
    const std::lock_guard lock(mutex_);
    if (event.kind == warppool::PoolEventKind::kAttemptFailed)
      failed_[std::string(event.token)] = std::string(event.reason);
    if (event.kind == warppool::PoolEventKind::kRotated) rotated_.insert(std::string(event.token));
  }
  std::map<std::string, std::string> failed() const {
    const std::lock_guard lock(mutex_);
    return failed_;
  }
  std::set<std::string> rotated() const {
    const std::lock_guard lock(mutex_);
    return rotated_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> failed_;  // name: the last reason
  std::set<std::string> rotated_;
};

std::string Join(const std::vector<std::string>& parts, const char* between) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : between) + part;
  return text;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string Count(std::size_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

// Those that would be tried, in that order.
std::vector<warppool::TokenExplanation> Turns(const warppool::Client& client) {
  std::vector<warppool::TokenExplanation> turns;
  for (auto& token : client.Explain()) {
    if (token.turn > 0) turns.push_back(std::move(token));
  }
  std::sort(turns.begin(), turns.end(), [](const auto& a, const auto& b) { return a.turn < b.turn; });
  return turns;
}

Finding CheckInitialisation(const warppool::Config& config, const warppool::Client& client,
                            std::vector<std::string> loaded) {
  const warppool::PoolStatus pool = client.Pool();
  const auto size = static_cast<std::size_t>(pool.Active());
  Finding finding{size > 0 && size == pool.tokens.size(), pool.Summary(), std::move(loaded)};
  if (pool.tokens.size() < config.tokens.size()) {
    const std::size_t unused = config.tokens.size() - pool.tokens.size();
    finding.details.push_back(Count(unused, "token") + " not used: WARP_TIER_ORDER leaves out their tier");
  }
  return finding;
}

Finding CheckPriority(const warppool::Config& config, const warppool::Client& client) {
  const auto place = [&](warppool::Tier tier) {
    return std::find(config.tier_order.begin(), config.tier_order.end(), tier) - config.tier_order.begin();
  };
  const auto turns = Turns(client);
  Finding finding;
  finding.ok = turns.size() == client.Pool().tokens.size() &&
               std::is_sorted(turns.begin(), turns.end(),
                              [&](const auto& a, const auto& b) { return place(a.tier) < place(b.tier); });
  std::vector<std::string> tiers;
  for (const auto& token : turns) {
    const std::string tier = warppool::TierName(token.tier);
    if (tiers.empty() || tiers.back() != tier) tiers.push_back(tier);
    finding.details.push_back(std::to_string(token.turn) + ". " + token.name + ": " + token.reason);
  }
  finding.summary = Join(tiers, ", then ");
  return finding;
}

// Asks for as many bearers as the first tier has tokens.
Finding CheckRotation(const warppool::Config& config, warppool::Client* client, const Failures& failures) {
  std::vector<warppool::TokenExplanation> tier = Turns(*client);
  if (tier.empty()) return {false, "no token is ready"};
  const std::string tier_name = warppool::TierName(tier.front().tier);
  tier.erase(std::remove_if(tier.begin(), tier.end(), [&](const auto& t) { return t.tier != tier.front().tier; }),
             tier.end());

  std::vector<std::string> came;
  for (std::size_t i = 0; i < tier.size(); ++i) {
    const auto bearer = client->AccessToken(kPatience);
    if (!bearer.ok()) return {false, "no bearer to be had", Lines(bearer.status().ToString())};
    came.push_back(bearer->token);
  }

  // One that failed may have come all the same, at another time: it is not counted.
  const auto failed = failures.failed();
  std::vector<std::string> working;
  Finding finding;
  for (const auto& token : tier) {
    const auto failure = failed.find(token.name);
    if (failure == failed.end()) {
      working.push_back(token.name);
    } else {
      finding.details.push_back(token.name + " failed: " + failure->second);
    }
  }
  if (working.empty()) {
    finding.summary = "no token of the first tier, " + tier_name + ", works; " + came.front() + " serves instead";
    return finding;
  }
  finding.summary = warppool::StrategyName(config.strategy) + (" in " + tier_name) + ": " + Join(came, ", ");
  came.erase(std::remove_if(came.begin(), came.end(), [&](const auto& name) { return failed.count(name) > 0; }),
             came.end());
  finding.ok = !came.empty();
  for (std::size_t i = 0; i < came.size(); ++i) {
    const bool first_only = config.strategy == warppool::Strategy::kFillFirst;
    const std::string& expected = working[first_only ? 0 : i % working.size()];
    if (came[i] == expected) continue;
    finding.ok = false;
    finding.details.push_back(came[i] + " came where it was the turn of " + expected);
  }
  return finding;
}

Finding CheckRefresh(const warppool::PoolStatus& before, const warppool::HealthReport& report) {
  Finding finding{true, {}};
  std::size_t refreshed = 0;
  std::size_t keys = 0;
  for (std::size_t i = 0; i < report.tokens.size(); ++i) {
    const warppool::TokenHealthResult& result = report.tokens[i];
    const warppool::TokenStatus& token = result.token;
    if (token.kind == warppool::CredentialKind::kApiKey) {
      ++keys;
      finding.details.push_back(token.name + ": an API key, which is sent as it is");
    } else if (token.refreshes > before.tokens[i].refreshes && token.jwt_expires) {
      ++refreshed;
      const auto life = *token.jwt_expires - std::chrono::system_clock::now();
      const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(life + std::chrono::seconds(30));
      finding.details.push_back(token.name + ": refreshed, the JWT is valid for " + std::to_string(minutes.count()) +
                                " min");
    } else {
      finding.ok = false;
      finding.details.push_back("FAIL " + token.name + ": " + result.problem.message());
    }
  }
  finding.summary = std::to_string(refreshed) + " of " + Count(report.tokens.size() - keys, "token") + " refreshed";
  if (keys > 0) finding.summary += ", " + Count(keys, "API key");
  return finding;
}

Finding CheckHealth(const warppool::HealthReport& report, const Failures& failures) {
  const auto healthy = static_cast<std::size_t>(report.Healthy());
  Finding finding{healthy == report.tokens.size(),
                  std::to_string(healthy) + " of " + Count(report.tokens.size(), "token") + " healthy",
                  Lines(report.ToString())};
  std::size_t spent = 0;
  for (const warppool::TokenHealthResult& result : report.tokens) {
    const auto& quota = result.token.quota;
    if (!quota || quota->unlimited || quota->Remaining() > 0) continue;
    ++spent;
    finding.details.push_back("note: nothing is left of the quota of " + result.token.name);
  }
  if (spent == report.tokens.size()) {
    finding.ok = false;
    finding.summary += ", but none has anything left of its quota";
  }
  for (const std::string& name : failures.rotated()) {
    finding.details.push_back("note: the service replaced the refresh token of " + name +
                              "; if the old one is refused from now on, log in again");
  }
  return finding;
}

// -------------------------------------------------------------------------------------------- failure and recovery --

// The user's settings, with stand-ins instead of the tokens, and a service in this process that knows them.
class Rehearsal {
 public:
  explicit Rehearsal(warppool::Config config) {
    for (std::size_t i = 0; i < config.tokens.size(); ++i) {
      warppool::TokenConfig& token = config.tokens[i];
      const std::string number = std::to_string(i + 1);
      token.credential = warppool::Secret("stand-in-credential-" + number);
      token.kind = warppool::CredentialKind::kRefreshToken;
      token.name = "STAND-IN-" + number;
      credentials_[token.name] = "stand-in-credential-" + number;
      service_.Accept(credentials_[token.name]);
    }
    config.server_url = service_.url();
    config.refresh_url.clear();
    config.securetoken_url.clear();
    config.firebase_api_key = warppool::Secret();
    max_failures_ = config.max_failures;
    config.max_failures = 1;  // between two failures a token rests for 5 s, for which nobody is to wait here
    recovery_delay_ = config.recovery_delay;
    auto client = warppool::Client::Create(std::move(config));
    if (client.ok()) {
      client_ = *std::move(client);
    } else {
      problem_ = client.status().ToString();
    }
  }

  Finding Run() {
    if (!client_) return {false, problem_};
    const auto turns = Turns(*client_);
    if (turns.empty()) return {false, "no stand-in is ready"};
    first_ = turns.front().name;
    has_others_ = turns.size() > 1;
    service_.On(credentials_[first_]).Agent(loopback::Status(403).Times(1));
    Finding finding{true, "rehearsed on this machine with " + Count(turns.size(), "stand-in") + " for your tokens", {}};
    for (const auto step : {&Rehearsal::Fail, &Rehearsal::LeaveOut, &Rehearsal::Recover}) {
      const auto [ok, words] = (this->*step)(turns.size());
      finding.details.push_back((ok ? "" : "FAIL ") + words);
      if (ok) continue;
      finding.ok = false;
      break;
    }
    return finding;
  }

 private:
  using Step = std::pair<bool, std::string>;

  // The first stand-in is refused. If another one serves, that is a failure, and the request does not fail for it.
  Step Fail(std::size_t /*size*/) {
    const auto answer = Ask();
    if (answer.ok() != has_others_) return {false, "a request came to: " + answer.status.ToString()};
    const warppool::TokenState state = StateOf(first_);
    if (!has_others_) {
      if (state != warppool::TokenState::kResting) return {false, first_ + " does not rest, though it was refused"};
      return {true,
              first_ + " was refused, and rests; there is no other token to go on with, or to show whose fault it is"};
    }
    if (state != warppool::TokenState::kDisabled) return {false, first_ + " is not disabled, though it fails"};
    return {true, first_ + " was refused, but the request did not fail: " + answer.token +
                      " served it. That is a failure of " + first_ + "; " +
                      Count(static_cast<std::size_t>(max_failures_), "failure") +
                      " in a row would disable it, here the first one does"};
  }

  // It is left alone then.
  Step LeaveOut(std::size_t /*size*/) {
    const int before = service_.Count("/ai/multi-agent", credentials_[first_]);
    const auto answer = Ask();
    if (answer.ok() != has_others_) return {false, "a request came to: " + answer.status.ToString()};
    const bool left_alone = service_.Count("/ai/multi-agent", credentials_[first_]) == before;
    if (!left_alone) return {false, first_ + " was tried again at once"};
    if (!has_others_) return {true, "for 5 s it is not tried again"};
    if (recovery_delay_.count() == 0) return {true, "it stays so until it is recovered by hand"};
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(recovery_delay_);
    return {true, "by itself it would be tried again after " + std::to_string(seconds.count()) + " s"};
  }

  // By hand it comes back, and serves when its turn comes.
  Step Recover(std::size_t size) {
    const warppool::Status recovered = client_->Recover(first_);
    if (!recovered.ok()) return {false, recovered.ToString()};
    for (std::size_t i = 1; i <= size; ++i) {
      const auto answer = Ask();
      if (!answer.ok()) return {false, "a request came to: " + answer.status.ToString()};
      if (answer.token != first_) continue;
      return {true, "Recover(): it is ready again, and served request " + std::to_string(i) + " after that"};
    }
    return {false, first_ + " was recovered, but serves nothing"};
  }

  warppool::Answer Ask() {
    warppool::Request request("Is anybody there?");
    request.wait_for_token = false;
    return client_->Ask(request);
  }

  warppool::TokenState StateOf(const std::string& name) const {
    for (const warppool::TokenStatus& token : client_->Pool().tokens) {
      if (token.name == name) return token.state;
    }
    return warppool::TokenState::kDisabled;
  }

  loopback::Service service_;
  std::map<std::string, std::string> credentials_;  // by name
  int max_failures_ = 0;
  milliseconds recovery_delay_{};
  std::unique_ptr<warppool::Client> client_;
  std::string problem_;
  std::string first_;  // the one that fails
  bool has_others_ = false;
};

// ------------------------------------------------------------------------------------------------------------- main --

bool Print(const char* name, const Finding& finding) {
  std::cout << (finding.ok ? "ok   " : "FAIL ") << name << ": " << finding.summary << "\n";
  for (const std::string& line : finding.details) std::cout << "       " << line << "\n";
  std::cout << std::flush;
  return finding.ok;
}

// Loads what `env_file` and the environment say; what is told meanwhile goes into `lines`.
warppool::Result<warppool::Config> Load(const std::string& env_file, std::vector<std::string>* lines) {
  warppool::LoadOptions options;
  options.env_file = env_file;
  options.log = [lines](const warppool::LogRecord& record) {
    if (record.level < warppool::LogLevel::kInfo) return;
    const char* const prefix = record.level >= warppool::LogLevel::kWarning ? "warning: " : "";
    lines->push_back(prefix + std::string(record.message));
  };
  return warppool::LoadConfig(options);
}

int CheckAll(const std::string& env_file) {
  std::vector<std::string> loaded;
  auto config = Load(env_file, &loaded);
  if (!config.ok()) {
    for (const std::string& line : loaded) std::cerr << line << "\n";
    std::cerr << "The configuration cannot be used: " << config.status().ToString() << "\n";
    return 2;
  }
  std::cout << "Checking " << (env_file.empty() ? "" : env_file + " and ") << "the environment with "
            << config->server_url << "\nOnly token exchanges and quota queries are sent: this costs no credits.\n\n";

  // Who looks on wants to hear of what does not work, and not to wait until it may work again.
  config->retry_budget = std::min(config->retry_budget, 1);
  Failures failures;
  warppool::ClientOptions options;
  options.on_pool_event = [&failures](const warppool::PoolEvent& event) { failures.Note(event); };
  auto created = warppool::Client::Create(*config, options);
  if (!created.ok()) {
    Print("initialisation", {false, created.status().ToString(), loaded});
    return 1;
  }
  warppool::Client* const client = created->get();

  bool ok = Print("initialisation", CheckInitialisation(*config, *client, loaded));
  ok &= Print("priority", CheckPriority(*config, *client));
  ok &= Print("rotation", CheckRotation(*config, client, failures));

  const warppool::PoolStatus before = client->Pool();
  warppool::HealthCheckOptions active;
  active.active = true;
  const auto report = client->CheckHealth(active);
  if (report.ok()) {
    ok &= Print("refresh of each token", CheckRefresh(before, *report));
    ok &= Print("health", CheckHealth(*report, failures));
  } else {
    ok &= Print("health", {false, report.status().ToString()});
  }
  ok &= Print("failure and recovery", Rehearsal(*config).Run());

  std::cout << (ok ? "\nAll is well.\n" : "\nSomething is wrong: see the lines with FAIL.\n");
  return ok ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  std::error_code unseen;
  std::string env_file = std::filesystem::exists(".env", unseen) ? ".env" : "";
  if (arguments.size() == 2 && arguments[0] == "--env") {
    env_file = arguments[1];
  } else if (!arguments.empty()) {
    const bool help = arguments.size() == 1 && arguments[0] == "--help";
    (help ? std::cout : std::cerr) << kHelp;
    return help ? 0 : 2;
  }
  try {
    return CheckAll(env_file);
  } catch (const std::exception& error) {  // no port for the stand-in of the service
    std::cerr << error.what() << "\n";
    return 1;
  }
}
