#include "signal_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace example {
namespace {

// A signal that is ignored is not even kept for who waits for it; one with a handler is.
extern "C" void Nothing(int /*signal*/) {}

}  // namespace

SignalPipe::SignalPipe(std::initializer_list<int> signals) {
  if (pipe(ends_.data()) != 0) {
    throw std::runtime_error("signals cannot be waited for: " + std::generic_category().message(errno));
  }
  for (const int end : ends_) {
    fcntl(end, F_SETFD, FD_CLOEXEC);
    fcntl(end, F_SETFL, O_NONBLOCK);
  }
  sigemptyset(&watched_);
  sigaddset(&watched_, kEnd);
  for (const int signal : signals) {
    struct sigaction found {};
    sigaction(signal, nullptr, &found);
    if (signal == SIGHUP && found.sa_handler == SIG_IGN) continue;
    before_.emplace_back(signal, found);
    struct sigaction wanted {};
    wanted.sa_handler = Nothing;
    wanted.sa_flags = SA_RESTART;
    sigemptyset(&wanted.sa_mask);
    sigaction(signal, &wanted, nullptr);
    sigaddset(&watched_, signal);
  }
  pthread_sigmask(SIG_BLOCK, &watched_, &mask_before_);
  watcher_ = std::thread([this] { Watch(); });
}

SignalPipe::~SignalPipe() {
  ending_ = true;
  pthread_kill(watcher_.native_handle(), kEnd);
  watcher_.join();
  for (const auto& [signal, found] : before_) sigaction(signal, &found, nullptr);
  pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
  for (const int end : ends_) close(end);
}

void SignalPipe::Watch() {
  for (int signal = 0; sigwait(&watched_, &signal) == 0 && !ending_;) {
    if (signal == kEnd) continue;
    const auto number = static_cast<unsigned char>(signal);
    // If the pipe is full there is more to read than anybody waits for.
    [[maybe_unused]] const ssize_t written = write(ends_[1], &number, 1);
  }
}

int SignalPipe::Take() {
  unsigned char number = 0;
  ssize_t got = 0;
  do {
    got = read(ends_[0], &number, 1);
  } while (got < 0 && errno == EINTR);
  return got == 1 ? number : 0;
}

}  // namespace example
