// A TCP connection as the system sees it: how it finds out that the other end is gone, and what is still to be sent.
//
// Data that the other end does not acknowledge for kUnacknowledged breaks the connection. Who only listens never sends
// any: for them the system asks the other end, after kIdle without a byte, whether it is still there; without an answer
// their connection breaks within kUnacknowledged, too.
//
//   Linux    TCP_USER_TIMEOUT, keep-alive; tells what is still to be sent, and when it last sent something
//   macOS    TCP_RXT_CONNDROPTIME, keep-alive
//   FreeBSD  keep-alive alone: unacknowledged data ends the connection when the system gives up sending it, after many
//            minutes; the silence limit comes first
#pragma once

#include <chrono>
#include <optional>

namespace warppool::internal {

inline constexpr std::chrono::seconds kUnacknowledged{20};
inline constexpr std::chrono::seconds kIdle{10};

// Of a new socket, before it is connected: the above, and it is closed on exec. What the system refuses is left as it
// is.
void PrepareConnection(int socket) noexcept;

// Ends the connection, both ways; the descriptor stays open.
void CutConnection(int socket) noexcept;

// Never throws, and says nothing of errors: there is nobody to tell.
void CloseConnection(int socket) noexcept;

// This side's port; 0: it has none.
int LocalPort(int socket) noexcept;

struct SendState {
  bool empty = true;  // all that was sent has been acknowledged
  // How long ago it last sent something; nothing: it is repeating what is not acknowledged.
  std::optional<std::chrono::milliseconds> since_sent{};
};
// Nothing: the system does not say.
std::optional<SendState> ReadSendState(int socket) noexcept;

}  // namespace warppool::internal
