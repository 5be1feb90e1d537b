#include "http_server.h"

#include <algorithm>
#include <future>
#include <memory>
#include <stdexcept>

#include "rehearsal.h"

namespace loopback {
namespace {

using warppool::internal::MutexLock;

constexpr auto kKeepAlive = std::chrono::seconds(120);
constexpr auto kIoTimeout = std::chrono::seconds(600);  // a paused reader may take its time
constexpr int kBacklog = 512;

}  // namespace

HttpServer::HttpServer(int port, int threads, SSL_CTX* tls, Handler handler) : tls_(tls), handler_(std::move(handler)) {
  Rehearse();
  RestoreSigpipe();
  const auto handle = [this](const httplib::Request& request, httplib::Response& response) {
    Handle(request, response);
  };
  Get(".*", handle);
  Post(".*", handle);
  Put(".*", handle);
  Patch(".*", handle);
  Delete(".*", handle);
  Options(".*", handle);
  set_tcp_nodelay(true);
  set_keep_alive_timeout(kKeepAlive.count());
  set_keep_alive_max_count(1'000'000);
  set_read_timeout(kIoTimeout);
  set_write_timeout(kIoTimeout);
  // Without SO_REUSEPORT, which httplib would set: two services on one port would share it silently.
  set_socket_options([](socket_t socket) {
    const int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  });
  Bind(port);
  Listen(threads);
}

HttpServer::~HttpServer() {
  Close();
  {
    MutexLock lock(&mutex_);
    for (auto& [thread, entry] : connections_) entry.connection->Shutdown();
  }
  listener_.join();
}

void HttpServer::Close() {
  {
    MutexLock lock(&mutex_);
    if (closing_) return;  // httplib's stop() must not be called twice
    closing_ = true;
    for (auto& [thread, entry] : connections_) {
      if (!entry.busy) entry.connection->Shutdown();
    }
  }
  stop();
}

void HttpServer::Bind(int port) {
  port_ = port == 0 ? bind_to_any_port("127.0.0.1") : (bind_to_port("127.0.0.1", port) ? port : -1);
  if (port_ < 0) throw std::runtime_error("loopback: cannot listen on 127.0.0.1:" + std::to_string(port));
  // httplib's own backlog is 5: a crowd of clients would be held up for a second.
  ::listen(svr_sock_, kBacklog);
}

void HttpServer::Listen(int threads) {
  // stop() does nothing before listen_after_bind() has come to this point.
  const auto running = std::make_shared<std::promise<void>>();
  new_task_queue = [running, threads] {
    auto* queue = new httplib::ThreadPool(static_cast<std::size_t>(std::max(threads, 1)));
    running->set_value();
    return queue;
  };
  listener_ = std::thread([this] {
    // Inherited by the threads that serve: a broken connection is an error of write(), not a signal.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    listen_after_bind();
  });
  running->get_future().wait();
}

bool HttpServer::process_and_close_socket(socket_t socket) {
  Connection connection(socket, tls_);
  {
    MutexLock lock(&mutex_);
    if (closing_) return false;
    connections_[std::this_thread::get_id()] = Entry{&connection, false};
  }
  Serve(&connection);
  MutexLock lock(&mutex_);
  connections_.erase(std::this_thread::get_id());
  return true;
}

void HttpServer::Serve(Connection* connection) {
  if (!connection->Handshake()) return;
  while (connection->WaitForRequest(kKeepAlive)) {
    bool closed = false;
    if (!SetBusy(true) || !ServeRequest(*connection, false, closed)) return;
    if (closed || !SetBusy(false)) return;
  }
}

// False: the server is closing.
bool HttpServer::SetBusy(bool busy) {
  MutexLock lock(&mutex_);
  connections_[std::this_thread::get_id()].busy = busy;
  return !closing_;
}

void HttpServer::Handle(const httplib::Request& request, httplib::Response& response) {
  Connection* connection = nullptr;
  {
    MutexLock lock(&mutex_);
    connection = connections_[std::this_thread::get_id()].connection;
  }
  handler_(request, response, connection);
}

}  // namespace loopback
