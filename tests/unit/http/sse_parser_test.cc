#include "http/sse_parser.h"

#include <malloc.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "catch.h"

namespace warppool::internal {
namespace {

using Events = std::vector<std::string>;

constexpr std::size_t kLimit = 1000;

void Feed(SseParser* parser, std::string_view chunk, Events* events) {
  // A chunk's memory ends with the chunk: the address sanitizer sees a parser that looks at it later.
  const std::string copy(chunk);
  std::string_view input = copy;
  while (const auto data = parser->Next(&input)) events->emplace_back(*data);
  if (!parser->too_large()) REQUIRE(input.empty());
}

Events ParsedStream(std::string_view stream) {
  SseParser parser(kLimit);
  Events events;
  Feed(&parser, stream, &events);
  REQUIRE_FALSE(parser.too_large());
  CHECK(parser.events() == events.size());
  CHECK(parser.bytes() == stream.size());
  return events;
}

TEST_CASE("lines end with LF, CR or CRLF, mixed even") {
  CHECK(ParsedStream("data: a\n\ndata: b\n\n") == Events{"a", "b"});
  CHECK(ParsedStream("data: a\r\rdata: b\r\r") == Events{"a", "b"});
  CHECK(ParsedStream("data: a\r\n\r\ndata: b\r\n\r\n") == Events{"a", "b"});
  CHECK(ParsedStream("data: a\r\n\ndata: b\n\r\ndata: c\r\r\ndata: d\n\rdata: e\r\n\r") ==
        Events{"a", "b", "c", "d", "e"});
}

TEST_CASE("fields are read by the standard's rules") {
  struct Row {
    const char* stream;
    Events events;
  };
  const auto row = GENERATE(values<Row>({
      {"", {}},
      {"\n\n\n", {}},
      {"data: a\n\n\n\n", {"a"}},
      {"data:a\n\n", {"a"}},             // no space
      {"data:  a \n\n", {" a "}},        // just one is taken
      {"data:\ta\n\n", {"\ta"}},         // and a tab is none
      {"data: a: b:c\n\n", {"a: b:c"}},  // the first colon counts
      {"data:\n\n", {""}},               // an empty line of data is an event
      {"data\n\n", {""}},                // so it is without a colon
      {"data\ndata\n\n", {"\n"}},
      {"data: a\ndata: b\ndata\ndata:c\n\n", {"a\nb\n\nc"}},
      {"data:\ndata: a\n\n", {"\na"}},
      {": comment\n\n", {}},
      {": comment\ndata: a\n: another\n\n", {"a"}},
      {"data: a\n:\ndata: b\n\n", {"a\nb"}},
      {"event: ping\nid: 7\nretry: 10\n\n", {}},
      {"event: ping\ndata: a\nid: 7\n\n", {"a"}},
      {"Data: a\n\n", {}},  // names have a case
      {" data: a\n\n", {}},
      {"data : a\n\n", {}},
      {"dat: a\n\n", {}},
      {"datax: a\n\n", {}},
      {"data: a", {}},  // no event without its closing line
      {"data: a\n", {}},
      {"data: a\n\ndata: b\n", {"a"}},
      {"\xEF\xBB\xBF"
       "data: a\n\n",
       {"a"}},
      {"\xEF\xBB\xBF\n"
       "data: a\n\n",
       {"a"}},
      {"\xEF\xBB\xBF\xEF\xBB\xBF"
       "data: a\n\n",
       {}},  // only one is ignored
      {"data: a\n\n\xEF\xBB\xBF"
       "data: b\n\n",
       {"a"}},  // and only at the start
      {"data: \xEF\xBB\xBF\n\n", {"\xEF\xBB\xBF"}},
      {"data: \xC3\xA9\xFF\n\n", {"\xC3\xA9\xFF"}},  // bytes are bytes
  }));
  INFO(row.stream);
  CHECK(ParsedStream(row.stream) == row.events);
}

TEST_CASE("an event has the name that its last event field says, and none is left for the next one") {
  const auto names = [](const std::string& stream, std::size_t step) {
    SseParser parser(kLimit);
    Events found;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      const std::string chunk = stream.substr(at, step);
      std::string_view input = chunk;
      while (const auto data = parser.Next(&input)) {
        found.push_back(std::string(parser.event_name()) + "=" + std::string(*data));
      }
    }
    return found;
  };
  struct Row {
    const char* stream;
    Events events;
  };
  const auto row = GENERATE(values<Row>({
      {"data: a\n\n", {"=a"}},
      {"event: ping\ndata: a\n\n", {"ping=a"}},
      {"data: a\r\nevent:ping\r\n\r\ndata: b\r\n\r\n", {"ping=a", "=b"}},
      {"event: one\nevent: two\ndata: a\n\n", {"two=a"}},
      {"event: one\nevent\ndata: a\n\n", {"=a"}},
      {"event:  x y\ndata\n\n", {" x y="}},
      {"event: lost\n\ndata: a\n\n", {"=a"}},  // without data it is no event, and its name goes
      {"Event: no\nevents: no\n event: no\ndata: a\n\n", {"=a"}},
      {"event: message\ndata: a\ndata: b\n\n", {"message=a\nb"}},
  }));
  INFO(row.stream);
  CHECK(names(row.stream, 1000) == row.events);
  CHECK(names(row.stream, 1) == row.events);
}

TEST_CASE("the name counts for the limit of an event") {
  const std::string name(kLimit / 2, 'n');
  SseParser parser(kLimit);
  const std::string stream = "event: " + name + "\ndata: " + std::string(kLimit / 2, 'd') + "\n\n";
  std::string_view input = stream;
  CHECK_FALSE(parser.Next(&input));
  CHECK(parser.too_large());
}

TEST_CASE("comments are counted, and nothing else is one") {
  SseParser parser(kLimit);
  std::string_view input = ": one\n:\n:data: two\n\ndata: a:\n\n\n";
  CHECK(parser.Next(&input) == "a:");
  CHECK_FALSE(parser.Next(&input));
  CHECK(parser.comments() == 3);
}

TEST_CASE("an event keeps alive if it has no data, or a name that says so") {
  struct Row {
    const char* name;
    const char* data;
    bool keeps_alive;
  };
  const auto row = GENERATE(values<Row>({
      {"", "", true},
      {"", " ", true},
      {"", "\n\n", true},
      {"", "\"\"", true},
      {"message", "", true},
      {"ping", "{}", true},
      {"Ping", "CgA=", true},
      {"heartbeat", "1764547200", true},
      {"keepalive", "x", true},
      {"keep-alive", "x", true},
      {"", "CgA=", false},
      {"", "{}", false},
      {"message", "CgA=", false},
      {"error", "{}", false},
      {"pinged", "{}", false},
      {"pin", "{}", false},
      {" ping", "{}", false},
  }));
  INFO(row.name << "=" << row.data);
  CHECK(IsKeepAlive(row.name, row.data) == row.keeps_alive);
}

TEST_CASE("a NUL is a character like others") {
  using namespace std::string_view_literals;
  CHECK(ParsedStream("data: a\0b\n\n"sv) == Events{std::string("a\0b", 3)});
}

const std::string kSample =
    "\xEF\xBB\xBF: hello\r\n\r\ndata: one\r\n\r\nevent: x\r\ndata: two\r\ndata: lines\r\n\ndata\n\ndata:\r\r: c\rdata: "
    " "
    "three\r"
    "data: a:b\r\n\nid\n\ndata: \xE2\x82\xAC\ndata:\ndata:x\r\n\r\n\n\r\ndata: unfinished\n";
const Events kSampleEvents = {"one", "two\nlines", "", "", " three\na:b", "\xE2\x82\xAC\n\nx"};

TEST_CASE("a stream cut anywhere holds the same events") {
  REQUIRE(ParsedStream(kSample) == kSampleEvents);
  for (std::size_t cut = 0; cut <= kSample.size(); ++cut) {
    SseParser parser(kLimit);
    Events events;
    Feed(&parser, std::string_view(kSample).substr(0, cut), &events);
    Feed(&parser, std::string_view(kSample).substr(cut), &events);
    INFO(cut);
    REQUIRE(events == kSampleEvents);
    REQUIRE(parser.bytes() == kSample.size());
  }
}

TEST_CASE("a stream that comes byte by byte, or in odd pieces, holds the same events") {
  std::mt19937 random(20240608);
  for (std::size_t longest = 1; longest < 20; ++longest) {
    SseParser parser(kLimit);
    Events events;
    std::uniform_int_distribution<std::size_t> length(longest == 1 ? 1 : 0, longest);
    for (std::string_view rest = kSample; !rest.empty();) {
      const std::size_t size = std::min(length(random), rest.size());
      Feed(&parser, rest.substr(0, size), &events);
      rest.remove_prefix(size);
    }
    REQUIRE(events == kSampleEvents);
  }
}

TEST_CASE("the reader may stop between two events of a chunk") {
  SseParser parser(kLimit);
  const std::string chunk = "data: a\n\ndata: b\n\ndata: c";
  std::string_view input = chunk;
  CHECK(parser.Next(&input) == "a");
  CHECK(input == "data: b\n\ndata: c");
  CHECK(parser.Next(&input) == "b");
  CHECK_FALSE(parser.Next(&input));
  CHECK(input.empty());
  std::string_view end = "\n\n";
  CHECK(parser.Next(&end) == "c");
}

TEST_CASE("an event says at which byte it began") {
  SseParser parser(kLimit);
  const std::string stream = "data: a\n\n\ndata: bcd\nid: 1\n\n: c\n\ndata: e\n\n";
  std::string_view input = stream;
  std::vector<std::uint64_t> offsets;
  while (parser.Next(&input)) offsets.push_back(parser.event_offset());
  CHECK(offsets == std::vector<std::uint64_t>{0, stream.find("data: bcd"), stream.find("data: e")});
}

TEST_CASE("where an event began does not depend on the ends of lines") {
  for (const std::string end : {"\n", "\r", "\r\n"}) {
    SseParser parser(kLimit);
    const std::string stream = "data: a" + end + end + "data: b" + end + end;
    std::string_view input = stream;
    REQUIRE(parser.Next(&input));
    REQUIRE(parser.Next(&input));
    CHECK(parser.event_offset() == stream.find("data: b"));
  }
}

TEST_CASE("an event begins with its first line, whatever that holds") {
  for (const std::string end : {"\n", "\r", "\r\n"}) {
    for (const std::string line : {"event: message", ": comment", "id: 1"}) {
      INFO(line);
      SseParser parser(kLimit);
      const std::string stream = "data: a" + end + end + line + end + "data: b" + end + end;
      std::string_view input = stream;
      REQUIRE(parser.Next(&input));
      REQUIRE(parser.Next(&input) == "b");
      CHECK(parser.event_offset() == stream.find(line));
    }
  }
}

TEST_CASE("a line or an event over the limit is final") {
  const std::string fits = "data: " + std::string(kLimit - 6, 'x') + "\n";
  struct Row {
    const char* what;
    std::string stream;
    bool too_large;
  };
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += "data: 123456789\n";
  const auto row = GENERATE_COPY(values<Row>({
      {"a line that just fits", fits + "\n", false},
      {"a line one too long", "data: " + std::string(kLimit - 5, 'x') + "\n\n", true},
      {"a comment too long", ":" + std::string(kLimit, 'x') + "\n\n", true},
      {"a line without an end", std::string(kLimit + 1, 'x'), true},
      {"lines that fit, an event that does not", lines + "\n", true},
      {"many events that fit", fits + "\n" + fits + "\n" + fits + "\n", false},
      {"many comments that fit", ":" + std::string(600, 'x') + "\n:" + std::string(600, 'x') + "\n", false},
  }));
  INFO(row.what);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, row.stream.size()}) {
    SseParser parser(kLimit);
    Events events;
    for (std::size_t at = 0; at < row.stream.size(); at += piece) {
      Feed(&parser, std::string_view(row.stream).substr(at, piece), &events);
    }
    CHECK(parser.too_large() == row.too_large);
    if (!row.too_large) continue;
    CHECK(events.empty());
    std::string_view more = "\n\ndata: late\n\n";
    CHECK_FALSE(parser.Next(&more));
    CHECK(parser.too_large());
  }
}

TEST_CASE("an endless line costs no more memory than the limit") {
  const std::size_t limit = 64U << 10U;
  const std::string chunk(16U << 10U, 'x');
  SseParser parser(limit);
  const std::size_t before = mallinfo2().uordblks;
  std::size_t most = before;
  for (std::size_t sent = 0; sent < 100'000'000; sent += chunk.size()) {
    std::string_view input = chunk;
    REQUIRE_FALSE(parser.Next(&input));
    most = std::max(most, mallinfo2().uordblks);
  }
  CHECK(parser.too_large());
  CHECK(parser.bytes() <= limit);
  CHECK(most - before <= 3 * limit);
}

TEST_CASE("events that were read are not kept") {
  SseParser parser(kLimit);
  const std::string chunk = "data: " + std::string(500, 'x') + "\n\nda";
  const std::string rest = "ta: " + std::string(300, 'y') + "\n\n";
  Events events;
  Feed(&parser, chunk, &events);
  Feed(&parser, rest, &events);
  events.clear();
  const std::size_t before = mallinfo2().uordblks;
  for (int i = 0; i < 10'000; ++i) {
    Feed(&parser, chunk, &events);
    Feed(&parser, rest, &events);
    REQUIRE(events.size() == 2);
    events.clear();
  }
  CHECK(mallinfo2().uordblks <= before + 4 * kLimit);
}

}  // namespace
}  // namespace warppool::internal
