#include "skipping_clock.h"

#include <utility>

#include "client/client_impl.h"

namespace warppool {

Result<std::unique_ptr<Client>> CreateClient(Config config, const ClientOptions& options,
                                             const internal::Clock& clock) {
  return internal::ClientImpl::CreateClient(std::move(config), options, clock);
}

}  // namespace warppool
