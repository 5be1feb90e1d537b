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
  ~Connection() override;  // closes it, with a reset if there was an Abort()
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

  bool is_readable() const override { return !aborted_; }
  bool is_writable() const override { return !aborted_; }
  ssize_t read(char* data, size_t size) override;
  ssize_t write(const char* data, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  struct SslDeleter {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  ssize_t Receive(char* data, std::size_t size);
  void WaitUntilSent();

  const int socket_;
  std::unique_ptr<SSL, SslDeleter> ssl_;  // NULL: in clear
  bool failed_ = false;                   // TLS: OpenSSL must not be called again
  bool aborted_ = false;
  std::array<char, 16384> buffer_{};  // received, not yet read: [begin_, end_)
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace loopback
