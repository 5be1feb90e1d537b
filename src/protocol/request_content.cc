#include "protocol/request_content.h"

#include <fmt/format.h>

namespace warppool::internal {
namespace {

using TimePoint = std::chrono::system_clock::time_point;

Problem CheckLines(const FileText& file) {
  if (file.first_line == 0 && file.last_line != 0) return At("last_line", Is("is set, but first_line is not"));
  if (file.last_line < file.first_line) {
    return At("last_line", Is(fmt::format("is {}, before first_line, {}", file.last_line, file.first_line)));
  }
  return {};
}

template <typename Message>
Problem WriteTime(std::string_view name, const std::optional<TimePoint>& time, Message* to,
                  google::protobuf::Timestamp* (Message::*field)()) {
  return time ? At(name, Write(*time, (to->*field)())) : Problem();
}

}  // namespace

Problem Write(TimePoint time, google::protobuf::Timestamp* to) {
  using std::chrono::nanoseconds;
  using std::chrono::seconds;
  // What a Timestamp may be. A clock that counts nanoseconds does not reach so far, others do.
  constexpr seconds kYear1{-62'135'596'800};
  constexpr seconds kYear10000{253'402'300'800};
  const auto since = time.time_since_epoch();
  seconds whole = std::chrono::duration_cast<seconds>(since);  // towards zero: that cannot overflow
  auto rest = std::chrono::duration_cast<nanoseconds>(since - whole);
  if (rest.count() < 0) {
    whole -= seconds(1);
    rest += seconds(1);
  }
  if (whole < kYear1 || whole >= kYear10000) return Is("is not in the years 1 to 9999");
  to->set_seconds(whole.count());
  to->set_nanos(static_cast<std::int32_t>(rest.count()));
  return {};
}

Problem WriteFile(const FileText& file, wire::FileContent* to) {
  if (file.first_line != 0) {
    to->mutable_line_range()->set_start(file.first_line);
    to->mutable_line_range()->set_end(file.last_line);
  }
  return FirstOf({RequireText("path", file.path, to, &wire::FileContent::mutable_file_path),
                  SetText("content", file.content, to, &wire::FileContent::mutable_content), CheckLines(file)});
}

Problem Write(const ShellCommand& command, wire::ExecutedShellCommand* to) {
  using Wire = wire::ExecutedShellCommand;
  to->set_exit_code(command.exit_code);
  return FirstOf({RequireText("command", command.command, to, &Wire::mutable_command),
                  PutText("output", command.output, to, &Wire::mutable_output),
                  PutText("command_id", command.command_id, to, &Wire::mutable_command_id),
                  WriteTime("started", command.started, to, &Wire::mutable_started_ts),
                  WriteTime("finished", command.finished, to, &Wire::mutable_finished_ts)});
}

}  // namespace warppool::internal
