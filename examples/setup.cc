#include "setup.h"

#include <filesystem>
#include <iostream>
#include <random>
#include <system_error>
#include <utility>

namespace example {
namespace {

// Another one at each start: a stand-in has forgotten what an earlier one knew, as if it were another account. A
// conversation that was begun there moves, as it would between accounts.
std::string NewToken() {
  std::random_device random;
  return "demo-token-" + std::to_string(random()) + std::to_string(random());
}

Setup MakeStandIn() {
  Setup setup;
  setup.description = "No token is configured, and there is no .env here: a stand-in of the service answers.";
  setup.stand_in = std::make_unique<loopback::Service>();
  setup.token = NewToken();
  setup.stand_in->Accept(setup.token);
  setup.config.server_url = setup.stand_in->url();
  warppool::TokenConfig token;
  token.credential = warppool::Secret(setup.token);
  setup.config.tokens.push_back(std::move(token));
  return setup;
}

}  // namespace

warppool::Result<Setup> MakeSetup(std::string env_file) {
  std::error_code unseen;
  if (env_file.empty() && std::filesystem::exists(".env", unseen)) env_file = ".env";
  warppool::LoadOptions options;
  options.env_file = env_file;
  options.log = [](const warppool::LogRecord& record) {
    if (record.level >= warppool::LogLevel::kWarning) std::cerr << "warning: " << record.message << "\n";
  };
  auto config = warppool::LoadConfig(options);
  if (config.ok()) {
    Setup setup;
    setup.description = (env_file.empty() ? "" : env_file + " and ") + "the environment, with " + config->server_url;
    setup.config = *std::move(config);
    return setup;
  }
  if (config.code() == warppool::Code::kNoTokens && env_file.empty()) return MakeStandIn();
  return config.status();
}

}  // namespace example
