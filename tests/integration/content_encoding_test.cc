// Answers whose body is encoded although nobody asked for it: by a proxy, or a service behind a new edge.

#include <cstdint>

#include "encoding.h"
#include "fixture.h"

namespace warppool {
namespace {

// A few bytes for many: gzip of `head` and `count` times 258 more of `repeated`, by the fixed code of RFC 1951, section
// 3.2.6.
std::string SmallGzip(const std::string& head, char repeated, std::size_t count) {
  std::string out = loopback::GzipHead() + loopback::GzipPart(head + repeated);
  unsigned byte = 0;
  int filled = 0;
  const auto put = [&](unsigned bit) {
    byte |= bit << static_cast<unsigned>(filled);
    if (++filled < 8) return;
    out += static_cast<char>(byte);
    byte = 0;
    filled = 0;
  };
  const auto code = [&](const char* bits) {
    for (; *bits != '\0'; ++bits) put(*bits == '1' ? 1U : 0U);
  };
  code("110");  // the last block, with the fixed code
  for (std::size_t i = 0; i < count; ++i)
    code(
        "11000101"
        "00000");  // 258 bytes, copied from one byte before
  code("0000000");
  while (filled != 0) put(0);
  const std::string all = head + repeated + std::string(258 * count, repeated);
  const std::string tail = loopback::GzipTail(all);
  return out + tail.substr(tail.size() - 8);  // without a block of its own
}

constexpr std::size_t kMillions = (3U << 20U) / 258;  // 3 MiB

loopback::Behaviour Encoded(loopback::Behaviour behaviour, const std::string& name) {
  return behaviour.Header("Content-Encoding", name);
}

Config OneTry(const World& world, const std::vector<std::string>& credentials) {
  Config config = ConfigFor(world.service, credentials);
  config.retry_budget = 0;
  config.max_event_bytes = 1U << 20U;
  return config;
}

bool Says(const Status& status, const std::string& words) {
  return status.ToString().find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("a stream that comes as gzip reads as any other, in whatever pieces") {
  const auto behaviour =
      GENERATE(values<loopback::Behaviour>({loopback::Ok().Gzip(), loopback::Ok().Gzip().ByteByByte()}));
  World world;
  world.service.On(kOne).Agent(behaviour);
  world.Connect({kOne});
  const auto answer = world.Ask(Request("hello"));
  REQUIRE(answer.status().ToString() == "ok");
  CHECK(answer->text == "Echo: hello");
}

TEST_CASE("events of a stream that comes as gzip are there before the next one") {
  World world;
  world.service.On(kOne).Agent(loopback::Ok().Gzip().CutAfter(4, loopback::Behaviour::Cut::kStall));
  Client& client = world.Connect({kOne});
  Recorder recorder(&world);
  auto stream = client.Start(Request("hello"), recorder.Callbacks());
  REQUIRE(stream.ok());
  CHECK(recorder.WaitForText());
  CHECK(recorder.dones() == 0);
}

TEST_CASE("a reader that pauses at every text loses nothing of a stream that comes as gzip") {
  std::string text;
  for (int i = 0; i < 30'000; ++i) text += std::to_string(i) + " bottles of beer on the wall, and the wall is long. ";
  World world;
  world.service.On(kOne).Agent(loopback::Ok().Gzip().Text(text).Chunks(200));
  Client& client = world.Connect({kOne});
  Recorder recorder(&world);
  recorder.at_text = Flow::kPause;
  auto stream = client.Start(Request("hello"), recorder.Callbacks());
  REQUIRE(stream.ok());
  CHECK(Eventually([&] {
    (*stream)->Resume();
    return recorder.dones() > 0;
  }));
  CHECK(recorder.status().ToString() == "ok");
  CHECK(recorder.text().size() == text.size());
  CHECK(recorder.text() == text);
}

TEST_CASE("the exchange's answer may come as gzip, the replaced token included") {
  World world;
  world.service.On(kOne).Exchange(loopback::Ok().Gzip().RotateTo(kRotated));
  world.Connect({kOne});
  CHECK(world.Ask(Request("hello")).status().ToString() == "ok");
  CHECK(world.service.Requests(kExchange).size() == 1);
}

TEST_CASE("the words of a refusal may come as gzip") {
  World world;
  world.service.On(kOne).Agent(loopback::Quota().Gzip());
  world.Connect({kOne});
  const auto answer = world.Ask(Impatient());
  CHECK(answer.code() == Code::kQuotaExhausted);
  CHECK(Says(answer.status(), "You have used all of your AI credits."));
}

TEST_CASE("the quota may be told as gzip") {
  World world;
  world.service.SetQuota(kOne, {.limit = 40, .used = 7});
  world.service.On(kOne).Account(loopback::Ok().Gzip());
  Client& client = world.Connect({kOne});
  HealthCheckOptions options;
  options.active = true;
  const auto report = client.CheckHealth(options);
  REQUIRE(report.ok());
  world.Note(report->ToString());
  REQUIRE(report->tokens[0].token.quota);
  CHECK(report->tokens[0].token.quota->limit == 40);
}

TEST_CASE("nobody asks for an encoding: a stream's events would wait for each other") {
  World world;
  world.service.Accept(kOne);
  world.Connect({kOne});
  REQUIRE(world.Ask(Request("hello")).ok());
  for (const auto& request : world.service.Requests("")) {
    std::string asked;
    for (const auto& [name, value] : request.headers) {
      if (name == "Accept-Encoding") asked = value;
    }
    CHECK(asked == "identity");
  }
}

TEST_CASE("an encoding that cannot be decoded is named") {
  const auto* const name = GENERATE("br2", "gzip");  // nobody's; and not what the bytes are
  World world;
  SECTION("agent") {
    world.service.On(kOne).Agent(Encoded(loopback::Ok(), name));
    world.Connect(OneTry(world, {kOne}));
    const auto answer = world.Ask(Impatient());
    CHECK(CodeName(answer.code()) == std::string("not_a_stream"));
    CHECK(Says(answer.status(), std::string("encoded with \"") + name + "\""));
  }
  SECTION("exchange") {
    world.service.On(kOne).Exchange(Encoded(loopback::Ok(), name));
    world.Connect(OneTry(world, {kOne}));
    const auto answer = world.Ask(Impatient());
    CHECK(CodeName(answer.code()) == std::string("misconfigured"));
    CHECK(Says(answer.status(), std::string("encoded with \"") + name + "\""));
    CHECK(Says(answer.status(), "WARP_SERVER_URL"));
  }
  SECTION("account") {
    world.service.On(kOne).Account(Encoded(loopback::Ok(), name));
    Client& client = world.Connect(OneTry(world, {kOne}));
    HealthCheckOptions options;
    options.active = true;
    const auto report = client.CheckHealth(options);
    REQUIRE(report.ok());
    world.Said(report->tokens[0].quota_problem);
    CHECK(CodeName(report->tokens[0].quota_problem.code()) == std::string("misconfigured"));
    CHECK(Says(report->tokens[0].quota_problem, std::string("encoded with \"") + name + "\""));
  }
  CHECK(world.StatusOf(0).total_failures == 0);
  CHECK(world.StatusOf(0).state == TokenState::kReady);
}

TEST_CASE("a refusal whose words cannot be decoded is still the refusal that its status says") {
  World world;
  world.service.On(kOne).Agent(Encoded(loopback::Quota(), "br2"));
  world.Connect({kOne});
  CHECK(world.Ask(Impatient()).code() == Code::kQuotaExhausted);
}

// What is small on the wire may be large.
TEST_CASE("limits bound what an answer is once it is decoded") {
  World world;
  SECTION("an event") {
    const std::string bytes = SmallGzip("data: ", 'A', kMillions);
    REQUIRE(bytes.size() < 30'000);
    world.service.On(kOne).Agent(Encoded(loopback::Raw(bytes), "gzip"));
    world.Connect(OneTry(world, {kOne}));
    const auto answer = world.Ask(Impatient());
    CHECK(CodeName(answer.code()) == std::string("limit_exceeded"));
    CHECK(Says(answer.status(), "max_event_bytes"));
  }
  SECTION("the exchange's answer") {
    world.service.On(kOne).Exchange(Encoded(loopback::Raw(SmallGzip("{\"id_token\":\"", 'A', kMillions)), "gzip"));
    world.Connect(OneTry(world, {kOne}));
    const auto answer = world.Ask(Impatient());
    CHECK(CodeName(answer.code()) == std::string("limit_exceeded"));
    CHECK(Says(answer.status(), "larger than 1 MiB"));
  }
  SECTION("the quota's answer") {
    world.service.On(kOne).Account(Encoded(loopback::Raw(SmallGzip("{\"data\":\"", 'A', kMillions)), "gzip"));
    Client& client = world.Connect(OneTry(world, {kOne}));
    HealthCheckOptions options;
    options.active = true;
    const auto report = client.CheckHealth(options);
    REQUIRE(report.ok());
    world.Said(report->tokens[0].quota_problem);
    CHECK(Says(report->tokens[0].quota_problem, "larger than 1 MiB"));
  }
  SECTION("a refusal, which the last of its words would explain") {
    const std::string bytes = SmallGzip("{\"error\":\"", ' ', kMillions);
    world.service.On(kOne).Agent(Encoded(loopback::Status(400, bytes), "gzip"));
    world.Connect(OneTry(world, {kOne}));
    CHECK(world.Ask(Impatient()).code() == Code::kRequestRejected);
  }
}

}  // namespace warppool
