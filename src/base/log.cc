#include "base/log.h"

#include <algorithm>

#include "base/program_call.h"

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

void Logger::Write(LogLevel level, std::string message) const noexcept {
  std::replace_if(
      message.begin(), message.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  if (!MayCallProgram()) return;
  try {
    CallProgram([&] { (*sink_)({level, message, std::chrono::system_clock::now()}); });
  } catch (...) {  // NOLINT(bugprone-empty-catch): documented; there is nowhere left to report it to
  }
}

}  // namespace warppool::internal
