// Where the parts of a context and of its attachments land in the service's message.
#include "protocol/request_context.h"

#include <chrono>
#include <string>

#include "protocol/request_content.h"
#include "wire_text.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using TimePoint = std::chrono::system_clock::time_point;

wire::InputContext Written(const Context& context) {
  wire::InputContext message;
  const Problem problem = Write(context, &message);
  INFO(problem.value_or(""));
  REQUIRE_FALSE(problem);
  return message;
}

TEST_CASE("every part of a context is sent") {
  Context context;
  context.directory = "/home/me/project";
  context.home = "/home/me";
  context.platform = "Linux";
  context.distribution = "Debian GNU/Linux";
  context.shell = "bash";
  context.shell_version = "5.2";
  context.current_time = TimePoint(1'700'000'000'250ms);
  context.git = {"0a1b2c", "main", "project", "me", "github.com"};
  context.codebases = {{"project", "/home/me/project"}, {"other"}};
  context.project_rules = {{"/home/me/project", {{"RULES.md", "Be brief."}}, {"src/RULES.md"}}};
  context.selected_text = {"int main"};
  context.files = {{"a.c", ""}, {"b.c", "int b;", 3, 4}};
  context.images = {{"\xFF\xD8", "image/jpeg"}};
  context.shell_commands = {{"make", "done", 2, "id", TimePoint(1s), TimePoint(2s)}, {"true"}};
  CHECK(TextOf(Written(context)) == Text<wire::InputContext>(R"(
          directory { pwd: "/home/me/project" home: "/home/me" }
          operating_system { platform: "Linux" distribution: "Debian GNU/Linux" }
          shell { name: "bash" version: "5.2" }
          current_time { seconds: 1700000000 nanos: 250000000 }
          codebases { name: "project" path: "/home/me/project" }
          codebases { name: "other" }
          project_rules {
            root_path: "/home/me/project"
            active_rule_files { file_path: "RULES.md" content: "Be brief." }
            additional_rule_file_paths: "src/RULES.md"
          }
          git { head: "0a1b2c" branch: "main" repository { name: "project" owner: "me" host: "github.com" } }
          executed_shell_commands {
            command: "make" output: "done" exit_code: 2 command_id: "id"
            started_ts { seconds: 1 } finished_ts { seconds: 2 }
          }
          executed_shell_commands { command: "true" exit_code: 0 }
          selected_text { text: "int main" }
          images { data: "\377\330" mime_type: "image/jpeg" }
          files { content { file_path: "a.c" content: "" } }
          files { content { file_path: "b.c" content: "int b;" line_range { start: 3 end: 4 } } }
        )"));
}

TEST_CASE("what is empty is not sent") {
  CHECK(Written({}).ByteSizeLong() == 0);
  Context context;
  context.git.owner = "me";
  context.shell_version = "5.2";
  CHECK(TextOf(Written(context)) ==
        Text<wire::InputContext>("shell { version: '5.2' } git { repository { owner: 'me' } }"));
}

TEST_CASE("every kind of attachment is sent") {
  const auto written = [](const Attachment& attachment) {
    wire::Attachment message;
    CHECK_FALSE(Write(attachment, &message));
    return TextOf(message);
  };
  CHECK(written("") == Text<wire::Attachment>("plain_text: ''"));
  CHECK(written(ShellCommand{"make"}) ==
        Text<wire::Attachment>("executed_shell_command { command: 'make' exit_code: 0 }"));
  CHECK(written(Document{"d", ""}) == Text<wire::Attachment>("document_content { document_id: 'd' content: '' }"));
  CHECK(written(FileReference{"a.c"}) == Text<wire::Attachment>("file_path_reference { file_path: 'a.c' }"));
}

TEST_CASE("a time is whole seconds and what is beyond them, before 1970 too") {
  const auto written = [](TimePoint time) {
    google::protobuf::Timestamp message;
    CHECK_FALSE(Write(time, &message));
    return std::chrono::seconds(message.seconds()) + std::chrono::nanoseconds(message.nanos());
  };
  google::protobuf::Timestamp message;
  REQUIRE_FALSE(Write(TimePoint(-1ms), &message));
  CHECK(message.seconds() == -1);
  CHECK(message.nanos() == 999'000'000);
  for (const TimePoint time : {TimePoint(), TimePoint(-1s), TimePoint(1'999ms)}) {
    CHECK(written(time) == time.time_since_epoch());
  }
}

// A clock that counts nanoseconds lies within the years 1 to 9999, one that counts microseconds reaches beyond them.
TEST_CASE("the clock's first and last time are sent if they are in the years 1 to 9999, and refused if not") {
  const TimePoint time = GENERATE(TimePoint::min(), TimePoint::max());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch());
  google::protobuf::Timestamp message;
  const Problem problem = Write(time, &message);
  if (seconds < -62'135'596'800s || seconds >= 253'402'300'800s) {
    CHECK(problem.value_or("") == ": is not in the years 1 to 9999");
    return;
  }
  CHECK_FALSE(problem);
  CHECK(message.nanos() >= 0);
  // Only what is beyond the whole seconds: all of it may not fit in nanoseconds.
  const auto rest = std::chrono::seconds(message.seconds()) - seconds + std::chrono::nanoseconds(message.nanos());
  CHECK(rest == time.time_since_epoch() - seconds);
}

}  // namespace
}  // namespace warppool::internal
