// TCP connections of POSIX systems. What differs between them are options: those that a system has are set.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/connection.h"

namespace warppool::internal {
namespace {

// Questions without an answer, and the seconds between them: then the other end is gone.
constexpr int kProbes = 2;
constexpr int kProbeInterval = 5;
static_assert(kIdle + std::chrono::seconds(kProbes * kProbeInterval) <= kUnacknowledged);

void SetSocketOption(int socket, int level, int option, int value) noexcept {
  static_cast<void>(setsockopt(socket, level, option, &value, sizeof value));
}

}  // namespace

void PrepareConnection(int socket) noexcept {
  static_cast<void>(fcntl(socket, F_SETFD, FD_CLOEXEC));
  SetSocketOption(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
#if defined(TCP_KEEPIDLE)
  SetSocketOption(socket, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(kIdle.count()));
#elif defined(TCP_KEEPALIVE)  // macOS
  SetSocketOption(socket, IPPROTO_TCP, TCP_KEEPALIVE, static_cast<int>(kIdle.count()));
#endif
#if defined(TCP_KEEPINTVL) && defined(TCP_KEEPCNT)
  SetSocketOption(socket, IPPROTO_TCP, TCP_KEEPINTVL, kProbeInterval);
  SetSocketOption(socket, IPPROTO_TCP, TCP_KEEPCNT, kProbes);
#endif
#if defined(TCP_USER_TIMEOUT)
  SetSocketOption(socket, IPPROTO_TCP, TCP_USER_TIMEOUT,
                  static_cast<int>(std::chrono::milliseconds(kUnacknowledged).count()));
#elif defined(TCP_RXT_CONNDROPTIME)  // macOS, in seconds
  SetSocketOption(socket, IPPROTO_TCP, TCP_RXT_CONNDROPTIME, static_cast<int>(kUnacknowledged.count()));
#endif
}

void CutConnection(int socket) noexcept {
  static_cast<void>(shutdown(socket, SHUT_RDWR));
}

void CloseConnection(int socket) noexcept {
  static_cast<void>(close(socket));
}

int LocalPort(int socket) noexcept {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  return 0;
}

#if defined(__linux__)

std::optional<SendState> ReadSendState(int socket) noexcept {
  tcp_info info{};
  socklen_t length = sizeof info;
  int queued = 0;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return std::nullopt;
  if (ioctl(socket, TIOCOUTQ, &queued) != 0) return std::nullopt;
  SendState state{queued == 0, std::nullopt};
  if (info.tcpi_retransmits == 0) state.since_sent = std::chrono::milliseconds(info.tcpi_last_data_sent);
  return state;
}

#else

std::optional<SendState> ReadSendState(int /*socket*/) noexcept {
  return std::nullopt;
}

#endif

}  // namespace warppool::internal
