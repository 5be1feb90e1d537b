#include "base/log.h"

#include <string>

#include "base/program_call.h"
#include "base/readable.h"

namespace warppool {

const char* LogLevelName(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::kDebug:
      return "DEBUG";
    case LogLevel::kInfo:
      return "INFO";
    case LogLevel::kWarning:
      return "WARNING";
    case LogLevel::kError:
      return "ERROR";
  }
  return "UNKNOWN";
}

}  // namespace warppool

namespace warppool::internal {

Logger::Logger(LogSink sink) {
  if (sink) sink_ = std::make_shared<const LogSink>(std::move(sink));
}

void Logger::Write(LogLevel level, std::string_view message) const noexcept {
  if (!MayCallProgram()) return;
  try {
    const std::string line = Readable(message);
    CallProgram([&] { (*sink_)({level, line, std::chrono::system_clock::now()}); });
  } catch (...) {  // NOLINT(bugprone-empty-catch): documented; there is nowhere left to report it to
  }
}

}  // namespace warppool::internal
