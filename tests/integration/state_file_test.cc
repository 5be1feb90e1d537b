// Where the state is kept: settings, permissions, and that the file says nothing to who does not know the tokens.

#include <sys/stat.h>

#include <filesystem>

#include "base/base64url.h"
#include "state_fixture.h"

namespace warppool::internal {
namespace {

std::string HexOf(const std::string& text, const char* digits) {
  std::string hex;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    hex += {digits[byte >> 4U], digits[byte & 15U]};
  }
  return hex;
}

// In base64, at whichever offset it begins: what does not depend on the bytes around it.
std::vector<std::string> Base64Of(const std::string& text) {
  std::vector<std::string> all;
  for (std::size_t before = 0; before < 3; ++before) {
    std::string url = EncodeBase64Url(std::string(before, 'x') + text);
    while (!url.empty() && url.back() == '=') url.pop_back();
    url = url.substr(before == 0 ? 0 : 4, url.size() - (before == 0 ? 0 : 4));
    url.resize(url.size() - std::min<std::size_t>(url.size(), 4));
    std::string standard = url;
    std::replace(standard.begin(), standard.end(), '-', '+');
    std::replace(standard.begin(), standard.end(), '_', '/');
    all.push_back(std::move(url));
    all.push_back(std::move(standard));
  }
  return all;
}

std::vector<std::string> WaysToWrite(const std::string& secret) {
  std::vector<std::string> ways = Base64Of(secret);
  ways.push_back(secret);
  ways.push_back(HexOf(secret, "0123456789abcdef"));
  ways.push_back(HexOf(secret, "0123456789ABCDEF"));
  return ways;
}

}  // namespace

TEST_CASE("no secret is in the state file, in no way of writing") {
  const TemporaryDirectory directory;
  World world;
  world.service.On(kOne).Exchange(loopback::Ok().RotateTo(kRotated).Times(1));
  world.service.AcceptApiKey(kKey);
  Config config = ConfigFor(world.service, {kOne});
  config.tokens.push_back(ApiKeyOf(kKey, "key"));
  config.state_file = directory / "state";
  world.Connect(config);
  for (int i = 0; i < 4; ++i) REQUIRE(world.Ask(Impatient()).ok());
  world.service.ExpireJwts();
  for (int i = 0; i < 2; ++i) REQUIRE(world.Ask(Impatient()).ok());
  REQUIRE(world.client->Close(0ms).ok());

  const auto secrets = world.service.Secrets();
  CHECK(secrets.size() == 5);  // two refresh tokens, two JWTs, an API key
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    files.push_back(entry.path().filename().string());
    const std::string content = ContentOf(entry.path().string());
    if (files.back() == "state") CHECK(content.size() > 500);
    for (const std::string& secret : secrets) {
      for (const std::string& way : WaysToWrite(secret)) {
        REQUIRE(way.size() >= 6);
        INFO(entry.path() << ": " << way);
        CHECK(content.find(way) == std::string::npos);
      }
    }
    struct stat info {};
    REQUIRE(stat(entry.path().c_str(), &info) == 0);
    CHECK((info.st_mode & 077U) == 0);
  }
  std::sort(files.begin(), files.end());
  CHECK(files == std::vector<std::string>{"state", "state.lock"});
}

TEST_CASE("the search for secrets finds them in each way of writing") {
  for (std::size_t before = 0; before < 4; ++before) {
    const std::string content = std::string(before, '?') + kOne + "?>";
    std::string standard = EncodeBase64Url(content);
    std::replace(standard.begin(), standard.end(), '-', '+');
    std::replace(standard.begin(), standard.end(), '_', '/');
    const std::string encoded[] = {content, EncodeBase64Url(content), standard, HexOf(content, "0123456789abcdef"),
                                   HexOf(content, "0123456789ABCDEF")};
    for (const std::string& text : encoded) {
      const auto ways = WaysToWrite(kOne);
      CHECK(std::any_of(ways.begin(), ways.end(), [&](const auto& way) { return text.find(way) != text.npos; }));
    }
  }
}

TEST_CASE("a state file that others can read is refused, and stays as it is") {
  const TemporaryDirectory directory;
  World world;
  world.service.Accept(kOne);
  Config config = ConfigFor(world.service, {kOne});
  config.state_file = directory / "state";
  world.Connect(config);
  REQUIRE(world.Ask(Impatient()).ok());
  world.client.reset();
  const std::string content = ContentOf(config.state_file);
  const auto mode = GENERATE(0640, 0604, 0644, 0660);
  REQUIRE(chmod(config.state_file.c_str(), static_cast<mode_t>(mode)) == 0);
  const auto refused = Client::Create(config);
  REQUIRE_FALSE(refused.ok());
  INFO(world.Said(refused.status()).ToString());
  CHECK(refused.code() == Code::kInvalidConfig);
  CHECK(refused.status().message().find(config.state_file) != std::string::npos);
  CHECK(refused.status().message().find("others") != std::string::npos);
  CHECK(ContentOf(config.state_file) == content);
  REQUIRE(chmod(config.state_file.c_str(), 0600) == 0);
  CHECK(Client::Create(config).ok());
}

TEST_CASE("a state file that cannot be is refused at the start") {
  const TemporaryDirectory directory;
  World world;
  world.service.Accept(kOne);
  Config config = ConfigFor(world.service, {kOne});
  for (const std::string& path : {directory.path(), directory / "missing/state", std::string("/dev/null")}) {
    INFO(path);
    config.state_file = path;
    const auto refused = Client::Create(config);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.code() == Code::kInvalidConfig);
  }
}

TEST_CASE("the environment names the state file") {
  const TemporaryDirectory directory;
  World world;
  world.service.Accept(kOne);
  LoadOptions options;
  options.environment.emplace();
  (*options.environment)["WARP_STATE_FILE"] = directory / "state";
  (*options.environment)["WARP_SERVER_URL"] = world.service.url();
  (*options.environment)["WARP_REFRESH_TOKEN"] = kOne;
  const auto config = LoadConfig(options);
  REQUIRE(config.status().ToString() == "ok");
  world.Connect(*config);
  REQUIRE(world.Ask(Impatient()).ok());
  Restart(&world, *config);
  CHECK(world.Ask(Impatient()).ok());
  CHECK(world.service.Count("/proxy/token") == 1);
  CHECK(std::filesystem::exists(directory / "state"));
}

TEST_CASE("a client has one place for its state") {
  const TemporaryDirectory directory;
  World world;
  Config config = ConfigFor(world.service, {kOne});
  config.state_file = directory / "state";
  ClientOptions options;
  options.store = NewMemoryStore();
  const auto refused = Client::Create(config, options);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.code() == Code::kInvalidConfig);
  CHECK(refused.status().message().find("state_file") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(directory / "state"));
}

TEST_CASE("a file without the configuration is worthless: other tokens find nothing in it") {
  const TemporaryDirectory directory;
  World world;
  world.service.Accept(kOne);
  world.service.Accept("fake-token-other");
  Config config = ConfigFor(world.service, {kOne});
  config.state_file = directory / "state";
  world.Connect(config);
  REQUIRE(world.Ask(Impatient()).ok());
  Config other = ConfigFor(world.service, {"fake-token-other"});
  other.state_file = config.state_file;
  Restart(&world, other);
  CHECK(world.events.Count(PoolEventKind::kRestored) == 0);
  CHECK(world.client->Statistics().total.requests == 0);
  CHECK(world.Ask(Impatient()).ok());
  // And leave what is there as it is.
  Restart(&world, config);
  CHECK(world.client->Statistics().total.Successes() == 1);
}

TEST_CASE("a state file that is removed under a running client is written again, with its present refresh token") {
  const TemporaryDirectory directory;
  World world;
  world.service.On(kOne).Exchange(loopback::Ok().RotateTo(kRotated).Times(1));
  Config config = ConfigFor(world.service, {kOne});
  config.state_file = directory / "state";
  world.Connect(config);
  REQUIRE(world.Ask(Impatient()).ok());
  REQUIRE(std::filesystem::remove(config.state_file));
  REQUIRE(world.Ask(Impatient()).ok());
  Restart(&world, config);
  world.service.ExpireJwts();
  CHECK(world.Ask(Impatient()).ok());
  CHECK(world.service.Count("/proxy/token", kOne) == 1);
  CHECK(world.service.Count("/proxy/token", kRotated) == 1);
  CHECK(world.events.Count(PoolEventKind::kStoreFailed) == 0);
}

TEST_CASE("a client that is closed has brought everything to the file") {
  const TemporaryDirectory directory;
  World world;
  world.service.Accept(kOne);
  Config config = ConfigFor(world.service, {kOne});
  config.state_file = directory / "state";
  world.Connect(config);
  for (int i = 0; i < 7; ++i) REQUIRE(world.Ask(Impatient()).ok());
  REQUIRE(world.client->Close(0ms).ok());
  // The closed one is still there.
  auto other = Client::Create(config);
  REQUIRE(other.ok());
  CHECK((*other)->Statistics().total.Successes() == 7);
}

}  // namespace warppool::internal
