// What was compiled is what the table of facts says.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/struct.pb.h>

#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "catch.h"
#include "protocol/map_entry.h"
#include "protocol/protobuf_version.h"
#include "protocol/text_fields.h"
#include "warppool/wire/request.pb.h"
#include "warppool/wire/saved.pb.h"

namespace warppool::internal {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

constexpr char kPackage[] = "warppool.wire.";
constexpr char kStruct[] = "warppool/wire/struct.proto";

// "number type label oneof" of each row, by message and field.
struct Table {
  std::map<std::string, std::string> rows;
  std::set<std::string> messages;
};

Table ReadTable() {
  Table table;
  std::ifstream file(WARPPOOL_SCHEMA_TABLE);
  REQUIRE(file);
  for (std::string line; std::getline(file, line);) {
    if (line.front() == '#') continue;
    std::istringstream columns(line + "\t");
    std::vector<std::string> row;
    for (std::string column; std::getline(columns, column, '\t');) row.push_back(column);
    INFO(line);
    REQUIRE(row.size() == 6);
    table.messages.insert(row[0]);
    table.rows[row[0] + "." + row[1]] = row[2] + " " + row[3] + " " + row[4] + " " + row[5];
  }
  return table;
}

// As the table writes it: without our package, which the service's has instead.
template <typename Thing>
std::string NameOf(const Thing& thing) {
  std::string name(FullSchemaName(thing));
  // Those of our own have protobuf's name in the table.
  if (SchemaName(*thing.file()) == kStruct) return "google.protobuf." + std::string(SchemaName(thing));
  return name.rfind(kPackage, 0) == 0 ? name.substr(sizeof kPackage - 1) : name;
}

std::string TypeOf(const FieldDescriptor& field) {
  if (IsMap(field)) return "map<" + TypeOf(KeyOf(field)) + "," + TypeOf(ValueOf(field)) + ">";
  if (field.message_type() != nullptr) return NameOf(*field.message_type());
  if (field.enum_type() != nullptr) return NameOf(*field.enum_type());
  if (field.type() == FieldDescriptor::TYPE_BYTES && IsText(field)) return "string";
  return std::string(field.type_name());
}

std::string RowOf(const FieldDescriptor& field) {
  const char* label = IsMap(field) ? "map" : field.is_repeated() ? "repeated" : "";
  const auto* oneof = field.real_containing_oneof();  // `optional` makes one that is none
  return std::to_string(field.number()) + " " + TypeOf(field) + " " + label + " " +
         (oneof == nullptr ? "" : std::string(SchemaName(*oneof)));
}

class Comparison {
 public:
  explicit Comparison(const Table& table) : table_(table) {}

  void Check(const FileDescriptor& file) {
    for (int i = 0; i < file.message_type_count(); ++i) Check(*file.message_type(i));
    for (int i = 0; i < file.enum_type_count(); ++i) Check(*file.enum_type(i));
  }

  int messages() const { return messages_; }
  int fields() const { return fields_; }
  int values() const { return values_; }

 private:
  void Check(const Descriptor& message) {
    INFO(FullSchemaName(message));
    if (is_entry_.count(&message) != 0) return CheckEntry(message);
    ++messages_;
    CHECK(table_.messages.count(NameOf(message)) == 1);
    for (int i = 0; i < message.field_count(); ++i) {
      const FieldDescriptor& field = *message.field(i);
      ++fields_;
      INFO(SchemaName(field));
      CheckRow(NameOf(message) + "." + std::string(SchemaName(field)), RowOf(field));
      if (!field.is_repeated()) CHECK(field.has_presence());
      CHECK_FALSE(field.is_map());  // proto/README.md
      if (IsMap(field)) is_entry_.insert(field.message_type());
    }
    for (int i = 0; i < message.nested_type_count(); ++i) Check(*message.nested_type(i));
    for (int i = 0; i < message.enum_type_count(); ++i) Check(*message.enum_type(i));
  }

  static void CheckEntry(const Descriptor& entry) {
    REQUIRE(entry.field_count() == 2);
    for (int i = 0; i < 2; ++i) {
      CHECK(SchemaName(*entry.field(i)) == (i == 0 ? "key" : "value"));
      CHECK(entry.field(i)->number() == i + 1);
      CHECK(entry.field(i)->has_presence());
    }
    CHECK(IsText(*entry.field(0)));
  }

  void Check(const EnumDescriptor& type) {
    for (int i = 0; i < type.value_count(); ++i) {
      ++values_;
      CheckRow(NameOf(type) + "." + std::string(SchemaName(*type.value(i))),
               std::to_string(type.value(i)->number()) + " (enum value)  ");
    }
  }

  void CheckRow(const std::string& name, const std::string& ours) {
    const auto row = table_.rows.find(name);
    INFO(name);
    CHECK((row == table_.rows.end() ? "is not in the table" : row->second) == ours);
  }

  const Table& table_;
  std::set<const Descriptor*> is_entry_;
  int messages_ = 0;
  int fields_ = 0;
  int values_ = 0;
};

TEST_CASE("every message, field and enum value of the schema is in the table of facts") {
  const Table table = ReadTable();
  CHECK(table.rows.size() > 1000);
  Comparison comparison(table);
  const FileDescriptor& request = *wire::Request::descriptor()->file();
  std::set<std::string> files = {std::string(SchemaName(request))};
  comparison.Check(request);
  for (int i = 0; i < request.dependency_count(); ++i) {
    const FileDescriptor& file = *request.dependency(i);
    if (std::string(file.package()) + "." != kPackage) continue;  // google's
    files.emplace(SchemaName(file));
    if (SchemaName(file) != kStruct) comparison.Check(file);
  }
  CHECK(files == std::set<std::string>{"warppool/wire/content.proto", "warppool/wire/request.proto",
                                       "warppool/wire/response.proto", "warppool/wire/result.proto", kStruct,
                                       "warppool/wire/task.proto"});
  CHECK(comparison.messages() > 150);
  CHECK(comparison.fields() > 400);
  CHECK(comparison.values() > 60);
}

// Fields, and what they are: "fields 1 repeated FieldsEntry".
std::set<std::string> FieldsOf(const Descriptor& message) {
  std::set<std::string> fields;
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    const std::string type =
        field.message_type() != nullptr ? std::string(SchemaName(*field.message_type())) : TypeOf(field);
    const auto* oneof = field.real_containing_oneof();
    fields.insert(std::string(SchemaName(field)) + " " + std::to_string(field.number()) +
                  (field.is_repeated() ? " repeated " : " ") + type + " " +
                  (oneof == nullptr ? "" : std::string(SchemaName(*oneof))));
  }
  return fields;
}

TEST_CASE("JSON is written as protobuf's own Struct writes it") {
  CHECK(FieldsOf(*wire::Struct::descriptor()) == FieldsOf(*google::protobuf::Struct::descriptor()));
  CHECK(FieldsOf(*wire::Value::descriptor()) == FieldsOf(*google::protobuf::Value::descriptor()));
  CHECK(FieldsOf(*wire::ListValue::descriptor()) == FieldsOf(*google::protobuf::ListValue::descriptor()));
  const auto& entry = *google::protobuf::Struct::descriptor()->FindFieldByName("fields")->message_type();
  CHECK(FieldsOf(*wire::Struct::FieldsEntry::descriptor()) == FieldsOf(entry));
  CHECK(FieldsOf(*wire::FieldMask::descriptor()) == FieldsOf(*google::protobuf::FieldMask::descriptor()));
}

// With all that it can hold.
void VisitFields(const Descriptor& root, const std::function<void(const FieldDescriptor& field)>& visit) {
  std::set<const Descriptor*> seen;
  const std::function<void(const Descriptor&)> visit_message = [&](const Descriptor& message) {
    if (!seen.insert(&message).second) return;
    for (int i = 0; i < message.field_count(); ++i) {
      visit(*message.field(i));
      if (message.field(i)->message_type() != nullptr) visit_message(*message.field(i)->message_type());
    }
  };
  visit_message(root);
}

TEST_CASE("no message has a string, of which protobuf would say that it is not UTF-8") {
  int texts = 0;
  std::set<std::string> binary;
  for (const Descriptor* root :
       {wire::ResponseEvent::descriptor(), wire::Request::descriptor(), wire::SavedConversation::descriptor()}) {
    VisitFields(*root, [&](const FieldDescriptor& field) {
      INFO(FullSchemaName(field));
      CHECK(field.type() != FieldDescriptor::TYPE_STRING);
      if (IsText(field)) ++texts;
      if (field.type() == FieldDescriptor::TYPE_BYTES && !IsText(field)) binary.emplace(FullSchemaName(field));
    });
  }
  CHECK(texts > 300);
  // The table of facts has one more, which is in nothing that this library knows.
  CHECK(binary.size() == 5);
}

// What a message can hold that may have a JSON of its own: types of protobuf's and their like, and "map".
std::set<std::string> SpecialIn(const Descriptor& root) {
  std::set<const Descriptor*> seen;
  std::set<std::string> special;
  const std::function<void(const Descriptor&)> visit = [&](const Descriptor& message) {
    if (!seen.insert(&message).second) return;
    if (NameOf(message).rfind("google.protobuf.", 0) == 0) {
      special.emplace(SchemaName(message));
      return;
    }
    for (int i = 0; i < message.field_count(); ++i) {
      const FieldDescriptor& field = *message.field(i);
      if (IsMap(field)) special.insert("map");
      if (field.message_type() != nullptr) visit(*field.message_type());
    }
  };
  visit(root);
  return special;
}

TEST_CASE("what is turned into JSON, or is made of it, holds nothing that this would not know") {
  using Names = std::set<std::string>;
  CHECK(SpecialIn(*wire::Message::descriptor()) == Names{"Duration", "Empty", "Struct", "Timestamp", "map"});
  CHECK(SpecialIn(*wire::Suggestions::descriptor()).empty());
  CHECK(SpecialIn(*wire::Request::Input::ToolCallResult::descriptor()) == Names{"Empty", "Timestamp"});
}

}  // namespace
}  // namespace warppool::internal
