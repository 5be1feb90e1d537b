#include "skipping_clock.h"

#include <utility>

#include "client/client_impl.h"

namespace warppool {

Result<std::unique_ptr<Client>> CreateClient(Config config, const ClientOptions& options, const Clock& clock) {
  auto impl = internal::ClientImpl::Create(std::move(config), options, clock);
  if (!impl) return impl.status();
  return std::make_unique<Client>(*std::move(impl));
}

}  // namespace warppool
