#include "connection.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#if defined(__linux__)
#include <linux/sockios.h>
#endif

#include <algorithm>
#include <cstdint>

namespace loopback {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A peer that reads nothing must not hold up a reset for ever.
constexpr auto kSendOffLimit = std::chrono::seconds(5);

// What poll() tells when the peer sends no more. macOS has no event of its own for it, and tells a hang-up.
#if defined(POLLRDHUP)
constexpr int kPeerHasClosed = POLLRDHUP;
#else
constexpr int kPeerHasClosed = POLLHUP;
#endif

// True when one of `events` is there, or an error; false when the time is over. Negative: no limit.
bool Poll(int socket, int events, milliseconds time) {
  pollfd entry{};
  entry.fd = socket;
  entry.events = static_cast<short>(events);
  const bool unlimited = time < milliseconds::zero();
  const auto end = steady_clock::now() + time;
  while (true) {
    // Rounded up: waking early would make every wait end in a spin.
    const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now()).count();
    const int timeout = unlimited ? -1 : static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
    const int count = poll(&entry, 1, timeout);
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return true;
    if (!unlimited && steady_clock::now() >= end) return false;
  }
}

// How many bytes the kernel has not sent yet; on BSD those that were not acknowledged count, too. Where the system does
// not say it, 0.
int UnsentBytes(int socket) {
  int count = 0;
#if defined(__linux__)
  const bool told = ioctl(socket, SIOCOUTQNSD, &count) == 0;
#elif defined(SO_NWRITE)  // macOS
  socklen_t size = sizeof(count);
  const bool told = getsockopt(socket, SOL_SOCKET, SO_NWRITE, &count, &size) == 0;
#elif defined(FIONWRITE)  // FreeBSD
  const bool told = ioctl(socket, FIONWRITE, &count) == 0;
#else
  const bool told = false;
#endif
  return told ? count : 0;
}

void AddressOf(const sockaddr_in& address, std::string& ip, int& port) {
  std::array<char, INET_ADDRSTRLEN> text{};
  if (inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size()) != nullptr) ip = text.data();
  port = ntohs(address.sin_port);
}

}  // namespace

Connection::Connection(int socket, SSL_CTX* tls) : socket_(socket) {
  if (tls != nullptr) ssl_.reset(SSL_new(tls));
  failed_ = tls != nullptr && (!ssl_ || SSL_set_fd(ssl_.get(), socket) != 1);
}

Connection::~Connection() {
  if (aborted_) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  } else if (ssl_ && !failed_) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  close(socket_);
}

bool Connection::Handshake() {
  if (!ssl_ && !failed_) return true;
  ERR_clear_error();
  if (!failed_) failed_ = SSL_accept(ssl_.get()) != 1;
  return !failed_;
}

bool Connection::WaitForRequest(milliseconds timeout) {
  if (aborted_ || failed_) return false;
  return begin_ < end_ || (ssl_ && SSL_pending(ssl_.get()) > 0) || Poll(socket_, POLLIN, timeout);
}

bool Connection::WaitWhileOpen(milliseconds time) {
  return !Poll(socket_, kPeerHasClosed, std::max(time, milliseconds(0)));
}

void Connection::WaitUntilClosed() {
  Poll(socket_, kPeerHasClosed, milliseconds(-1));
}

void Connection::Abort() {
  if (!aborted_) WaitUntilSent();
  aborted_ = true;
}

void Connection::Shutdown() {
  shutdown(socket_, SHUT_RDWR);
}

ssize_t Connection::read(char* data, size_t size) {
  if (begin_ == end_) {
    const ssize_t received = aborted_ ? -1 : Receive(buffer_.data(), buffer_.size());
    if (received <= 0) return received;
    begin_ = 0;
    end_ = static_cast<std::size_t>(received);
  }
  const std::size_t count = std::min(size, end_ - begin_);
  std::copy_n(buffer_.data() + begin_, count, data);
  begin_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t Connection::write(const char* data, size_t size) {
  if (aborted_ || failed_) return -1;
  if (size == 0) return 0;
  if (ssl_) {
    ERR_clear_error();
    const int written = SSL_write(ssl_.get(), data, static_cast<int>(std::min<std::size_t>(size, 1U << 20U)));
    failed_ = written <= 0;
    return failed_ ? -1 : written;
  }
  ssize_t written = 0;
  do {
    written = send(socket_, data, size, MSG_NOSIGNAL);
  } while (written < 0 && errno == EINTR);
  return written;
}

void Connection::get_remote_ip_and_port(std::string& ip, int& port) const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (getpeername(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0) AddressOf(address, ip, port);
}

void Connection::get_local_ip_and_port(std::string& ip, int& port) const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0) AddressOf(address, ip, port);
}

time_t Connection::duration() const {
  return static_cast<time_t>(std::chrono::floor<milliseconds>(steady_clock::now() - begin_time_).count());
}

ssize_t Connection::Receive(char* data, std::size_t size) {
  if (failed_) return -1;
  if (ssl_) {
    ERR_clear_error();
    const int received = SSL_read(ssl_.get(), data, static_cast<int>(size));
    if (received > 0) return received;
    // After anything but a proper end of the TLS stream, OpenSSL forbids any further call, SSL_shutdown() included.
    const bool proper_end = SSL_get_error(ssl_.get(), received) == SSL_ERROR_ZERO_RETURN;
    failed_ = !proper_end;
    return proper_end ? 0 : -1;
  }
  ssize_t received = 0;
  do {
    received = recv(socket_, data, size, 0);
  } while (received < 0 && errno == EINTR);
  return received;
}

// A reset throws away what the kernel has not sent yet: events that count as sent would be lost. There is no event to
// wait for, so it looks every millisecond.
void Connection::WaitUntilSent() {
  const auto end = steady_clock::now() + kSendOffLimit;
  while (UnsentBytes(socket_) > 0 && steady_clock::now() < end) {
    if (!WaitWhileOpen(milliseconds(1))) return;
  }
}

}  // namespace loopback
