// What a client was given is not left in the memory of a program that has closed it.

#include <fcntl.h>
#include <fmt/format.h>
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
#include "unit/config/load_fixture.h"

namespace warppool {
namespace {

std::string Text(std::string_view text) {
  return std::string(text);
}

// "fakeuser:" and the password in base64.
constexpr const char* kProxyLogin =
    "Basic ZmFrZXVzZXI6ZmFrZStwcm94eS9Qdz1MazlqSGc0ZkRzMWFQbzdpVXkydFJlNndRbTVuQnY4Y1h6Mw==";

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
  // The names of the secrets that were found at that moment.
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
  std::string EnvText() const {
    using namespace memory_scan;
    return fmt::format(
        "WARP_SERVER_URL=https://loopback.test:{}\nWARP_CA_BUNDLE={}\nWARP_PROXY=http://{}:{}@{}\n"
        "WARP_FIREBASE_API_KEY={}\nWARP_REFRESH_TOKEN='{}'\nWARP_SHARED_TOKENS=\"{}\"\nWARP_ANONYMOUS_TOKEN=${{NONE:-{}"
        "}}\n",
        service_.port(), service_.ca_file(), kProxyUser, kEncodedProxyPassword, proxy_.Address(), kFirebaseKey,
        kRefreshToken, kApiKey, kRefusedToken);
  }

  void Run(const char* mode) {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    const internal::EnvFile env_file(EnvText());
    const char* arguments[] = {WARPPOOL_MEMORY_SCAN, mode, env_file.path().c_str(), nullptr};
    const pid_t pid = fork();
    if (pid == 0) {
      dup2(ends[1], STDOUT_FILENO);
      // Else the dynamic linker looks a function up at its first call, and saves the processor's registers on the stack
      // meanwhile: with the bytes that were copied last, which are 16 or 32 of some secret.
      setenv("LD_BIND_NOW", "1", 1);
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

}  // namespace

// Whose the copies are that are found is told by wiping what libcurl and OpenSSL give back. Neither does so itself, and
// the library cannot make them. Each of these was seen:
//
//   libcurl   the URL, with the API key (parts of it, too); the head and the body of a request, in the buffer that it
//   is
//             sent from (JWT, API key, refresh token, model keys, and the log-in of a CONNECT in base64); its copies of
//             the proxy's log-in, encoded and decoded; the buffer for answers (JWT, refresh token)
//   OpenSSL   the last record that it decrypted: an answer (JWT, refresh token)
TEST_CASE("no secret is left in the memory of a program that has closed its client") {
  if (kSanitized) return;  // sanitizers keep what was given back
  SECTION("by the library") {
    const Scan scan("wiping");
    INFO(scan.Report());
    REQUIRE(scan.done());
    CHECK(scan.tunnels() > 0);
    CHECK(scan.Found("closed").empty());
    // While the client was there, it had them, and they were found.
    for (const char* name : {"api_key", "firebase_key", "jwt", "proxy_password", "refused_token", "rotated_token"}) {
      CHECK(scan.Found("open").count(name) == 1);
    }
  }
  SECTION("but what OpenSSL has decrypted") {
    const Scan scan("wiping_libcurl");
    INFO(scan.Report());
    REQUIRE(scan.done());
    for (const std::string& name : scan.Found("closed")) {
      CHECK((name == "jwt" || name == "rotated_token" || name == "refused_token"));
    }
  }
  SECTION("but what libcurl has sent and got") {
    const Scan scan("plain");
    INFO(scan.Report());
    REQUIRE(scan.done());
    CHECK_FALSE(scan.Found("closed").empty());  // else it wipes by now, and the list above is out of date
  }
}

}  // namespace warppool
