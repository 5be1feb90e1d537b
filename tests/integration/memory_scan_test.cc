// What a client was given is not left in the memory of a program that has closed it.

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "amount.h"
#include "fixture.h"
#include "memory_scan_secrets.h"
#include "tunnel_proxy.h"

namespace warppool {
namespace {

std::string Text(std::string_view text) {
  return std::string(text);
}

// "fakeuser:" and the password in base64.
constexpr const char* kProxyLogin = "Basic ZmFrZXVzZXI6ZmFrZStwcm94eS9Qdz1MazlqSGc0ZkRzMWFQbzdpVXkydFJlNndRbTVuQnY4Y1h6Mw==";

// One run of memory_scan: what it found.
class Scan {
 public:
  explicit Scan(const char* mode) : service_({.tls = true}), proxy_(service_.port(), kProxyLogin) {
    using namespace memory_scan;
    service_.RequireKey(Text(kFirebaseKey));
    service_.On(Text(kRefreshToken)).Exchange(loopback::Ok().RotateTo(Text(kRotatedToken)));
    service_.On(Text(kRefusedToken))
        .Exchange(loopback::Status(400, R"({"error":{"message":"no: )" + Text(kRefusedToken) + "\"}}"));
    service_.AcceptApiKey(Text(kApiKey));
    Run(mode);
  }

  bool done() const { return done_; }
  // Its name and form, of what was found at that moment.
  std::set<std::string> Found(const std::string& when) const {
    std::set<std::string> found;
    for (const std::string& line : lines_) {
      std::istringstream words(line);
      std::string at;
      std::string name;
      words >> at >> name;
      if (at == when) found.insert(name);
    }
    return found;
  }
  std::string Report() const {
    std::string report;
    for (const std::string& line : lines_) report += line + "\n";
    return report;
  }
  int tunnels() const { return proxy_.tunnels(); }

 private:
  void Run(const char* mode) {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    const std::string url = "https://loopback.test:" + std::to_string(service_.port());
    const std::string ca_file = service_.ca_file();
    const std::string proxy = proxy_.Address();
    const char* arguments[] = {WARPPOOL_MEMORY_SCAN, mode, url.c_str(), ca_file.c_str(), proxy.c_str(), nullptr};
    const pid_t pid = fork();
    if (pid == 0) {
      dup2(ends[1], STDOUT_FILENO);
      execv(WARPPOOL_MEMORY_SCAN, const_cast<char* const*>(arguments));
      _exit(127);
    }
    close(ends[1]);
    REQUIRE(pid > 0);
    std::string text;
    char bytes[4096];
    for (ssize_t got = 0; (got = read(ends[0], bytes, sizeof bytes)) != 0;) {
      if (got > 0) text.append(bytes, static_cast<std::size_t>(got));
      if (got < 0 && errno != EINTR) break;
    }
    close(ends[0]);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    done_ = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) lines_.push_back(line);
  }

  loopback::Service service_;
  TunnelProxy proxy_;
  std::vector<std::string> lines_;
  bool done_ = false;
};

const std::set<std::string> kAllSecrets = {"api_key",        "firebase_key",  "jwt",          "model_key",
                                           "proxy_password", "refresh_token", "rotated_token"};

}  // namespace

TEST_CASE("no secret is left in the memory of a program that has closed its client") {
  if (kSanitized) return;  // sanitizers keep memory that was given back as it is, and have copies of their own
  SECTION("not by this library") {
    const Scan scan("wiping");
    INFO(scan.Report());
    REQUIRE(scan.done());
    CHECK(scan.tunnels() > 0);
    CHECK(scan.Found("closed").empty());
  }
  SECTION("but by libcurl and OpenSSL") {
    const Scan scan("plain");
    INFO(scan.Report());
    REQUIRE(scan.done());
    // While the client is there, it knows them.
    CHECK(scan.Found("open") != std::set<std::string>());
    WARN(scan.Report());
  }
}

}  // namespace warppool
