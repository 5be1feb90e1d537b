// HTTP/2, through a real proxy that speaks it: nghttpx in front of the loopback service.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fixture.h"

namespace warppool {

// Runs `arguments`, silenced. The process's id.
inline pid_t Spawn(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
  }
  pid_t process = 0;
  REQUIRE(posix_spawnp(&process, argv[0], &actions, nullptr, argv.data(), environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  return process;
}

inline sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t length = sizeof address;
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0);
  REQUIRE(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  close(fd);
  return ntohs(address.sin_port);
}

inline bool Answers(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  const bool connected = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return connected;
}

// nghttpx with a certificate made for it, in front of `service`; gone when the object is.
class Http2Front {
 public:
  Http2Front() {
    char folder[] = "/tmp/warppool-http2-XXXXXX";
    REQUIRE(mkdtemp(folder) != nullptr);
    folder_ = folder;
  }
  ~Http2Front() {
    Kill();
    std::filesystem::remove_all(folder_);
  }
  Http2Front(const Http2Front&) = delete;
  Http2Front& operator=(const Http2Front&) = delete;

  void Start(const loopback::Service& service) {
    const pid_t maker = Spawn({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                               "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                               "subjectAltName=DNS:localhost", "-keyout", Path("key.pem"), "-out", Path("cert.pem")});
    int status = 0;
    REQUIRE(waitpid(maker, &status, 0) == maker);
    REQUIRE(status == 0);
    // The port may be somebody else's by the time that nghttpx wants it; then it ends, and gets another one.
    for (int tries = 0; tries < 20 && process_ == 0; ++tries) TryStart(service);
    REQUIRE(process_ != 0);
  }

  void Kill() {
    if (process_ == 0) return;
    kill(process_, SIGKILL);
    waitpid(std::exchange(process_, 0), nullptr, 0);
  }

  Config ConfigFor(const loopback::Service& service, const std::vector<std::string>& credentials) const {
    Config config = warppool::ConfigFor(service, credentials);
    config.server_url = "https://localhost:" + std::to_string(port_);
    config.ca_bundle = Path("cert.pem");
    return config;
  }
  int port() const { return port_; }

 private:
  void TryStart(const loopback::Service& service) {
    port_ = FreePort();
    process_ = Spawn({"nghttpx", "--conf=/dev/null", "--no-ocsp", "--workers=1", "-f127.0.0.1," + std::to_string(port_),
                      "-b127.0.0.1," + std::to_string(service.port()), Path("key.pem"), Path("cert.pem")});
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < until) {
      if (waitpid(process_, nullptr, WNOHANG) != 0) {
        process_ = 0;
        return;
      }
      if (Answers(port_)) return;
      std::this_thread::sleep_for(5ms);
    }
    Kill();
  }

  std::string Path(const char* file) const { return folder_ + "/" + file; }

  int port_ = 0;
  std::string folder_;
  pid_t process_ = 0;
};

}  // namespace warppool
