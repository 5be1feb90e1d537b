#include "store/state_file.h"

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "catch.h"

namespace warppool::internal {
namespace {

using Catch::Matchers::ContainsSubstring;
using Lines = std::vector<std::string>;

StateFile Parsed(std::string_view text) {
  auto file = StateFile::Parse(text);
  INFO(text << "\n" << file.status().ToString());
  REQUIRE(file.ok());
  return *std::move(file);
}

std::string At(const StateFile& file, const std::string& key) {
  const std::string* value = file.Find(key);
  return value == nullptr ? "(none)" : *value;
}

TEST_CASE("an empty text is an empty file, and an empty file has its first line") {
  CHECK(Parsed("").Text() == "warppool-state 1\n");
  CHECK(StateFile().Text() == "warppool-state 1\n");
}

TEST_CASE("records are written by key, and read back byte for byte") {
  std::string every_byte;
  for (int i = 0; i < 256; ++i) every_byte += static_cast<char>(i);
  StateFile file;
  file.Apply({"b.2-x", every_byte});
  file.Apply({"a", "hello"});
  file.Apply({"empty", ""});
  const std::string text = file.Text();
  CHECK_THAT(text, Catch::Matchers::StartsWith("warppool-state 1\na aGVsbG8=\nb.2-x AAEC"));
  const StateFile again = Parsed(text);
  CHECK((At(again, "b.2-x") == every_byte));
  CHECK(At(again, "a") == "hello");
  CHECK(At(again, "empty").empty());
  CHECK(again.damaged().empty());
  CHECK(again.Text() == text);
}

TEST_CASE("a change replaces, adds, or takes away") {
  StateFile file = Parsed("warppool-state 1\na eA==\nb eQ==\n");
  file.Apply({"a", "new"});
  file.Apply({"b", std::nullopt});
  file.Apply({"c", "more"});
  file.Apply({"d", std::nullopt});
  CHECK(At(file, "a") == "new");
  CHECK(At(file, "b") == "(none)");
  CHECK(At(file, "c") == "more");
}

TEST_CASE("other line ends, and none at the end, lose nothing") {
  const auto text = GENERATE(as<std::string>(), "warppool-state 1\na eA==\nb eXl5\n",
                             "warppool-state 1\na eA==\nb eXl5", "warppool-state 1\r\na eA==\r\nb eXl5\r\n",
                             "warppool-state 1\r\na eA==\r\nb eXl5", "warppool-state 1\r\na eA==\nb eXl5\r",
                             "warppool-state 1\n\na eA==\n\r\nb eXl5\n\n", "warppool-state 1\n\n\n\na eA==\nb eXl5");
  const StateFile file = Parsed(text);
  CHECK(At(file, "a") == "x");
  CHECK(At(file, "b") == "yyy");
  CHECK(file.damaged().empty());
}

TEST_CASE("what does not begin as a state file is refused") {
  const auto text = GENERATE(as<std::string>(), "\n", " ", "hello", "a eA==\n", "\nwarppool-state 1\n",
                             " warppool-state 1\n", "WARPPOOL-STATE 1\n", "warppool-stat", "warppool-state\n",
                             "\xEF\xBB\xBFwarppool-state 1\n", std::string("\0", 1), "{\"format\":1}");
  const auto file = StateFile::Parse(text);
  REQUIRE_FALSE(file.ok());
  CHECK(file.code() == Code::kInvalidConfig);
  CHECK(file.status().message() == "not a state file");
}

TEST_CASE("a state file of another version is refused, and called that") {
  const auto text = GENERATE(as<std::string>(), "warppool-state 2\n", "warppool-state 10\na eA==\n",
                             "warppool-state 1 \n", "warppool-state ", "warppool-state 1\r\r\n");
  const auto file = StateFile::Parse(text);
  REQUIRE_FALSE(file.ok());
  CHECK_THAT(file.status().message(), ContainsSubstring("another version"));
}

TEST_CASE("a damaged line is kept as it is, and the others are read") {
  using namespace std::string_literals;
  const auto line =
      GENERATE(as<std::string>(), "b", " eA==", "b  eA==", "b eA== ", "b eA==x", "b e", "b eA=", "b eA",
               "b eB==", "b ++++", "b e\x80==", "b/c eA==", "b_c eA==", "b\teA==", "\xC3\xA9 eA==", "b eA\0="s, "\0"s,
               "warppool-state 1", "b eA==\r\r", "<<<<<<< HEAD", std::string(201, 'k') + " eA==");
  StateFile file = Parsed("warppool-state 1\na eA==\n" + line + "\nz enp6\n");
  CHECK(file.damaged() == Lines{line});
  CHECK(file.first_damaged_line() == 3);
  CHECK(At(file, "a") == "x");
  CHECK(At(file, "z") == "zzz");
  CHECK(At(file, "b") == "(none)");
  file.Apply({"a", std::nullopt});
  file.Apply({"n", "new"});
  CHECK((file.Text() == "warppool-state 1\n" + line + "\nn bmV3\nz enp6\n"));
  CHECK((Parsed(file.Text()).Text() == file.Text()));
}

TEST_CASE("a damaged last line without an end is kept apart from what comes then") {
  const StateFile file = Parsed("warppool-state 1\na eA==\nbroken li");
  CHECK(file.Text() == "warppool-state 1\nbroken li\na eA==\n");
}

TEST_CASE("of several records with one key the last one counts, and the others are kept until it goes") {
  StateFile file = Parsed("warppool-state 1\na MQ==\nb eA==\na Mg==\na Mw==\n");
  CHECK(At(file, "a") == "3");
  CHECK(file.damaged() == Lines{"a MQ==", "a Mg=="});
  file = Parsed(file.Text());
  CHECK(At(file, "a") == "3");
  file.Apply({"a", "4"});
  file = Parsed(file.Text());
  CHECK(At(file, "a") == "4");
  CHECK(file.damaged() == Lines{"a MQ==", "a Mg=="});  // what was written over was no line of its own
  file.Apply({"a", std::nullopt});
  file = Parsed(file.Text());
  CHECK(At(file, "a") == "(none)");
  CHECK(At(file, "b") == "x");
}

TEST_CASE("whatever happens to a file, what is read from it is written again, and stays the same from then on") {
  std::mt19937 random(20'261'126);  // the same each time
  const std::string whole = "warppool-state 1\na eA==\nb eXl5\nc.1-2 AAECAwQFBgc=\nd Zm9vYmFy\n";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = whole;
    for (auto changes = random() % 4; changes > 0; --changes) {
      const std::size_t at = 17 + random() % (text.size() - 17);
      switch (random() % 4) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, random() % 8);
          break;
        case 2:
          text.insert(at, 1, "\r\n =\0aZ"[random() % 7]);
          break;
        default:
          text.insert(at, text.substr(17 + random() % (text.size() - 17), random() % 30));
      }
    }
    const StateFile file = Parsed(text);
    const std::string written = file.Text();
    const StateFile again = Parsed(written);
    for (const char* key : {"a", "b", "c.1-2", "d"}) {
      if (At(again, key) != At(file, key)) FAIL("lost " << key << " of " << text);
    }
    if (again.damaged() != file.damaged() || again.Text() != written) FAIL("not the same: " << text);
  }
}

}  // namespace
}  // namespace warppool::internal
