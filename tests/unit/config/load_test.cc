#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.h"
#include "load_fixture.h"

namespace warppool::internal {
namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

TEST_CASE("one personal token is enough, and everything else has its default") {
  const Loaded loaded = Load({{"WARP_REFRESH_TOKEN", "a-hunter2"}});
  CHECK(loaded.tokens() == "PERSONAL:a");
  CHECK(loaded.config().server_url == Config().server_url);
  CHECK(loaded.config().tier_order == Config().tier_order);
  CHECK(loaded.config().proxy.empty());
  CHECK_THAT(loaded.log, ContainsSubstring("INFO Initializing token pool\n"));
  CHECK_THAT(loaded.log, ContainsSubstring("INFO Loaded personal token from WARP_REFRESH_TOKEN\n"));
}

TEST_CASE("the environment wins over the file, variable by variable") {
  const EnvFile file(
      "WARP_REFRESH_TOKEN=file-hunter2\nWARP_SHARED_TOKENS=shared-hunter2\nWARP_ANONYMOUS_TOKEN=x-hunter2\n");
  const Loaded loaded = Load(
      {{"WARP_REFRESH_TOKEN", "env-hunter2"}, {"WARP_SHARED_TOKENS", ""}, {"WARP_ANONYMOUS_TOKEN", " "}}, file.path());
  CHECK(loaded.tokens() == "PERSONAL:env SHARED:shared ANONYMOUS:x");
}

TEST_CASE("the file may refer to the environment, and spread a list over lines") {
  const EnvFile file(
      "export WARP_PERSONAL_TOKENS=\"\n  ${MINE},\n  b-hunter2\n\" # mine\nWARP_SERVER_URL='https://${HOST:-a.b}/'");
  const Loaded loaded = Load({{"MINE", "a-hunter2"}}, file.path());
  CHECK(loaded.tokens() == "PERSONAL:a PERSONAL:b");
  CHECK(loaded.config().server_url == "https://a.b/");
}

TEST_CASE("the process environment is read, and left as it is") {
  const EnvFile file("WARP_SHARED_TOKENS=shared-hunter2\nWARP_REFRESH_TOKEN=file-hunter2\n");
  REQUIRE(setenv("WARP_REFRESH_TOKEN", "process-hunter2", 1) == 0);
  REQUIRE(unsetenv("WARP_SHARED_TOKENS") == 0);
  LoadOptions options;
  options.env_file = file.path();
  const auto config = LoadConfig(options);
  CHECK(getenv("WARP_SHARED_TOKENS") == nullptr);
  CHECK(std::string(getenv("WARP_REFRESH_TOKEN")) == "process-hunter2");
  unsetenv("WARP_REFRESH_TOKEN");
  REQUIRE(config.ok());
  CHECK(config->tokens.at(0).credential.Reveal() == "process-hunter2");
  CHECK(config->tokens.at(1).credential.Reveal() == "shared-hunter2");
}

TEST_CASE("an error in the file names file, line and variable") {
  const EnvFile file("# tokens\nWARP_SHARED_TOKENS='a-hunter2,b hunter2'\n");
  const Loaded loaded = Load({}, file.path());
  CHECK(loaded.code() == Code::kInvalidConfig);
  CHECK(loaded.message() == file.path() + ":2: WARP_SHARED_TOKENS: token 2 holds a blank");
  const EnvFile broken("WARP_REFRESH_TOKEN=a\nhunter2 is not a line\n");
  CHECK_THAT(Load({}, broken.path()).message(), Catch::Matchers::StartsWith(broken.path() + ":2: "));
}

TEST_CASE("a file that is not there, or no file, is an error that names it") {
  for (const std::string path : {"/no/such/.env", "/tmp"}) {
    const Loaded loaded = Load({{"WARP_REFRESH_TOKEN", "a-hunter2"}}, path);
    CHECK(loaded.code() == Code::kInvalidConfig);
    CHECK_THAT(loaded.message(), Catch::Matchers::StartsWith(path + ": "));
  }
  CHECK(Load({}, std::string("/tmp/\0x", 7)).code() == Code::kInvalidConfig);
  const EnvFile secret("WARP_REFRESH_TOKEN=a-hunter2", 0000);
  if (geteuid() != 0) CHECK_THAT(Load({}, secret.path()).message(), Catch::Matchers::StartsWith(secret.path() + ": "));
}

TEST_CASE("a pipe is as good as a file") {
  const EnvFile unused("");
  const std::string path = unused.path() + ".pipe";
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  std::thread writer([&] { std::ofstream(path) << "WARP_REFRESH_TOKEN=a-hunter2"; });
  const Loaded loaded = Load({}, path);
  writer.join();
  std::remove(path.c_str());
  CHECK(loaded.tokens() == "PERSONAL:a");
}

TEST_CASE("a file of 1 MiB is read, a larger one is not") {
  constexpr std::size_t kMiB = 1U << 20;
  std::string text = "WARP_REFRESH_TOKEN=a-hunter2\n#";
  text.resize(kMiB, '#');
  CHECK(Load({}, EnvFile(text).path()).tokens() == "PERSONAL:a");
  const EnvFile large(text + "#");
  const Loaded loaded = Load({}, large.path());
  CHECK(loaded.code() == Code::kInvalidConfig);
  CHECK(loaded.message() == large.path() + ": larger than 1 MiB");
}

TEST_CASE("a file that others can read is used with a warning") {
  const char* const text = "WARP_REFRESH_TOKEN=a-hunter2";
  for (const auto& [mode, name] : std::map<mode_t, std::string>{{0644, "0644"}, {0640, "0640"}, {0604, "0604"}}) {
    const EnvFile file(text, mode);
    const Loaded loaded = Load({}, file.path());
    CHECK(loaded.tokens() == "PERSONAL:a");
    CHECK_THAT(loaded.log, ContainsSubstring("WARNING " + file.path()) && ContainsSubstring("mode " + name));
  }
  const EnvFile file(text, 0600);
  CHECK_THAT(Load({}, file.path()).log, !ContainsSubstring("WARNING"));
}

TEST_CASE("the tier order names each tier once, in any case") {
  const auto load = [](const char* order) {
    return Load({{"WARP_REFRESH_TOKEN", "a-hunter2"}, {"WARP_TIER_ORDER", order}});
  };
  CHECK(load(" shared, Personal ,,").config().tier_order == std::vector{Tier::kShared, Tier::kPersonal});
  CHECK(load(" ").config().tier_order == Config().tier_order);
  CHECK(load("PERSONAL,hunter2").message() == "WARP_TIER_ORDER: tier 2 is not PERSONAL, SHARED or ANONYMOUS");
  CHECK(load("PERSONAL,,personal").message() == "WARP_TIER_ORDER: tier 2 is there twice");
  CHECK(load(",").message() == "WARP_TIER_ORDER: names no tier");
}

TEST_CASE("the strategy is known by its name, in any case") {
  const auto load = [](const char* strategy) {
    return Load({{"WARP_REFRESH_TOKEN", "a-hunter2"}, {"WARP_STRATEGY", strategy}});
  };
  CHECK(load("round_robin").config().strategy == Strategy::kRoundRobin);
  CHECK(load(" Fill_First ").config().strategy == Strategy::kFillFirst);
  CHECK(load("LEAST_IN_FLIGHT").config().strategy == Strategy::kLeastInFlight);
  CHECK(load(" ").config().strategy == Strategy::kRoundRobin);
  for (const char* bad : {"hunter2", "round robin", "round-robin", "fill_firs", "fill_first,round_robin", "1"}) {
    const Loaded loaded = load(bad);
    CHECK(loaded.code() == Code::kInvalidConfig);
    CHECK(loaded.message() == "WARP_STRATEGY: is not round_robin, fill_first or least_in_flight");
  }
  const EnvFile file("WARP_REFRESH_TOKEN=a-hunter2\nWARP_STRATEGY=fill_first\n");
  CHECK(Load({}, file.path()).config().strategy == Strategy::kFillFirst);
  CHECK(Load({{"WARP_STRATEGY", "least_in_flight"}}, file.path()).config().strategy == Strategy::kLeastInFlight);
  const EnvFile broken("WARP_REFRESH_TOKEN=a-hunter2\nWARP_STRATEGY=hunter2\n");
  CHECK_THAT(Load({}, broken.path()).message(), Catch::Matchers::StartsWith(broken.path() + ":2: WARP_STRATEGY: "));
}

TEST_CASE("the other variables go into their fields") {
  const EnvFile bundle("");
  const Loaded loaded = Load({{"WARP_REFRESH_TOKEN", "a-hunter2"},
                              {"WARP_SERVER_URL", "http://localhost:8000"},
                              {"WARP_REFRESH_URL", " https://example.com/token "},
                              {"WARP_FIREBASE_API_KEY", "key-hunter2"},
                              {"WARP_CLIENT_VERSION", "v1"},
                              {"WARP_CA_BUNDLE", bundle.path()}});
  CHECK(loaded.config().server_url == "http://localhost:8000");
  CHECK(loaded.config().refresh_url == "https://example.com/token");
  CHECK(loaded.config().firebase_api_key.Reveal() == "key-hunter2");
  CHECK(loaded.config().client_version == "v1");
  CHECK(loaded.config().ca_bundle == bundle.path());
}

TEST_CASE("a variable with a bad value is named") {
  for (const auto& [name, value] :
       std::vector<std::pair<const char*, const char*>>{{"WARP_SERVER_URL", "http://hunter2.example.com"},
                                                        {"WARP_SERVER_URL", "hunter2"},
                                                        {"WARP_REFRESH_URL", "https://user:hunter2@example.com"},
                                                        {"WARP_FIREBASE_API_KEY", "hunter2 x"},
                                                        {"WARP_CLIENT_VERSION", "hunter2\r\nX-Evil: 1"},
                                                        {"WARP_CA_BUNDLE", "/no/such/hunter2"},
                                                        {"WARP_PROXY", "ftp://hunter2"},
                                                        {"HTTPS_PROXY", "https://hunter2:0"},
                                                        {"no_proxy", "hunter2\na"}}) {
    const Loaded from_environment = Load({{"WARP_REFRESH_TOKEN", "a-hunter2"}, {name, value}});
    CHECK(from_environment.code() == Code::kInvalidConfig);
    CHECK_THAT(from_environment.message(), Catch::Matchers::StartsWith(std::string(name) + ": "));
    const EnvFile file(std::string("WARP_REFRESH_TOKEN=a-hunter2\n") + name + "=\"" + value + "\"");
    const Loaded from_file = Load({}, file.path());
    CHECK(from_file.code() == Code::kInvalidConfig);
    CHECK_THAT(from_file.message(), Catch::Matchers::StartsWith(file.path() + ":2: " + name + ": "));
  }
}

TEST_CASE("a proxy that cannot be read in one way only is refused, and nothing of it is shown") {
  for (const char* proxy : {"http://user:S3CR@ET@127.0.0.1:9", "http://user:S3CR#ET@127.0.0.1:9",
                            "http://user:S3CR?ET@127.0.0.1:9", "http://user:S3CRET@ho!st:9"}) {
    const Loaded loaded = Load({{"WARP_REFRESH_TOKEN", "a-hunter2"}, {"WARP_PROXY", proxy}});
    CHECK(loaded.code() == Code::kInvalidConfig);
    CHECK_THAT(loaded.message(), StartsWith("WARP_PROXY: not a proxy URL: "));
    const EnvFile file("# a proxy\nWARP_REFRESH_TOKEN=a-hunter2\nhttps_proxy='" + std::string(proxy) + "'\n");
    const Loaded from_file = Load({}, file.path());
    CHECK_THAT(from_file.message(), StartsWith(file.path() + ":3: https_proxy: not a proxy URL: "));
    for (const std::string& text : {loaded.message(), loaded.log, from_file.message(), from_file.log}) {
      for (const char* part : {"S3CR", "ET@", "user", "ho!st"})
        CHECK_THAT(text, !ContainsSubstring(std::string(part) + ":") && !ContainsSubstring(part + std::string("@")));
      CHECK_THAT(text, !ContainsSubstring("S3CR"));
    }
  }
}

TEST_CASE("what is too short to be a secret is refused, with its place") {
  const auto refused = [](Environment environment) {
    environment.emplace("WARP_REFRESH_TOKEN", "a-hunter2");
    const Loaded loaded = Load(std::move(environment));
    CHECK(loaded.code() == Code::kInvalidConfig);
    return loaded.message();
  };
  CHECK(refused({{"WARP_FIREBASE_API_KEY", "k"}}) ==
        "WARP_FIREBASE_API_KEY: the key is too short to be one: it has fewer than 8 bytes");
  CHECK(refused({{"WARP_REFRESH_TOKEN", "ab"}}) ==
        "WARP_REFRESH_TOKEN: the token is too short to be one: it has fewer than 8 bytes");
  CHECK(refused({{"WARP_SHARED_TOKENS", "fake-token,c"}}) ==
        "WARP_SHARED_TOKENS: token 2 is too short to be one: it has fewer than 8 bytes");
  const EnvFile file("WARP_REFRESH_TOKEN=a-hunter2\n\nWARP_FIREBASE_API_KEY=k\n");
  CHECK(Load({}, file.path()).message() ==
        file.path() + ":3: WARP_FIREBASE_API_KEY: the key is too short to be one: it has fewer than 8 bytes");
  // A proxy's administrator decides how long its passwords are.
  CHECK(Load({{"WARP_REFRESH_TOKEN", "a-hunter2"}, {"WARP_PROXY", "http://u:p@proxy:3128"}}).result.ok());
}

TEST_CASE("the proxy is the one for the server's scheme, unless WARP_PROXY names another") {
  const auto proxy = [](Environment environment, const char* file_text = "") {
    environment.emplace("WARP_REFRESH_TOKEN", "a-hunter2");
    const EnvFile file(file_text);
    return std::string(Load(std::move(environment), file.path()).config().proxy.Reveal());
  };
  const Environment both{{"HTTPS_PROXY", "secure:1"}, {"HTTP_PROXY", "plain:2"}};
  Environment plain = both;
  plain["WARP_SERVER_URL"] = "http://127.0.0.1:80";
  Environment own = both;
  own["WARP_PROXY"] = "own:3";
  CHECK(proxy({}).empty());
  CHECK(proxy(both) == "secure:1");
  CHECK(proxy(plain) == "plain:2");
  CHECK(proxy(own) == "own:3");
  CHECK(proxy({{"HTTP_PROXY", "plain:2"}}).empty());
  CHECK(proxy({{"https_proxy", "lower:4"}, {"HTTPS_PROXY", "upper:5"}}) == "lower:4");
  CHECK(proxy(both, "https_proxy=file:6") == "secure:1");
  CHECK(proxy(both, "WARP_PROXY=file:6") == "file:6");
  CHECK(Load({{"WARP_REFRESH_TOKEN", "a-hunter2"}, {"NO_PROXY", "a,.b"}}).config().no_proxy == "a,.b");
}

}  // namespace
}  // namespace warppool::internal
