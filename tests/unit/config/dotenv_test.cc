#include "config/dotenv.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"

namespace warppool::internal {
namespace {

const std::map<std::string, std::string> kEnvironment{{"HOME", "/home/me"}, {"EMPTY", ""}};

std::optional<std::string> Lookup(const std::string& name) {
  const auto found = kEnvironment.find(name);
  if (found == kEnvironment.end()) return std::nullopt;
  return found->second;
}

Result<std::vector<DotenvEntry>> Parse(std::string_view text) {
  return ParseDotenv(text, "name.env", Lookup);
}

// "key=[value] key2" of what `text` holds, or the error.
std::string Read(std::string_view text) {
  const auto entries = Parse(text);
  if (!entries.ok()) return entries.status().message();
  std::string out;
  for (const DotenvEntry& entry : *entries) {
    out += (out.empty() ? "" : " ") + entry.key;
    if (entry.value) out += "=[" + *entry.value + "]";
  }
  return out;
}

struct Row {
  const char* text;
  const char* read;
};

TEST_CASE("keys and values are read as python-dotenv reads them") {
  const auto row = GENERATE(values<Row>({
      {"", ""},
      {"\n \n\t\n", ""},
      {"# only a comment", ""},
      {"A=1", "A=[1]"},
      {"A=1\nB=2\n", "A=[1] B=[2]"},
      {"A=1\r\nB=2\rC=3", "A=[1] B=[2] C=[3]"},
      {"  A = 1  ", "A=[1]"},
      {"A=", "A=[]"},
      {"A=\nB=1", "A=[] B=[1]"},
      {"A", "A"},
      {"A # comment", "A"},
      {"A=a b c", "A=[a b c]"},
      {"A=a=b", "A=[a=b]"},
      {"A.b-c/d=1", "A.b-c/d=[1]"},
      {"'A B'=1", "A B=[1]"},
      {"\"A\"=1", "\"A\"=[1]"},
      {"A=1\nA=2\nB=3", "A=[2] B=[3]"},
      {"A=1\nB=2\nA", "A B=[2]"},
      {"\xEF\xBB\xBF"
       "A=1",
       "A=[1]"},
      {"A=\xC3\xA9\xC2\xA0\nB\xE2\x80\x83=1", "A=[\xC3\xA9] B=[1]"},
  }));
  INFO(row.text);
  CHECK(Read(row.text) == row.read);
}

TEST_CASE("export before a key is dropped, and only there") {
  CHECK(Read("export A=1\nexport\t'B'=2") == "A=[1] B=[2]");
  CHECK(Read("exported=1\nexport=2\nA=export 3") == "exported=[1] export=[2] A=[export 3]");
  CHECK(Read("export A") == "A");
}

TEST_CASE("an unquoted value ends at a comment, which begins with a blank") {
  CHECK(Read("A=1 # comment") == "A=[1]");
  CHECK(Read("A=1#2\t#3") == "A=[1#2]");
  CHECK(Read("A=it's \"so\"") == "A=[it's \"so\"]");
  CHECK(Read("A= # no blank is left before it") == "A=[# no blank is left before it]");
  CHECK(Read("A=\\n") == "A=[\\n]");
}

TEST_CASE("quoted values keep blanks, hashes and line ends") {
  CHECK(Read("A='  x # y  ' # comment\nB=2") == "A=[  x # y  ] B=[2]");
  CHECK(Read("A=\"one\ntwo\"\nB=2") == "A=[one\ntwo] B=[2]");
  CHECK(Read("A='one\r\ntwo\rthree'") == "A=[one\ntwo\nthree]");
  CHECK(Read("A=''\nB=\"\"") == "A=[] B=[]");
}

TEST_CASE("each kind of quote has its escapes") {
  CHECK(Read(R"(A="\\ \' \" \a\b\f\n\r\t\v \x \$")") == "A=[\\ ' \" \a\b\f\n\r\t\v \\x \\$]");
  CHECK(Read(R"(A='\\ \' \" \n')") == R"(A=[\ ' \" \n])");
}

TEST_CASE("a backslash before the last quote of the file is no escape") {
  CHECK(Read(R"(A='C:\folder\')") == R"(A=[C:\folder\])");
  CHECK(Read(R"(A="one \" two\")") == R"(A=[one " two\])");
}

TEST_CASE("references are replaced from the environment, then from the lines before") {
  const auto row = GENERATE(values<Row>({
      {"A=${HOME}/x", "A=[/home/me/x]"},
      {"HOME=/root\nA=${HOME}", "HOME=[/root] A=[/home/me]"},
      {"A=1\nB=${A}${A}", "A=[1] B=[11]"},
      {"A=${B}\nB=1", "A=[] B=[1]"},
      {"A=1\nA=${A}2", "A=[12]"},
      {"A='${HOME}'\nB=\"${HOME}\"", "A=[/home/me] B=[/home/me]"},
      {"A=${NO:-default}", "A=[default]"},
      {"A=${NO:-}", "A=[]"},
      {"A=${HOME:-default}", "A=[/home/me]"},
      {"A=${EMPTY:-default}", "A=[]"},
      {"A\nB=${A:-default}", "A B=[]"},
      {"A=\nB=${A:-default}", "A=[] B=[]"},
      {"A=${NO:-${HOME}}", "A=[${HOME}]"},
      {"A=1\nB='$'\nC=${B}{A}", "A=[1] B=[$] C=[${A}]"},
      {"A=$HOME ${HOME ${HOME:x} $", "A=[$HOME ${HOME ${HOME:x} $]"},
      {"A=${NO:x}${HOME}", "A=[${NO:x}/home/me]"},
      {"A=${}", "A=[]"},
  }));
  INFO(row.text);
  CHECK(Read(row.text) == row.read);
}

TEST_CASE("a line that cannot be read is named, and its content is not") {
  const auto row = GENERATE(values<Row>({
      {"=hunter2", "name.env:1: the key is missing"},
      {"A=1\n\n\n=hunter2", "name.env:4: the key is missing"},
      {"export \nA=hunter2", "name.env:1: the key is missing"},
      {"''=hunter2", "name.env:1: the key is missing"},
      {"'hunter2", "name.env:1: the key's quote is not closed"},
      {"A=1\r\nhunter 2", "name.env:2: there is no \"=\" after the key"},
      {"A='hunter2", "name.env:1: the value's quote is not closed"},
      {"A=1\rB=\"hunter2\nC=3\n", "name.env:2: the value's quote is not closed"},
      {"A='x\ny'\nB='1' hunter2", "name.env:3: unexpected text after the closing quote"},
      {"A=1\nB=hunter\xFF", "name.env:2: not UTF-8"},
      {"\xFF\xFE"
       "A",
       "name.env:1: not UTF-8"},
  }));
  INFO(row.text);
  const auto entries = Parse(row.text);
  REQUIRE_FALSE(entries.ok());
  CHECK(entries.code() == Code::kInvalidConfig);
  CHECK(entries.status().message() == row.read);
}

TEST_CASE("an entry knows its line") {
  const auto entries = Parse("\n# comment\nA='x\ny'\n\nexport B=1\nA=2");
  REQUIRE(entries.ok());
  REQUIRE(entries->size() == 2);
  CHECK(entries->at(0).line == 7);
  CHECK(entries->at(1).line == 6);
}

TEST_CASE("lines that double each other do not fill the memory") {
  std::string text = "X=0123456789\n";
  for (int i = 0; i < 64; ++i) text += "X=${X}${X}\n";
  CHECK_THAT(Read(text), Catch::Matchers::EndsWith("the values grow too large when ${...} is replaced"));
}

TEST_CASE("a NUL is a character like any other here") {
  const auto entries = Parse(std::string_view("A=x\0y", 5));
  REQUIRE(entries.ok());
  CHECK(entries->at(0).value == std::string("x\0y", 3));
}

}  // namespace
}  // namespace warppool::internal
