#include "protocol/wire_scan.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/unknown_field_set.h>

#include <random>
#include <string>

#include "base/utf8.h"
#include "protocol/text_fields.h"
#include "warppool/wire/response.pb.h"
#include "wire_text.h"

namespace warppool::internal {
namespace {

using google::protobuf::FieldDescriptor;
using Found = WireScan::Result;

WireScan ScanEvent(const std::string& bytes, int max_depth = 100) {
  return WireScanner(*wire::ResponseEvent::descriptor(), max_depth).Scan(bytes);
}

bool ParseEvent(const std::string& bytes, int max_depth, wire::ResponseEvent* event) {
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                            static_cast<int>(bytes.size()));
  in.SetRecursionLimit(max_depth);
  return event->ParseFromCodedStream(&in) && in.ConsumedEntireMessage();
}

wire::Message* AddMessage(wire::ResponseEvent* event) {
  auto* task = event->mutable_client_actions()->add_actions()->mutable_create_task()->mutable_task();
  task->add_messages();
  return task->add_messages();
}

// Texts, bytes, numbers, lists, maps, unknown fields and groups, some of them deep.
wire::ResponseEvent ManyThings() {
  wire::ResponseEvent event;
  event.mutable_client_actions()->add_actions()->mutable_begin_transaction();
  wire::Message* message = AddMessage(&event);
  auto* task = event.mutable_client_actions()->mutable_actions(1)->mutable_create_task()->mutable_task();
  auto* call = task->mutable_messages(0)->mutable_tool_call();
  call->mutable_write_to_long_running_shell_command()->set_input("\xFF\xFE");
  message->set_id("gr\xC3\xBC\xC3\x9F");
  message->mutable_timestamp()->set_seconds(1'767'319'445);
  auto* args = message->mutable_tool_call()->mutable_call_mcp_tool()->mutable_args();
  auto* field = args->add_fields();
  field->set_key("key");
  field->mutable_value()->mutable_list_value()->add_values()->set_string_value("text");
  field->mutable_value()->mutable_list_value()->add_values()->set_number_value(0.5);
  auto* unknown = message->GetReflection()->MutableUnknownFields(message);
  unknown->AddFixed32(2000, 7);
  unknown->AddFixed64(2001, 7);
  unknown->AddVarint(2002, 1U << 30U);
  unknown->AddLengthDelimited(2003, "\xFF");
  auto* group = unknown->AddGroup(2004);
  group->AddLengthDelimited(1, "\xFF\xFF");
  group->AddGroup(2005)->AddVarint(1, 1);
  auto* append = event.mutable_client_actions()->add_actions()->mutable_append_to_message_content();
  append->set_task_id("t");
  append->mutable_mask()->add_paths("agent_output.text");
  append->mutable_mask()->add_paths("id");
  return event;
}

TEST_CASE("what is in order is fine, and its messages are counted") {
  CHECK(ScanEvent("").result == Found::kFine);
  CHECK(ScanEvent("").messages == 1);
  wire::ResponseEvent event;
  event.mutable_init()->set_conversation_id("c");
  CHECK(ScanEvent(event.SerializeAsString()).messages == 2);
  const WireScan scan = ScanEvent(ManyThings().SerializeAsString());
  CHECK(scan.result == Found::kFine);
  CHECK_FALSE(scan.problem);
  // The event, its actions; begin and its action; create and its action, task, two messages, of the first one a call
  // and its tool; of the second one a time, a call, a tool, arguments, an entry, a value, a list, two values, and two
  // unknown groups; append, its action and mask.
  CHECK(scan.messages == 2 + 2 + 7 + 11 + 3);
}

TEST_CASE("a text that is not UTF-8 is named with its place") {
  wire::ResponseEvent event = ManyThings();
  std::string place;
  SECTION("at the top") {
    event.mutable_init()->set_run_id("ab\xFF");
    place = "init.run_id: not UTF-8 at byte 2";
  }
  SECTION("in lists in lists") {
    auto* updates = AddMessage(&event)->mutable_tool_call()->mutable_apply_file_diffs();
    updates->add_v4a_updates();
    updates->add_v4a_updates()->add_hunks()->add_change_context("fine");
    updates->mutable_v4a_updates(1)->mutable_hunks(0)->add_change_context("\xC0\x80");
    place =
        "client_actions.actions[3].create_task.task.messages[1].tool_call.apply_file_diffs.v4a_updates[1].hunks[0]."
        "change_context[1]: not UTF-8 at byte 0";
  }
  SECTION("in a field mask") {
    event.mutable_client_actions()->mutable_actions(2)->mutable_append_to_message_content()->mutable_mask()->set_paths(
        1, "i\xED\xA0\x80");
    place = "client_actions.actions[2].append_to_message_content.mask.paths[1]: not UTF-8 at byte 1";
  }
  SECTION("in a map's key") {
    AddMessage(&event)->mutable_tool_call()->mutable_call_mcp_tool()->mutable_args()->add_fields()->set_key("\x80");
    place =
        "client_actions.actions[3].create_task.task.messages[1].tool_call.call_mcp_tool.args.fields[0].key: not UTF-8 "
        "at byte 0";
  }
  const WireScan scan = ScanEvent(event.SerializeAsString());
  CHECK(scan.result == Found::kNotUtf8);
  REQUIRE(scan.problem);
  CHECK(*scan.problem == place);
}

TEST_CASE("what protobuf would refuse is malformed") {
  const std::string start_group = "\xA3\x7D";  // of field 2004
  const std::string end_group = "\xA4\x7D";
  CHECK(ScanEvent(start_group + end_group).result == Found::kFine);
  const std::string malformed = GENERATE_COPY(values<std::string>({
      "\x07",                                              // no such type
      std::string("\x00\x01", 2),                          // no field 0
      "\x0A",                                              // no length
      "\x0A\x05\x0A",                                      // longer than all there is
      "\x0A\x03\x0A\x05",                                  // longer than what it is in
      "\x0A\x02\x0A\x01x",                                 // the same, and there is something behind it
      "\x0A\xFF\xFF\xFF\xFF\x07",                          // 2 GiB
      "\x0A\xFF\xFF\xFF\xFF\xFF\x01",                      // more than that
      "\x80\x80\x80\x80\x80\x01\x01",                      // a tag of six bytes
      "\x78\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01",  // a number of eleven bytes
      "\x79\x01\x02\x03",                                  // a fixed number that is cut off
      "\x7D\x01\x02\x03",                                  // a shorter one
      start_group,
      end_group,
      start_group + "\xAC\x7D",  // the end of 2005
      start_group + "\x0A\x01" + end_group,
  }));
  CHECK(ScanEvent(malformed).result == Found::kMalformed);
  wire::ResponseEvent event;
  CHECK_FALSE(ParseEvent(malformed, 100, &event));
}

TEST_CASE("the depth is counted as protobuf counts it") {
  wire::ResponseEvent event;
  auto* value =
      AddMessage(&event)->mutable_tool_call()->mutable_call_mcp_tool()->mutable_args()->add_fields()->mutable_value();
  for (int i = 0; i < 20; ++i) value = value->mutable_list_value()->add_values();
  value->GetReflection()->MutableUnknownFields(value)->AddGroup(99)->AddGroup(98);
  const std::string bytes = event.SerializeAsString();
  int refused = 0;
  for (int depth = 1; depth <= 100; ++depth) {
    INFO(depth);
    const WireScan scan = ScanEvent(bytes, depth);
    CHECK((scan.result == Found::kFine) == ParseEvent(bytes, depth, &event));
    if (scan.result != Found::kFine) ++refused;
    CHECK(scan.result == (scan.messages == 54 ? Found::kFine : Found::kTooDeep));
  }
  CHECK(refused == 51);
}

bool AllTextsAreUtf8(const google::protobuf::Message& message) {
  const auto& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const int size = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < size; ++i) {
      if (IsText(*field) && FirstInvalidUtf8(field->is_repeated() ? reflection.GetRepeatedString(message, field, i)
                                                                  : reflection.GetString(message, field))) {
        return false;
      }
      if (field->message_type() != nullptr &&
          !AllTextsAreUtf8(field->is_repeated() ? reflection.GetRepeatedMessage(message, field, i)
                                                : reflection.GetMessage(message, field))) {
        return false;
      }
    }
  }
  return true;
}

// How often the scan came to each result.
struct Tally {
  int fine = 0;
  int malformed = 0;
  int not_utf8 = 0;
};

void Compare(const std::string& bytes, Tally* tally) {
  wire::ResponseEvent event;
  const bool parsed = ParseEvent(bytes, 100, &event);
  switch (ScanEvent(bytes).result) {
    case Found::kFine:
      if (parsed && !AllTextsAreUtf8(event)) FAIL("a text was overlooked: " << ShortTextOf(event));
      tally->fine += parsed ? 1 : 0;
      break;
    case Found::kMalformed:
      if (parsed) FAIL("protobuf takes what the scan refuses: " << ShortTextOf(event));
      ++tally->malformed;
      break;
    case Found::kNotUtf8:
      // In the message it may be gone, where another value of the field comes behind it.
      ++tally->not_utf8;
      break;
    case Found::kTooDeep:
      FAIL("nothing is that deep");
  }
}

TEST_CASE("of bytes that were changed, the scan says what protobuf and a look at each text say") {
  const std::string bytes = ManyThings().SerializeAsString();
  Tally tally;
  for (std::size_t size = 0; size < bytes.size(); ++size) Compare(bytes.substr(0, size), &tally);
  std::mt19937 random(11);
  for (int i = 0; i < 30'000; ++i) {
    std::string changed = bytes;
    for (unsigned n = 1 + random() % 2; n > 0; --n) {
      changed[random() % changed.size()] ^= static_cast<char>(1U << random() % 8);
    }
    Compare(changed, &tally);
  }
  CHECK(tally.fine > 1000);
  CHECK(tally.malformed > 1000);
  CHECK(tally.not_utf8 > 1000);
}

TEST_CASE("a scanner that found something wrong is as good as new") {
  WireScanner scanner(*wire::ResponseEvent::descriptor(), 100);
  const std::string bytes = ManyThings().SerializeAsString();
  CHECK(scanner.Scan(bytes.substr(0, bytes.size() / 2)).result == Found::kMalformed);
  CHECK(scanner.Scan(bytes).result == Found::kFine);
  CHECK(scanner.Scan(bytes).messages == scanner.Scan(bytes).messages);
}

}  // namespace
}  // namespace warppool::internal
