#include "warppool/client.h"

#include <exception>
#include <new>
#include <utility>

#include "client/client_impl.h"

namespace warppool {
namespace {

// The one place where exceptions end: nothing that the standard library or protobuf throws crosses a public function.
template <typename Function>
auto Guarded(const Function& function) noexcept -> decltype(function()) {
  try {
    return function();
  } catch (const std::bad_alloc&) {
    return Status::OutOfMemory();
  } catch (const std::exception& e) {
    return Status(Code::kInternal, e.what());
  } catch (...) {
    return Status(Code::kInternal, "an exception of an unknown type");
  }
}

}  // namespace

Result<std::unique_ptr<Client>> Client::Create(Config config, ClientOptions options) {
  return Guarded([&]() -> Result<std::unique_ptr<Client>> {
    auto impl = internal::ClientImpl::Create(std::move(config), options);
    if (!impl) return impl.status();
    return std::make_unique<Client>(*std::move(impl));
  });
}

Client::Client(std::unique_ptr<internal::ClientImpl> impl) : impl_(std::move(impl)) {}

Client::~Client() = default;

Result<std::unique_ptr<Stream>> Client::Start(const Request& request, StreamCallbacks callbacks) {
  return Guarded([&] { return impl_->Start(request, std::move(callbacks)); });
}

Result<std::unique_ptr<Stream>> Client::Start(const Request& request) {
  return Guarded([&] { return impl_->Start(request); });
}

Result<Answer> Client::Ask(const Request& request) {
  return Guarded([&] { return impl_->Ask(request); });
}

Result<BearerToken> Client::AccessToken(std::chrono::milliseconds timeout) {
  return Guarded([&] { return impl_->AccessToken(timeout); });
}

void Client::DropAccessToken(const BearerToken& refused) {
  static_cast<void>(Guarded([&] {
    impl_->DropAccessToken(refused);
    return Status();
  }));
}

PoolStatus Client::Pool() const {
  PoolStatus status;
  static_cast<void>(Guarded([&] {
    status = impl_->Pool();
    return Status();
  }));
  return status;
}

Status Client::Close(std::chrono::milliseconds deadline) {
  return Guarded([&] { return impl_->Close(deadline); });
}

}  // namespace warppool
