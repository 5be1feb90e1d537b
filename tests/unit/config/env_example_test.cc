// examples/.env.example does what it says.

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>

#include "catch.h"
#include "load_fixture.h"

namespace warppool::internal {
namespace {

using Catch::Matchers::ContainsSubstring;

std::string Example() {
  const auto path = std::filesystem::path(__FILE__).parent_path() / "../../../examples/.env.example";
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  REQUIRE(file.good());
  return text.str();
}

// Removes the "#" where a reader of section `title` would: before its variables, and the rest of a list's lines. Other
// sections stay as they are.
std::string Enable(const std::string& text, const std::string& title) {
  const std::regex heading("# --- .*");
  const std::regex assignment("# ([A-Z_]+=.*)");
  std::istringstream in(text);
  std::string out;
  std::string line;
  bool here = false;
  bool found = false;
  bool in_quotes = false;
  while (std::getline(in, line)) {
    if (std::regex_match(line, heading)) here = line.find(title) != std::string::npos;
    found = found || here;
    const bool starts = here && !in_quotes && std::regex_match(line, assignment);
    if (starts || in_quotes) line.erase(0, line.substr(0, 2) == "# " ? 2 : 0);
    if (starts) in_quotes = line.size() > 1 && line.find('"') == line.rfind('"') && line.back() == '"';
    if (!starts && in_quotes && line == "\"") in_quotes = false;
    out += line + "\n";
  }
  REQUIRE(found);
  CHECK_FALSE(in_quotes);
  return out;
}

// "your_second_token_here" becomes "second_token-hunter2".
std::string Fill(const std::string& text) {
  return std::regex_replace(std::regex_replace(text, std::regex("your_api_key_here"), "wk-key-hunter2"),
                            std::regex("your_([a-z_]+)_here"), "$1-hunter2");
}

}  // namespace

TEST_CASE("the example .env as it is holds no token, and says so") {
  const EnvFile file(Example());
  const Loaded loaded = Load({}, file.path());
  CHECK(loaded.code() == Code::kNoTokens);
  CHECK_THAT(loaded.log, ContainsSubstring("WARNING") && ContainsSubstring("WARP_REFRESH_TOKEN"));
}

TEST_CASE("the example .env holds one account with its first scheme") {
  const EnvFile file(Fill(Example()));
  CHECK(Load({}, file.path()).tokens() == "PERSONAL:personal_refresh_token");
}

TEST_CASE("the example .env holds several accounts with its second scheme") {
  const EnvFile file(Fill(Enable(Example(), "2. Several accounts")));
  CHECK(Load({}, file.path()).tokens() == "PERSONAL:personal_refresh_token PERSONAL:second_token PERSONAL:third_token");
}

TEST_CASE("the example .env holds all tiers with its third scheme") {
  const EnvFile file(Fill(Enable(Example(), "3. A team")));
  CHECK(Load({}, file.path()).tokens() ==
        "PERSONAL:personal_refresh_token SHARED:first_shared_token SHARED:second_shared_token "
        "ANONYMOUS:anonymous_token");
}

TEST_CASE("the example .env sets what stands beside its schemes, with the defaults that it names") {
  std::string text = Fill(Enable(Example(), "Beside or instead"));
  const EnvFile authorities("");
  const std::string placeholder = "/path/to/authorities.pem";
  REQUIRE(text.find(placeholder) != std::string::npos);
  text.replace(text.find(placeholder), placeholder.size(), authorities.path());
  const EnvFile file(text);
  const Loaded loaded = Load({}, file.path());
  const Config defaults;
  CHECK_THAT(loaded.tokens(), ContainsSubstring("PERSONAL:wk-key(key)"));
  CHECK(loaded.config().tier_order == defaults.tier_order);
  CHECK(loaded.config().server_url == defaults.server_url);
  CHECK(loaded.config().refresh_url == defaults.server_url + "/proxy/token");
  CHECK(loaded.config().firebase_api_key.Reveal() == "firebase_api_key-hunter2");
  CHECK(loaded.config().client_version == defaults.client_version);
  CHECK(loaded.config().ca_bundle == authorities.path());
  CHECK(loaded.config().state_file == "/home/you/.local/state/warppool.state");
  CHECK(loaded.config().proxy.Reveal() == "http://proxy.example.com:3128");
  CHECK(loaded.config().no_proxy == ".example.com,intranet");
}

}  // namespace warppool::internal
