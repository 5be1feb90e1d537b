// Log lines, for whoever wants them. The library prints nothing by itself.
//
//   options.log = [](const warppool::LogRecord& record) {
//     std::cerr << warppool::LogLevelName(record.level) << " " << record.message << "\n";
//   };
//
// No line holds a token, a JWT or a key; tokens appear under their names (see token_pool.h).
#pragma once

#include <chrono>
#include <functional>
#include <string_view>

namespace warppool {

// The numbers are stable and the same in C (warppool_log_level).
enum class LogLevel : int {
  kDebug = 10,    // each step of each request
  kInfo = 20,     // what was loaded, the pool's summary, which token was chosen, refreshes
  kWarning = 30,  // a token failed or was disabled, configuration that looks wrong but works
  kError = 40,    // all tokens failed
};

// "DEBUG", "INFO", "WARNING", "ERROR". Never NULL. Any thread.
const char* LogLevelName(LogLevel level) noexcept;

struct LogRecord {
  LogLevel level;
  std::string_view message;  // one line, UTF-8, no line end; valid during the call only
  std::chrono::system_clock::time_point time;
};

// Called in whichever thread has something to say, the client's I/O thread included, and by several at once: it must be
// thread-safe and return promptly, and must neither call the client that it belongs to nor destroy it or its streams.
// What it throws is dropped. An empty sink switches logging off, and then no line is even formatted.
using LogSink = std::function<void(const LogRecord&)>;

}  // namespace warppool
