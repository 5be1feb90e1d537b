// Runs the loopback service until SIGINT or SIGTERM.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "loopback.h"
#include "tools_demo.h"

namespace {

constexpr const char* kHelp =
    "usage: loopback [--port N] [--tls] [--demo] [--tools] [--accept TOKEN] [--chunks N] [--gap MS] [--threads N]\n"
    "\n"
    "A stand-in of the agent service on 127.0.0.1, for working offline. Prints its URL; ends on SIGINT or SIGTERM.\n"
    "\n"
    "It answers POST /proxy/token, /v1/token, /ai/multi-agent, and /graphql/v2?op=GetRequestLimitInfo.\n"
    "\n"
    "  --port N        listen there; default: a free port\n"
    "  --tls           HTTPS; prints the file with the authority to trust, too\n"
    "  --demo          know some tokens: two that work, one whose quota ends, a dead one and a failing one\n"
    "  --tools         call the functions of examples/tools before each answer\n"
    "  --accept TOKEN  know this one, too: a refresh token, or an API key if it begins with wk-\n"
    "  --chunks N      split every answer's text into so many events; default: 8\n"
    "  --gap MS        wait so many milliseconds between two events; default: 0\n"
    "  --threads N     serve so many connections at a time; default: 80\n"
    "  --help          this text\n";

struct Flags {
  loopback::Options options;
  loopback::Behaviour behaviour = loopback::Ok();  // of the tokens that are no part of the demo
  std::string accepted;
  bool demo = false;
  bool help = false;
};

std::optional<int> ParseNumber(const std::string& text) {
  if (text.empty() || text.size() > 5 || text.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  const int number = std::atoi(text.c_str());
  return number <= 65535 ? std::optional(number) : std::nullopt;
}

// False: there is no such flag.
bool SetNumber(std::string_view flag, int number, Flags* flags) {
  if (flag == "--port") {
    flags->options.port = number;
  } else if (flag == "--threads") {
    flags->options.threads = number;
  } else if (flag == "--chunks") {
    flags->behaviour.Chunks(number);
  } else if (flag == "--gap") {
    flags->behaviour.Gap(std::chrono::milliseconds(number));
  } else {
    return false;
  }
  return true;
}

std::optional<Flags> ParseFlags(int argc, char** argv) {
  Flags flags;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--tls") {
      flags.options.tls = true;
    } else if (flag == "--demo") {
      flags.demo = true;
    } else if (flag == "--tools") {
      flags.behaviour = loopback::ToolsDemo();
    } else if (flag == "--help") {
      flags.help = true;
    } else if (flag == "--accept" && i + 1 < argc) {
      flags.accepted = argv[++i];
    } else if (i + 1 < argc) {
      const auto number = ParseNumber(argv[++i]);
      if (!number || !SetNumber(flag, *number, &flags)) return std::nullopt;
    } else {
      return std::nullopt;
    }
  }
  return flags;
}

void InstallDemo(loopback::Service* service) {
  // Slow enough to be seen coming in.
  const auto healthy = loopback::Ok().Gap(std::chrono::milliseconds(40));
  service->On("demo-token-1").Agent(healthy);
  service->On("demo-token-2").Agent(healthy);
  service->On("demo-token-quota").Agent(loopback::Quota().After(3));
  // Its account endpoint counts along, up to 3 of 3.
  service->SetQuota("demo-token-quota", {.limit = 3});
  service->SetQuota("demo-token-2", {.limit = 2500, .bonus = 100});
  service->On("demo-token-dead").Exchange(loopback::Dead("TOKEN_EXPIRED"));
  service->On("demo-token-failing").Agent(loopback::Status(500));
  std::puts("demo-token-1        works; 150 requests, says its quota");
  std::puts("demo-token-2        works; 2500 requests and 100 credits, says its quota");
  std::puts("demo-token-quota    answers 3 requests, then its quota is used up");
  std::puts("demo-token-dead     its login has expired");
  std::puts("demo-token-failing  every request fails with 500");
}

int Run(const Flags& flags) {
  // Before the service starts its threads: they inherit the mask, and the signals wait for sigwait().
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  loopback::Service service(flags.options);
  std::printf("%s\n", service.url().c_str());
  if (flags.options.tls) std::printf("authority: %s\n", service.ca_file().c_str());
  service.OnAny().Agent(flags.behaviour);
  if (!flags.accepted.empty()) service.On(flags.accepted);
  if (flags.demo) InstallDemo(&service);
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  const auto flags = ParseFlags(argc, argv);
  if (!flags) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  if (flags->help) {
    std::fputs(kHelp, stdout);
    return EXIT_SUCCESS;
  }
  try {
    return Run(*flags);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
}
