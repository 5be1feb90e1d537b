// The terminal and the signals of the monitor: whatever ends it, the terminal is left as it was found.
#pragma once

#include <termios.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "monitor_view.h"
#include "signal_pipe.h"

namespace monitor {

// Whether standard output can be drawn on: a terminal, and not a dumb one.
bool IsTerminal();

// Of the terminal, as it is now; a usual one, if it does not say.
Size TerminalSize();

// Whether the locale of the environment is UTF-8. Sets the process's character type to it.
bool UsesUtf8();

// Writes all of it to standard output; false: nobody takes it any more.
bool Write(const std::string& text);

// SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP and SIGWINCH as something to wait for, so that none ends a drawing halfway.
// Made before any thread is started, since these inherit what is blocked: SIGPIPE stays so, and Write() says it.
class Signals {
 public:
  Signals();  // throws std::runtime_error

  enum class News { kNone, kEnd, kSuspend, kResized };

  // Waits for one of them until `time`, and with `keys` for a "q", which means kEnd.
  News WaitUntil(std::chrono::steady_clock::time_point time, bool keys);

 private:
  News ReadSignal();
  News ReadKey();

  example::SignalPipe signals_{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};
  bool keyboard_gone_ = false;
};

// Takes the terminal's second screen, hides the cursor and keeps typed keys from showing; undone at the end.
class Screen {
 public:
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // Over what is there, line by line, in one piece: nothing flickers. False: nobody takes it any more.
  bool Show(const std::vector<std::string>& lines);

  // Gives the terminal back, stops this process as SIGTSTP would, and takes it again when it goes on.
  void Suspend();

 private:
  void Enter();
  void Leave();

  std::optional<termios> found_;  // standard input's settings, if it is a terminal
};

}  // namespace monitor
