// What others say is shown without the secrets that they quote, and harmlessly.

#include <optional>
#include <string>
#include <vector>

#include "fixture.h"
#include "raw_server.h"
#include "secret_forms.h"
#include "tunnel_proxy.h"

namespace warppool {
namespace {

// Its forms differ.
const std::string kOdd = "1//0fake+odd/token=x~";
const std::string kOddKey = "wk-1.fakefake+odd/key=";
const std::string kOddFirebaseKey = "fake+firebase/key=x~";
const std::string kOddModelKey = "sk-fake+model/key=x~";

// One after the other, for it must not be hidden by the limits of what is quoted.
std::string Quoting(const std::string& secret, std::size_t form) {
  const std::vector<std::string> forms = FormsOf(secret);
  return "it was " + forms[form] + " that came";
}
const std::size_t kForms = FormsOf("").size();

// All that a world says, in one text.
std::string AllOf(World* world, const Status& status) {
  std::string all = status.ToString() + "\n" + status.error().user_message + "\n" + status.error().service_code;
  for (const std::string& line : world->log.Lines()) all += "\n" + line;
  const PoolStatus pool = world->client->Pool();
  for (const TokenStatus& token : pool.tokens) all += "\n" + token.last_error_message + "\n" + token.reason;
  for (const PoolEntry& entry : world->events.All()) all += "\n" + entry.reason;
  return all;
}

void CheckWithout(const std::string& all, const std::string& secret) {
  INFO(all);
  for (const std::string& form : FormsOf(secret)) CHECK(all.find(form) == std::string::npos);
}

// Commands a terminal, hides, or ends a text for whoever takes it as C does: ESC, BEL, CR, NUL, U+009B, U+202E, U+2066.
const std::string kCommands = std::string("\x1B[31m\x07\r\0", 8) + "\xC2\x9B\xE2\x80\xAE\xE2\x81\xA6";

void CheckHarmless(const std::string& text) {
  INFO(text);
  for (const char* command : {"\x1B", "\x07", "\r", "\xC2\x9B", "\xE2\x80\xAE", "\xE2\x81\xA6"}) {
    CHECK(text.find(command) == std::string::npos);
  }
  CHECK(text.find('\0') == std::string::npos);
}

// In JSON, which has them escaped.
std::string CommandsInJson() {
  return R"(begin\u001b[31m\u0007\r\u0000\u009b\u202e\u2066end)";
}
constexpr const char* kCommandsShown = "begin [31m      end";

// An API key, for a service at `url`.
Config WithKey(const World& world, const std::string& key) {
  Config config = ConfigFor(world.service, {key});
  config.tokens[0].kind = CredentialKind::kApiKey;
  config.retry_budget = 0;
  return config;
}

// What came with the last event of a stream.
struct LastWords {
  Status status;
  std::string finished;
  std::string failed;  // of an attempt
};
LastWords Pull(World* world, const Request& request) {
  LastWords words;
  auto stream = world->client->Start(request);
  REQUIRE(stream.ok());
  while (true) {
    const auto event = (*stream)->Next(kPatience);
    world->Said(event);
    if (!event.ok()) {
      words.status = event.status();
      return words;
    }
    if (const auto* finished = std::get_if<Finished>(&*event)) words.finished = std::string(finished->message);
    if (const auto* failed = std::get_if<AttemptFailed>(&*event)) words.failed = std::string(failed->message);
  }
}

}  // namespace

TEST_CASE("the exchange may quote what it was sent, in whatever form") {
  const std::size_t form = GENERATE(range(std::size_t{0}, kForms));
  World world;
  const std::string words = Quoting(kOdd, form) + Quoting(kOddFirebaseKey, form);
  world.service.On(kOdd).Exchange(loopback::Status(400, R"({"error":{"message":")" + words + R"(","code":400}})")
                                      .Header("X-Warp-Error-Code", words));
  Config config = ConfigFor(world.service, {kOdd});
  config.firebase_api_key = Secret(kOddFirebaseKey);
  world.Connect(std::move(config));
  const auto answer = world.Ask(Impatient());
  CHECK(answer.status().message().find("[secret]") != std::string::npos);
  const std::string all = AllOf(&world, answer.status());
  CheckWithout(all, kOdd);
  CheckWithout(all, kOddFirebaseKey);
}

TEST_CASE("the agent may quote a bearer or a key of the request, in whatever form") {
  const std::size_t form = GENERATE(range(std::size_t{0}, kForms));
  World world;
  const std::string words = Quoting(kOddKey, form) + Quoting(kOddModelKey, form);
  world.service.AcceptApiKey(kOddKey);
  SECTION("in a refusal") {
    world.service.On(kOddKey).Agent(
        loopback::Status(403, R"({"userDisplayMessage":")" + words + "\"}").Header("X-Warp-Error-Code", words));
  }
  SECTION("in an event of its stream") {
    world.service.On(kOddKey).Agent(
        loopback::Raw("event: error\ndata: {\"error\":{\"message\":\"" + words + "\"}}\n\n"));
  }
  SECTION("in its last event") {
    world.service.On(kOddKey).Agent(loopback::Finish("internal_error").FinishSaying(words));
  }
  world.Connect(WithKey(world, kOddKey));
  Request request = Impatient();
  request.model_keys.keys[ModelProvider::kOpenAi] = Secret(kOddModelKey);
  const LastWords last = Pull(&world, request);
  REQUIRE_FALSE(last.status.ok());
  CHECK(last.status.ToString().find("[secret]") != std::string::npos);
  const std::string all = AllOf(&world, last.status) + "\n" + last.finished + "\n" + last.failed;
  CheckWithout(all, kOddKey);
  CheckWithout(all, kOddModelKey);
}

TEST_CASE("the account's endpoint may quote a bearer, in whatever form") {
  const std::size_t form = GENERATE(range(std::size_t{0}, kForms));
  World world;
  world.service.AcceptApiKey(kOddKey);
  world.service.On(kOddKey).Account(
      loopback::Status(200, R"({"data":{"user":{"error":{"message":")" + Quoting(kOddKey, form) + R"("}}}})"));
  world.Connect(WithKey(world, kOddKey));
  HealthCheckOptions options;
  options.active = true;
  const auto report = world.client->CheckHealth(options);
  REQUIRE(report.ok());
  const Status& status =
      report->tokens[0].quota_problem.ok() ? report->tokens[0].problem : report->tokens[0].quota_problem;
  INFO(status.ToString());
  CHECK(status.ToString().find("[secret]") != std::string::npos);
  CheckWithout(AllOf(&world, status) + report->ToString(), kOddKey);
}

TEST_CASE("words that command a terminal are harmless, from each endpoint") {
  World world;
  Status status;
  std::string more;
  SECTION("the exchange") {
    world.service.On(kOne).Exchange(loopback::Status(403, R"({"error":{"message":")" + CommandsInJson() + "\"}}")
                                        .Header("X-Warp-Error-Code", "a\x1B[31mb"));
    world.Connect(ConfigFor(world.service, {kOne}));
    status = world.Ask(Impatient()).status();
  }
  SECTION("the agent's refusal") {
    world.service.On(kKey).Agent(loopback::Status(403, R"({"userDisplayMessage":")" + CommandsInJson() + "\"}"));
    world.Connect(WithKey(world, kKey));
    const LastWords last = Pull(&world, Impatient());
    status = last.status;
    more = last.failed;
  }
  SECTION("the agent's event") {
    world.service.On(kKey).Agent(
        loopback::Raw("event: error\ndata: {\"error\":{\"message\":\"" + CommandsInJson() + "\"}}\n\n"));
    world.Connect(WithKey(world, kKey));
    const LastWords last = Pull(&world, Impatient());
    status = last.status;
    more = last.failed;
  }
  SECTION("the agent's last event") {
    world.service.On(kKey).Agent(loopback::Finish("internal_error").FinishSaying("begin" + kCommands + "end"));
    world.Connect(WithKey(world, kKey));
    const LastWords last = Pull(&world, Impatient());
    status = last.status;
    more = last.finished;
    CHECK(last.finished == kCommandsShown);
  }
  SECTION("the account's") {
    world.service.On(kKey).Account(
        loopback::Status(200, R"({"data":{"user":{"error":{"message":")" + CommandsInJson() + R"("}}}})"));
    world.Connect(WithKey(world, kKey));
    HealthCheckOptions options;
    options.active = true;
    const auto report = world.client->CheckHealth(options);
    REQUIRE(report.ok());
    status = report->tokens[0].quota_problem.ok() ? report->tokens[0].problem : report->tokens[0].quota_problem;
    more = report->ToString();
  }
  INFO(status.ToString());
  CHECK(status.error().user_message == kCommandsShown);
  CheckHarmless(AllOf(&world, status) + more);
}

TEST_CASE("a proxy's log-in is sent as it was meant, and shown by nobody") {
  const std::string password = "fake+password/@:x";
  const std::string written = "fake%2Bpassword%2F%40:x";
  World world({.tls = true});
  world.service.AcceptApiKey(kKey);
  Config config = WithKey(world, kKey);
  config.server_url = "https://loopback.test:" + std::to_string(world.service.port());
  Status status;
  SECTION("where it is right") {
    TunnelProxy proxy(world.service.port(), "Basic ZmFrZXVzZXI6ZmFrZStwYXNzd29yZC9AOng=");
    config.proxy = Secret("http://fakeuser:" + written + "@" + proxy.Address());
    world.Connect(std::move(config));
    status = world.Ask(Impatient()).status();
    CHECK(status.ToString() == "ok");
    CHECK(proxy.tunnels() > 0);
    world.client.reset();
    return;
  }
  SECTION("where it is wrong") {
    TunnelProxy proxy(world.service.port(), "Basic xxxx");
    config.proxy = Secret("http://fakeuser:" + written + "@" + proxy.Address());
    world.Connect(std::move(config));
    status = world.Ask(Impatient()).status();
    CHECK(status.code() == Code::kMisconfigured);
  }
  SECTION("where there is no such proxy") {
    config.proxy = Secret("http://fakeuser:" + written + "@proxy.invalid:9");
    world.Connect(std::move(config));
    status = world.Ask(Impatient()).status();
    CHECK(status.code() == Code::kNetwork);
  }
  SECTION("where something else answers that quotes it") {
    RawServer server("HTTP/1.1 403 no\r\nX-Why: fakeuser:" + password + "\r\nContent-Length: 0\r\n\r\n");
    config.proxy = Secret("http://fakeuser:" + written + "@" + server.Address());
    world.Connect(std::move(config));
    status = world.Ask(Impatient()).status();
    CHECK(status.code() == Code::kBlocked);
  }
  const std::string all = AllOf(&world, status);
  CheckWithout(all, password);
  CHECK(all.find(written) == std::string::npos);
  CHECK(all.find("fakeuser") == std::string::npos);
}

TEST_CASE("a proxy's log-in that the service's side quotes is not shown") {
  const std::string password = "fake+password/x";
  World world({.tls = true});
  TunnelProxy proxy(world.service.port(), "Basic ZmFrZXVzZXI6ZmFrZStwYXNzd29yZC94");
  std::string words;
  for (std::size_t form = 0; form < kForms; ++form) words += FormsOf(password)[form] + " ";
  words += "Basic ZmFrZXVzZXI6ZmFrZStwYXNzd29yZC94";
  Config config = WithKey(world, kKey);
  const std::string body = R"({"error":{"message":")" + words + "\"}}";
  Status status;
  std::string more;
  SECTION("the agent") {
    world.service.On(kKey).Agent(loopback::Status(403, body));
  }
  SECTION("the account's") {
    world.service.On(kKey).Account(loopback::Status(403, body));
  }
  SECTION("the exchange") {
    config = ConfigFor(world.service, {kOne});
    world.service.On(kOne).Exchange(loopback::Status(403, body));
  }
  config.server_url = "https://loopback.test:" + std::to_string(world.service.port());
  config.proxy = Secret("http://fakeuser:" + PercentEncoded(password) + "@" + proxy.Address());
  world.Connect(std::move(config));
  HealthCheckOptions options;
  options.active = true;
  const auto report = world.client->CheckHealth(options);
  REQUIRE(report.ok());
  status = world.Ask(Impatient()).status();
  more = report->ToString() + report->tokens[0].problem.ToString() + report->tokens[0].quota_problem.ToString();
  const std::string all = AllOf(&world, status) + more;
  CHECK(all.find("[secret]") != std::string::npos);
  CheckWithout(all, password);
  CHECK(all.find("ZmFrZXVzZXI6") == std::string::npos);
  world.client.reset();
}

}  // namespace warppool
