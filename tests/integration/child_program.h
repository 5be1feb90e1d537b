// A program of the tests' own that runs as another process, is spoken to in lines, and can be stopped and killed. It
// makes no assertion, so that any thread may use it.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace warppool::internal {

class ChildProgram {
 public:
  // `arguments`: the program's path, and what it is called with.
  explicit ChildProgram(const std::vector<std::string>& arguments) {
    int in[2];
    int out[2];
    if (pipe2(in, O_CLOEXEC) != 0) return;
    if (pipe2(out, O_CLOEXEC) != 0) {
      ::close(in[0]);
      ::close(in[1]);
      return;
    }
    std::vector<const char*> words;
    for (const std::string& argument : arguments) words.push_back(argument.c_str());
    words.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(in[0], STDIN_FILENO);
      dup2(out[1], STDOUT_FILENO);
      execv(words[0], const_cast<char* const*>(words.data()));
      _exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    to_ = in[1];
    from_ = out[0];
  }
  ~ChildProgram() {
    if (to_ >= 0) ::close(to_);
    if (!is_reaped_ && pid_ > 0) {
      Kill();
      Wait(std::chrono::milliseconds(0));
    }
    if (from_ >= 0) ::close(from_);
  }
  ChildProgram(const ChildProgram&) = delete;
  ChildProgram& operator=(const ChildProgram&) = delete;

  pid_t pid() const { return pid_; }

  // False: it is gone.
  bool Say(const std::string& line) {
    const std::string text = line + "\n";
    return write(to_, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }
  // No more will be said.
  void EndInput() {
    ::close(to_);
    to_ = -1;
  }
  // The next line; nothing when none came in time, or it is gone.
  std::optional<std::string> Hear(std::chrono::milliseconds patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    for (;;) {
      const std::size_t end = heard_.find('\n');
      if (end != std::string::npos) {
        std::string line = heard_.substr(0, end);
        heard_.erase(0, end + 1);
        return line;
      }
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      pollfd ready{from_, POLLIN, 0};
      if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) <= 0) return std::nullopt;
      char buffer[4096];
      const ssize_t got = read(from_, buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return std::nullopt;
      heard_.append(buffer, static_cast<std::size_t>(got));
    }
  }

  void Stop() { kill(pid_, SIGSTOP); }
  void Continue() { kill(pid_, SIGCONT); }
  void Tell(int signal) { kill(pid_, signal); }
  // When it returns the process is dead. Any thread.
  void Kill() {
    kill(pid_, SIGKILL);
    siginfo_t info;
    while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
    }
  }
  // Whether it has been stopped, by itself or by somebody; it has been when this returns true.
  bool WaitUntilStopped(std::chrono::milliseconds patience) { return WaitFor(WSTOPPED | WNOWAIT, patience); }
  // Its exit code; -1: a signal ended it, or it did not end in time.
  int Wait(std::chrono::milliseconds patience) {
    if (!is_reaped_ && patience.count() > 0 && !WaitFor(WEXITED | WNOWAIT, patience)) Kill();
    while (!is_reaped_ && waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
    is_reaped_ = true;
    return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
  }

 private:
  bool WaitFor(int what, std::chrono::milliseconds patience) const {
    const auto until = std::chrono::steady_clock::now() + patience;
    do {
      siginfo_t info{};
      if (waitid(P_PID, static_cast<id_t>(pid_), &info, what | WNOHANG) == 0 && info.si_pid == pid_) return true;
      usleep(2'000);
    } while (std::chrono::steady_clock::now() < until);
    return false;
  }

  pid_t pid_ = -1;
  int to_ = -1;
  int from_ = -1;
  std::string heard_;
  bool is_reaped_ = false;
  int status_ = 0;
};

}  // namespace warppool::internal
