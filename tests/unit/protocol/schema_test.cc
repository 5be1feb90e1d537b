// What was compiled is what the table of facts says.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "warppool/wire/request.pb.h"

namespace warppool {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

constexpr char kPackage[] = "warppool.wire.";

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
  std::string name = thing.full_name();
  return name.rfind(kPackage, 0) == 0 ? name.substr(sizeof kPackage - 1) : name;
}

std::string TypeOf(const FieldDescriptor& field) {
  if (field.is_map()) {
    const Descriptor& entry = *field.message_type();
    return "map<" + TypeOf(*entry.map_key()) + "," + TypeOf(*entry.map_value()) + ">";
  }
  if (field.message_type() != nullptr) return NameOf(*field.message_type());
  if (field.enum_type() != nullptr) return NameOf(*field.enum_type());
  return field.type_name();
}

std::string RowOf(const FieldDescriptor& field) {
  const char* label = field.is_map() ? "map" : field.is_repeated() ? "repeated" : "";
  const auto* oneof = field.real_containing_oneof();  // `optional` makes one that is none
  return std::to_string(field.number()) + " " + TypeOf(field) + " " + label + " " +
         (oneof == nullptr ? "" : oneof->name());
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
    if (message.options().map_entry()) return;
    ++messages_;
    INFO(message.full_name());
    CHECK(table_.messages.count(NameOf(message)) == 1);
    for (int i = 0; i < message.field_count(); ++i) {
      const FieldDescriptor& field = *message.field(i);
      ++fields_;
      INFO(field.name());
      CheckRow(NameOf(message) + "." + field.name(), RowOf(field));
      if (!field.is_repeated()) CHECK(field.has_presence());
    }
    for (int i = 0; i < message.nested_type_count(); ++i) Check(*message.nested_type(i));
    for (int i = 0; i < message.enum_type_count(); ++i) Check(*message.enum_type(i));
  }

  void Check(const EnumDescriptor& type) {
    for (int i = 0; i < type.value_count(); ++i) {
      ++values_;
      CheckRow(NameOf(type) + "." + type.value(i)->name(), std::to_string(type.value(i)->number()) + " (enum value)  ");
    }
  }

  void CheckRow(const std::string& name, const std::string& ours) {
    const auto row = table_.rows.find(name);
    INFO(name);
    CHECK((row == table_.rows.end() ? "is not in the table" : row->second) == ours);
  }

  const Table& table_;
  int messages_ = 0;
  int fields_ = 0;
  int values_ = 0;
};

TEST_CASE("every message, field and enum value of the schema is in the table of facts") {
  const Table table = ReadTable();
  CHECK(table.rows.size() > 1000);
  Comparison comparison(table);
  const FileDescriptor& request = *wire::Request::descriptor()->file();
  std::set<std::string> files = {request.name()};
  comparison.Check(request);
  for (int i = 0; i < request.dependency_count(); ++i) {
    const FileDescriptor& file = *request.dependency(i);
    if (file.package() + "." != kPackage) continue;  // google's
    files.insert(file.name());
    comparison.Check(file);
  }
  CHECK(files == std::set<std::string>{"warppool/wire/content.proto", "warppool/wire/request.proto",
                                       "warppool/wire/response.proto", "warppool/wire/result.proto",
                                       "warppool/wire/task.proto"});
  CHECK(comparison.messages() > 150);
  CHECK(comparison.fields() > 400);
  CHECK(comparison.values() > 60);
}

}  // namespace
}  // namespace warppool
