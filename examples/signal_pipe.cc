#include "signal_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace example {
namespace {

// Where the handler writes to; it can be given nothing else.
volatile std::sig_atomic_t writing_end = -1;

extern "C" void WriteSignal(int signal) {
  const int error = errno;
  const auto number = static_cast<unsigned char>(signal);
  // If the pipe is full there is more to read than anybody waits for.
  [[maybe_unused]] const ssize_t written = write(writing_end, &number, 1);
  errno = error;
}

}  // namespace

SignalPipe::SignalPipe(std::initializer_list<int> signals) {
  if (pipe(ends_.data()) != 0) {
    throw std::runtime_error("signals cannot be waited for: " + std::generic_category().message(errno));
  }
  for (const int end : ends_) {
    fcntl(end, F_SETFD, FD_CLOEXEC);
    fcntl(end, F_SETFL, O_NONBLOCK);
  }
  writing_end = ends_[1];
  for (const int signal : signals) {
    struct sigaction found {};
    sigaction(signal, nullptr, &found);
    if (signal == SIGHUP && found.sa_handler == SIG_IGN) continue;
    before_.emplace_back(signal, found);
    struct sigaction wanted {};
    wanted.sa_handler = WriteSignal;
    wanted.sa_flags = SA_RESTART;
    sigemptyset(&wanted.sa_mask);
    sigaction(signal, &wanted, nullptr);
  }
}

SignalPipe::~SignalPipe() {
  for (const auto& [signal, found] : before_) sigaction(signal, &found, nullptr);
  writing_end = -1;
  for (const int end : ends_) close(end);
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
