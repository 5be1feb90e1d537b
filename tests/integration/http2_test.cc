// HTTP/2, through a real proxy that speaks it: nghttpx in front of the loopback service.

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
#include <fstream>
#include <sstream>
#include <thread>

#include "fixture.h"

namespace warppool {
namespace {

// Runs `arguments`, silenced. The process's id.
pid_t Spawn(std::vector<std::string> arguments) {
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

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t length = sizeof address;
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0);
  REQUIRE(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  close(fd);
  return ntohs(address.sin_port);
}

bool Answers(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  const bool connected = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return connected;
}

// Connections of this machine to `port` that are established, seen from the client's end.
int ConnectionsTo(int port) {
  std::ifstream table("/proc/net/tcp");
  char wanted[16];
  std::snprintf(wanted, sizeof wanted, "0100007F:%04X", static_cast<unsigned>(port));
  int count = 0;
  std::string line;
  std::getline(table, line);
  while (std::getline(table, line)) {
    std::istringstream fields(line);
    std::string number;
    std::string local;
    std::string remote;
    std::string state;
    fields >> number >> local >> remote >> state;
    if (remote == wanted && state == "01") ++count;
  }
  return count;
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

}  // namespace

TEST_CASE("HTTP/2: many streams share one connection") {
  World world;
  world.service.On("fake-token-one").Agent(loopback::Ok().Gap(5ms));
  Http2Front front;
  front.Start(world.service);
  Client& client = world.Connect(front.ConfigFor(world.service, {"fake-token-one"}));
  REQUIRE(world.Said(client.Ask(Request("warm up")).status()).ToString() == "ok");

  std::vector<std::unique_ptr<Recorder>> recorders;
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < 30; ++i) {
    recorders.push_back(std::make_unique<Recorder>(&world));
    auto stream = client.Start(Request("hello"), recorders.back()->Callbacks());
    REQUIRE(stream.ok());
    streams.push_back(*std::move(stream));
  }
  for (const auto& recorder : recorders) REQUIRE(recorder->WaitForText());
  CHECK(ConnectionsTo(front.port()) == 1);
  for (const auto& recorder : recorders) {
    REQUIRE(recorder->WaitUntilDone());
    CHECK(recorder->status().ToString() == "ok");
    CHECK(recorder->text() == "Echo: hello");
  }
}

TEST_CASE("HTTP/2: a stream that nobody reads holds back none of its siblings") {
  World world;
  const std::string large(8U << 20U, 'x');
  world.service.On("fake-token-one").Agent(loopback::Ok().Text(large).Chunks(2000).Times(1));
  Http2Front front;
  front.Start(world.service);
  Client& client = world.Connect(front.ConfigFor(world.service, {"fake-token-one"}));
  auto slow = client.Start(Request("large"));
  REQUIRE(slow.ok());
  REQUIRE((*slow)->Next(kPatience).ok());
  for (int i = 0; i < 5; ++i) CHECK(world.Said(client.Ask(Request("hello")).status()).ToString() == "ok");

  std::size_t bytes = 0;
  Result<Event> event = (*slow)->Next(kPatience);
  for (; event.ok(); event = (*slow)->Next(kPatience)) {
    if (const auto* delta = std::get_if<TextDelta>(&*event)) bytes += delta->text.size();
  }
  CHECK(event.code() == Code::kEnd);
  CHECK(bytes == large.size());
}

TEST_CASE("HTTP/2: a connection that breaks in mid-answer is said to") {
  World world;
  world.service.On("fake-token-one").Agent(loopback::Ok().CutAfter(4, loopback::Behaviour::Cut::kStall));
  Http2Front front;
  front.Start(world.service);
  Config config = front.ConfigFor(world.service, {"fake-token-one"});
  config.retry_budget = 0;  // or the answer would go on
  Client& client = world.Connect(std::move(config));
  Recorder recorder(&world);
  auto stream = client.Start(Request("hello"), recorder.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(recorder.WaitForText());
  front.Kill();
  REQUIRE(recorder.WaitUntilDone());
  CHECK(recorder.status().code() == Code::kConnectionLost);
  CHECK(world.StatusOf(0).blamed == 0);
}

}  // namespace warppool
