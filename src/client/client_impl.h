// The client behind its public face: starts and ends the I/O thread, launches requests.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "client/core.h"
#include "client/event_sink.h"
#include "client/request_operation.h"
#include "warppool/client.h"

namespace warppool::internal {

class ClientImpl {
 public:
  // `clock` must outlive all that belongs to the client: its I/O thread, too, where that was detached.
  static Result<std::unique_ptr<ClientImpl>> Create(Config config, const ClientOptions& options,
                                                    const Clock& clock = RealClock());
  // The public client, which goes by `clock`.
  static Result<std::unique_ptr<Client>> CreateClient(Config config, const ClientOptions& options,
                                                      const Clock& clock = RealClock());
  explicit ClientImpl(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  ~ClientImpl();
  ClientImpl(const ClientImpl&) = delete;
  ClientImpl& operator=(const ClientImpl&) = delete;

  // `conversation` null: one that ends with the request.
  using Turns = std::shared_ptr<ConversationImpl>;
  Result<std::unique_ptr<Stream>> Start(const Request& request, Turns conversation, StreamCallbacks callbacks);
  Result<std::unique_ptr<Stream>> Start(const Request& request, Turns conversation);
  Result<Answer> Ask(const Request& request, Turns conversation);  // fails if the request never began
  Result<BearerToken> AccessToken(std::chrono::milliseconds timeout);
  void DropAccessToken(const BearerToken& refused);
  PoolStatus Pool() const;
  std::vector<TokenExplanation> Explain() const;
  Status Recover(const std::string& token);
  Result<int> RecoverAll();
  Result<HealthReport> CheckHealth(const HealthCheckOptions& options);
  Stats Statistics() const;
  Result<std::string> AddToken(const TokenConfig& token);
  Status RemoveToken(const std::string& token);
  Result<std::string> RenameToken(const std::string& token, const std::string& name);
  Result<std::string> MoveToken(const std::string& token, Tier tier);
  Result<std::string> ReplaceCredential(const std::string& token, TokenConfig replacement);
  Result<ReloadResult> Reload(const Config& config);
  Status Close(std::chrono::milliseconds timeout) EXCLUDES(thread_mutex_);

 private:
  Status CheckUsable() const;
  Status CheckOpen() const;
  Status CheckMayWait(const char* function) const;
  // A run of `request` that has not begun.
  Result<std::shared_ptr<RequestOperation>> Prepare(const Request& request, Turns conversation,
                                                    std::shared_ptr<EventSink> sink) const;
  Status Launch(const std::shared_ptr<RequestOperation>& run);
  Result<std::unique_ptr<Stream>> Open(const Request& request, Turns conversation, std::shared_ptr<EventSink> sink,
                                       std::shared_ptr<EventQueue> queue);

  std::shared_ptr<Core> core_;
  Mutex thread_mutex_;
  std::thread thread_ GUARDED_BY(thread_mutex_);
};

}  // namespace warppool::internal
