// Writing JSON.
//
//   JsonWriter json;
//   json.Object([&] {
//     json.Key("name").String(name);
//     json.Key("tokens").Array([&] { for (...) json.Number(n); });
//   });
//   Use(json.text());
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace warppool::internal {

// One document, without line ends. Text that is not UTF-8 is written with U+FFFD in the place of each byte that does
// not belong. The text is wiped when this is destroyed: secrets are written this way, too.
class JsonWriter {
 public:
  JsonWriter();
  ~JsonWriter();
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;

  // `members` writes them: a Key() and a value each. So `elements`, without the keys.
  template <typename Members>
  void Object(const Members& members) {
    StartObject();
    members();
    EndObject();
  }
  template <typename Elements>
  void Array(const Elements& elements) {
    StartArray();
    elements();
    EndArray();
  }
  JsonWriter& Key(std::string_view key);
  void String(std::string_view value);
  void Number(std::int64_t value);
  void Number(std::uint64_t value);
  void Number(int value) { Number(std::int64_t{value}); }
  void Number(double value);  // as short as it can be read back; null if it is not finite
  void Bool(bool value);
  void Null();

  // Valid until the next call.
  const std::string& text() const;
  // The same without a copy, to be kept. It is the last call.
  std::string Take() &&;

 private:
  struct State;

  void StartObject();
  void EndObject();
  void StartArray();
  void EndArray();

  const std::unique_ptr<State> state_;
};

}  // namespace warppool::internal
