#include "client/core.h"

#include <unistd.h>

#include "base/url.h"
#include "client/host.h"

namespace warppool {
namespace {

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

std::vector<std::pair<std::string, std::string>> AgentHeaders(const Config& config) {
  std::vector<std::pair<std::string, std::string>> headers = {{"Content-Type", "application/x-protobuf"},
                                                              {"Accept", "text/event-stream"},
                                                              {"X-Warp-Client-ID", "warppool"},
                                                              {"X-Warp-Client-Version", config.client_version}};
  for (auto& header : HostHeaders()) headers.push_back(std::move(header));
  return headers;
}

}  // namespace

Core::Core(Config config, const ClientOptions& options, const Clock& clock)
    : config_(std::move(config)),
      log_(options.log),
      clock_(clock),
      process_(getpid()),
      agent_url_(Root(config_) + "/ai/multi-agent"),
      direct_(IsLoopback(Root(config_))),
      agent_headers_(AgentHeaders(config_)),
      transport_(&loop_, {config_.ca_bundle, config_.proxy, config_.no_proxy}),
      pool_({config_.tier_order, {config_.max_strikes, config_.quota_cooling}}, config_.tokens, clock_, log_),
      refresher_({Endpoints(config_), config_.firebase_api_key, config_.connect_timeout, config_.refresh_timeout},
                 &transport_, clock_, log_),
      random_(std::random_device{}()) {
  stop_.emplace_back([this] {
    StopRuns();
    loop_.Stop();
  });
}

Status Core::Open() {
  if (Status status = loop_.Open(); !status.ok()) return status;
  return transport_.Open();
}

bool Core::Forked() const {
  return getpid() != process_;
}

FailoverOptions Core::failover() const {
  return {{.base = config_.retry_base_delay, .ceiling = config_.retry_max_delay, .budget = config_.retry_budget},
          config_.retry_after_limit};
}

bool Core::Launch(const std::shared_ptr<Run>& run) {
  EventLoop::Reserved begin;
  begin.emplace_back([run] { run->Begin(); });
  Entry entry{run, {}};
  entry.last.emplace_back([run] {});
  MutexLock lock(&mutex_);
  if (closed_) return false;
  runs_.emplace(run.get(), std::move(entry));
  // Never refused: the loop is stopped only after closed_ was set, and runs what it was given until then.
  return loop_.Post(&begin);
}

bool Core::closed() const {
  MutexLock lock(&mutex_);
  return closed_;
}

void Core::Retire(const Run* run) noexcept {
  Entry entry;
  bool idle = false;
  {
    MutexLock lock(&mutex_);
    const auto it = runs_.find(run);
    if (it == runs_.end()) return;
    entry = std::move(it->second);
    runs_.erase(it);
    idle = runs_.empty();
  }
  if (idle) idle_.NotifyAll();
  loop_.Post(&entry.last);
}

void Core::Drain(std::chrono::milliseconds deadline) {
  MutexLock lock(&mutex_);
  closed_ = true;
  const SteadyTime until = DeadlineIn(deadline);
  while (!runs_.empty()) {
    if (deadline.count() < 0) {
      idle_.Wait(&mutex_);
    } else if (!idle_.WaitUntil(&mutex_, until)) {
      return;
    }
  }
}

void Core::Stop() {
  loop_.Post(&stop_);
}

void Core::StopRuns() {
  // One after the other, and without memory for a list of them.
  while (true) {
    Entry entry;
    {
      MutexLock lock(&mutex_);
      closed_ = true;
      if (runs_.empty()) break;
      entry = std::move(runs_.begin()->second);
      runs_.erase(runs_.begin());
    }
    entry.run->Stop();
  }
  idle_.NotifyAll();
}

void Core::RunLoop() {
  loop_.Run();
  transport_.Shutdown();
  loop_.LeaveThread();
}

}  // namespace warppool
