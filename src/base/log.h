// Formats log lines for the program's sink. Copies share the sink. Any thread.
//
// Never call it with a lock held: the sink is the program's, and may take its time.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <string_view>
#include <utility>

#include "warppool/log.h"

namespace warppool::internal {

class Logger {
 public:
  Logger() = default;  // silent
  explicit Logger(LogSink sink);

  bool enabled() const { return sink_ != nullptr; }

  template <typename... Args>
  void Debug(fmt::format_string<Args...> format, Args&&... args) const {
    if (enabled()) Write(LogLevel::kDebug, fmt::format(format, std::forward<Args>(args)...));
  }
  template <typename... Args>
  void Info(fmt::format_string<Args...> format, Args&&... args) const {
    if (enabled()) Write(LogLevel::kInfo, fmt::format(format, std::forward<Args>(args)...));
  }
  template <typename... Args>
  void Warning(fmt::format_string<Args...> format, Args&&... args) const {
    if (enabled()) Write(LogLevel::kWarning, fmt::format(format, std::forward<Args>(args)...));
  }
  template <typename... Args>
  void Error(fmt::format_string<Args...> format, Args&&... args) const {
    if (enabled()) Write(LogLevel::kError, fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  // Line ends and all else that Readable() knows in `message` (a service's words, say) become blanks: one record, one
  // line.
  void Write(LogLevel level, std::string_view message) const noexcept;

  std::shared_ptr<const LogSink> sink_;  // null: silent
};

}  // namespace warppool::internal
