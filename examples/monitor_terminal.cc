#include "monitor_terminal.h"

#include <langinfo.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdlib>
#include <string_view>

namespace monitor {

using std::chrono::milliseconds;

namespace {

// The second screen, no cursor, no wrapping; and back in the other order.
constexpr const char* kTake = "\x1b[?1049h\x1b[?25l\x1b[?7l";
constexpr const char* kGiveBack = "\x1b[?7h\x1b[?25h\x1b[?1049l";

}  // namespace

bool IsTerminal() {
  const char* const kind = std::getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && kind != nullptr && *kind != '\0' && std::string_view(kind) != "dumb";
}

Size TerminalSize() {
  winsize window{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0 || window.ws_row == 0) return {};
  return {window.ws_col, window.ws_row};
}

bool UsesUtf8() {
  std::setlocale(LC_CTYPE, "");
  return std::string_view(nl_langinfo(CODESET)) == "UTF-8";
}

bool Write(const std::string& text) {
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t written = write(STDOUT_FILENO, rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

Signals::Signals() {
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
}

Signals::News Signals::WaitUntil(std::chrono::steady_clock::time_point time, bool keys) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(time - std::chrono::steady_clock::now());
    const auto wait = std::clamp<milliseconds::rep>(left.count(), 0, 3'600'000);
    pollfd sources[] = {{signals_.descriptor(), POLLIN, 0}, {keys && !keyboard_gone_ ? STDIN_FILENO : -1, POLLIN, 0}};
    const int ready = poll(sources, 2, static_cast<int>(wait));
    if (ready == 0) return News::kNone;
    if (ready < 0) continue;  // EINTR: it was stopped, and goes on
    News news = News::kNone;
    if (sources[0].revents != 0) news = ReadSignal();
    if (news == News::kNone && sources[1].revents != 0) news = ReadKey();
    if (news != News::kNone) return news;
  }
}

Signals::News Signals::ReadSignal() {
  switch (signals_.Take()) {
    case 0:
      return News::kNone;
    case SIGTSTP:
      return News::kSuspend;
    case SIGWINCH:
      return News::kResized;
    default:
      return News::kEnd;
  }
}

Signals::News Signals::ReadKey() {
  char key = 0;
  const ssize_t got = read(STDIN_FILENO, &key, 1);
  if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) keyboard_gone_ = true;
  return got == 1 && (key == 'q' || key == 'Q') ? News::kEnd : News::kNone;
}

Screen::Screen() {
  termios settings{};
  // In the background it would be stopped for changing them.
  if (tcgetattr(STDIN_FILENO, &settings) == 0 && tcgetpgrp(STDIN_FILENO) == getpgrp()) found_ = settings;
  Enter();
}

Screen::~Screen() {
  Leave();
}

bool Screen::Show(const std::vector<std::string>& lines) {
  std::string text = "\x1b[H";
  for (std::size_t i = 0; i < lines.size(); ++i) text += (i == 0 ? "" : "\r\n") + lines[i] + "\x1b[K";
  return Write(text + "\x1b[J");
}

void Screen::Suspend() {
  Leave();
  kill(getpid(), SIGSTOP);
  Enter();
}

void Screen::Enter() {
  if (found_) {
    termios quiet = *found_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON);
    tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
  }
  Write(kTake);
}

void Screen::Leave() {
  Write(kGiveBack);
  if (found_) tcsetattr(STDIN_FILENO, TCSANOW, &*found_);
}

}  // namespace monitor
