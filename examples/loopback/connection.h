// One accepted connection, in clear or with TLS, as cpp-httplib wants to see it, and with what it does not offer: a
// reset, waiting that ends when the peer goes, and being shut down from another thread.
//
// Shutdown() may be called from any thread; everything else is for the one thread that serves the connection.
#pragma once

#include <httplib.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>

namespace loopback {

class Connection final : public httplib::Stream {
 public:
  // Owns `socket` from now on. `tls` may be NULL: in clear.
  Connection(int socket, SSL_CTX* tls);
  ~Connection();  // NOLINT(modernize-use-override): see below; closes it, with a reset if there was an Abort()
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool Handshake();  // with TLS; in clear there is nothing to do
  // False when none came in time, or the peer is gone.
  bool WaitForRequest(std::chrono::milliseconds timeout);

  // Waits that long. False, at once, when the peer goes or Shutdown() is called.
  bool WaitWhileOpen(std::chrono::milliseconds time);
  void WaitUntilClosed();

  // What was written still goes out; after that the peer finds a reset. Nothing can be read or written any more.
  void Abort();
  bool aborted() const { return aborted_; }

  // Breaks it: whatever its thread does or will do with it fails.
  void Shutdown();

  // cpp-httplib's stream. Its versions differ in what belongs to it: all of it is here, so that none can say
  // `override`.
  // NOLINTBEGIN(modernize-use-override)
  bool is_readable() const { return !aborted_; }
  bool is_writable() const { return !aborted_; }
  bool wait_readable() const { return !aborted_; }
  bool wait_writable() const { return !aborted_; }
  ssize_t read(char* data, size_t size);
  ssize_t write(const char* data, size_t size);
  void get_remote_ip_and_port(std::string& ip, int& port) const;
  void get_local_ip_and_port(std::string& ip, int& port) const;
  socket_t socket() const { return socket_; }
  time_t duration() const;
  // NOLINTEND(modernize-use-override)

 private:
  struct SslDeleter {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  ssize_t Receive(char* data, std::size_t size);
  void WaitUntilSent();

  const int socket_;
  const std::chrono::steady_clock::time_point begin_time_ = std::chrono::steady_clock::now();
  std::unique_ptr<SSL, SslDeleter> ssl_;  // NULL: in clear
  bool failed_ = false;                   // TLS: OpenSSL must not be called again
  bool aborted_ = false;
  std::array<char, 16384> buffer_{};  // received, not yet read: [begin_, end_)
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace loopback
