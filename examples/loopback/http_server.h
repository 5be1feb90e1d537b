// Listens on 127.0.0.1 and serves HTTP/1.1, in clear or with TLS. cpp-httplib accepts, parses and routes; the
// connections are this service's own, so that it can reset one, wait on one, and break them all at once.
#pragma once

#include <httplib.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <map>
#include <thread>

#include "base/mutex.h"
#include "connection.h"
#include "connection_server.h"

namespace loopback {

// httplib::Server ignores SIGPIPE for the whole process when it is made. The program that embeds this service decides
// about that; this puts its decision back.
class SigpipeKeeper {
 protected:
  SigpipeKeeper() { sigaction(SIGPIPE, nullptr, &before_); }
  ~SigpipeKeeper() = default;
  void RestoreSigpipe() const { sigaction(SIGPIPE, &before_, nullptr); }

 private:
  struct sigaction before_ {};
};

class HttpServer final : private SigpipeKeeper, private ConnectionServer {
 public:
  // Called in the connection's thread for every request, whatever its method and path.
  using Handler = std::function<void(const httplib::Request&, httplib::Response&, Connection*)>;

  // Serves when the constructor returns. `port` 0: a free one. `tls` may be NULL, else it must outlive the server.
  // Throws std::runtime_error if it cannot listen.
  HttpServer(int port, int threads, SSL_CTX* tls, Handler handler);
  ~HttpServer() override;  // breaks all connections, and returns when no handler runs any more

  int port() const { return port_; }

  // Refuses connections from now on. Answers that are under way are finished, idle connections closed. Any thread.
  void Close();

 private:
  struct Entry {
    Connection* connection;
    bool busy;  // a request is being read or answered
  };

  bool process_and_close_socket(socket_t socket) override;
  void Serve(Connection* connection);
  bool SetBusy(bool busy) EXCLUDES(mutex_);
  void Handle(const httplib::Request& request, httplib::Response& response);
  void Bind(int port);
  void Listen(int threads);

  SSL_CTX* const tls_;
  const Handler handler_;
  int port_ = 0;
  std::thread listener_;
  warppool::internal::Mutex mutex_;
  // By the thread that serves it. Registered before the first byte, removed before the socket is closed.
  std::map<std::thread::id, Entry> connections_ GUARDED_BY(mutex_);
  bool closing_ GUARDED_BY(mutex_) = false;  // no new requests
};

}  // namespace loopback
