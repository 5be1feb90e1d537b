#include "base/log.h"

#include <chrono>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.h"

namespace warppool::internal {
namespace {

// Counts how often it is formatted.
struct Watched {
  int* formatted;
};

}  // namespace
}  // namespace warppool::internal

template <>
struct fmt::formatter<warppool::internal::Watched> {
  constexpr auto parse(format_parse_context& context) { return context.begin(); }
  template <typename Context>
  auto format(const warppool::internal::Watched& value, Context& context) const {
    ++*value.formatted;
    return fmt::format_to(context.out(), "watched");
  }
};

namespace warppool::internal {
namespace {

TEST_CASE("each level reaches the sink, with the time") {
  std::vector<std::string> lines;
  std::chrono::system_clock::time_point last{};
  using std::chrono::system_clock;
  const auto before = system_clock::now();
  const Logger log([&](const LogRecord& record) {
    lines.push_back(std::string(LogLevelName(record.level)) + " " + std::string(record.message));
    last = record.time;
  });
  log.Debug("a {}", 1);
  log.Info("b {}", "x");
  log.Warning("c");
  log.Error("{{}}");
  CHECK(lines == std::vector<std::string>{"DEBUG a 1", "INFO b x", "WARNING c", "ERROR {}"});
  CHECK(last >= before);
  CHECK(last <= system_clock::now());
}

TEST_CASE("control characters become spaces: one record is one line") {
  std::string line;
  const Logger log([&](const LogRecord& record) { line = record.message; });
  log.Info("{}", std::string("a\r\nb\tc\0d\x1b[31m\x7f|", 15));
  CHECK(line == "a  b c d [31m |");
  log.Info("{}", "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC");  // bytes of other characters stay
  CHECK(line == "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC");
}

TEST_CASE("a sink that throws is survived, and asked again") {
  int calls = 0;
  const Logger log([&](const LogRecord&) {
    ++calls;
    if (calls % 2 == 1) throw std::runtime_error("full");
    throw 1;
  });
  CHECK_NOTHROW(log.Error("one"));
  CHECK_NOTHROW(log.Error("two"));
  CHECK(calls == 2);
}

TEST_CASE("without a sink nothing is formatted") {
  int formatted = 0;
  for (const Logger& log : {Logger(), Logger(LogSink())}) {
    CHECK_FALSE(log.enabled());
    log.Debug("{}", Watched{&formatted});
    log.Info("{}", Watched{&formatted});
    log.Warning("{}", Watched{&formatted});
    log.Error("{}", Watched{&formatted});
  }
  CHECK(formatted == 0);
  const Logger log([](const LogRecord&) {});
  CHECK(log.enabled());
  log.Debug("{}", Watched{&formatted});
  CHECK(formatted == 1);
}

TEST_CASE("copies of a logger share the sink") {
  int calls = 0;
  Logger copy;
  {
    const Logger log([&calls](const LogRecord&) { ++calls; });
    copy = log;
    log.Info("one");
  }
  copy.Info("two");
  CHECK(calls == 2);
}

TEST_CASE("levels have names of their own") {
  std::set<std::string> names;
  for (const LogLevel level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
    names.insert(LogLevelName(level));
  }
  CHECK(names == std::set<std::string>{"DEBUG", "INFO", "WARNING", "ERROR"});
  CHECK(std::string(LogLevelName(static_cast<LogLevel>(11))) == "UNKNOWN");
}

}  // namespace
}  // namespace warppool::internal
