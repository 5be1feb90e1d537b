// What the agent's "internal error" really is. Its text is often the model provider's, and tells a crowded model and a
// request at fault from an error inside the service.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace warppool::internal {

enum class AgentFailureKind : std::uint8_t {
  kUnknown,         // the service's own, or none that is told apart
  kModelBusy,       // the provider's rate limit, or its overload: it may pass
  kTooLong,         // the conversation is more than the model takes
  kRequestRefused,  // what the request brought, an image above all: it is refused whenever it is sent
};

struct AgentFailure {
  AgentFailureKind kind = AgentFailureKind::kUnknown;
  std::optional<std::chrono::milliseconds> retry_after{};  // with kModelBusy, as far as the text says; at most a day
};

// `text`: internal_error.message, which may hold anything.
AgentFailure ReadAgentFailure(std::string_view text);

}  // namespace warppool::internal
