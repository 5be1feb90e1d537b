#include "warppool/client.h"

#include <utility>

#include "base/guarded.h"
#include "client/client_impl.h"

namespace warppool::internal {
namespace {

Status MovedFrom() {
  return {Code::kInvalidArgument, "conversation: it was moved from"};
}

Answer ToAnswer(Result<Answer> asked) {
  if (asked.ok()) return *std::move(asked);
  Answer nothing;
  nothing.status = asked.status();
  return nothing;
}

}  // namespace
}  // namespace warppool::internal

namespace warppool {

using internal::Guarded;
using internal::MovedFrom;
using internal::ToAnswer;

Result<std::unique_ptr<Client>> Client::Create(Config config, ClientOptions options) {
  return Guarded([&] { return internal::ClientImpl::CreateClient(std::move(config), options); });
}

Client::Client(std::unique_ptr<internal::ClientImpl> impl) : impl_(std::move(impl)) {}

Client::~Client() = default;

Result<std::unique_ptr<Stream>> Client::Start(const Request& request, StreamCallbacks callbacks) {
  return Guarded([&] { return impl_->Start(request, nullptr, std::move(callbacks)); });
}

Result<std::unique_ptr<Stream>> Client::Start(const Request& request) {
  return Guarded([&] { return impl_->Start(request, nullptr); });
}

Answer Client::Ask(const Request& request) {
  return ToAnswer(Guarded([&] { return impl_->Ask(request, nullptr); }));
}

Result<std::unique_ptr<Stream>> Client::Start(const Request& request, Conversation& conversation,
                                              StreamCallbacks callbacks) {
  if (!conversation.impl_) return MovedFrom();
  return Guarded([&] { return impl_->Start(request, conversation.impl_, std::move(callbacks)); });
}

Result<std::unique_ptr<Stream>> Client::Start(const Request& request, Conversation& conversation) {
  if (!conversation.impl_) return MovedFrom();
  return Guarded([&] { return impl_->Start(request, conversation.impl_); });
}

Answer Client::Ask(const Request& request, Conversation& conversation) {
  if (!conversation.impl_) return ToAnswer(MovedFrom());
  return ToAnswer(Guarded([&] { return impl_->Ask(request, conversation.impl_); }));
}

Result<BearerToken> Client::AccessToken(std::chrono::milliseconds timeout) {
  return Guarded([&] { return impl_->AccessToken(timeout); });
}

void Client::DropAccessToken(const BearerToken& refused) {
  Guarded([&] { impl_->DropAccessToken(refused); });
}

PoolStatus Client::Pool() const {
  PoolStatus status;
  Guarded([&] { status = impl_->Pool(); });
  return status;
}

std::vector<TokenExplanation> Client::Explain() const {
  std::vector<TokenExplanation> explanations;
  Guarded([&] { explanations = impl_->Explain(); });
  return explanations;
}

Status Client::Recover(const std::string& token) {
  return Guarded([&] { return impl_->Recover(token); });
}

Result<int> Client::RecoverAll() {
  return Guarded([&] { return impl_->RecoverAll(); });
}

Result<HealthReport> Client::CheckHealth(const HealthCheckOptions& options) {
  return Guarded([&] { return impl_->CheckHealth(options); });
}

Stats Client::Statistics() const {
  Stats stats;
  Guarded([&] { stats = impl_->Statistics(); });
  return stats;
}

Result<std::string> Client::AddToken(const TokenConfig& token) {
  return Guarded([&] { return impl_->AddToken(token); });
}

Status Client::RemoveToken(const std::string& token) {
  return Guarded([&] { return impl_->RemoveToken(token); });
}

Result<std::string> Client::RenameToken(const std::string& token, const std::string& name) {
  return Guarded([&] { return impl_->RenameToken(token, name); });
}

Result<std::string> Client::MoveToken(const std::string& token, Tier tier) {
  return Guarded([&] { return impl_->MoveToken(token, tier); });
}

Result<std::string> Client::ReplaceCredential(const std::string& token, const TokenConfig& replacement) {
  return Guarded([&] { return impl_->ReplaceCredential(token, replacement); });
}

Result<ReloadResult> Client::Reload(const Config& config) {
  return Guarded([&] { return impl_->Reload(config); });
}

Status Client::Close(std::chrono::milliseconds timeout) {
  return Guarded([&] { return impl_->Close(timeout); });
}

}  // namespace warppool
