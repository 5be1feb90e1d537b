// The client that the benchmarks measure: one token, an API key, that serves at once.
#pragma once

#include <cstdio>
#include <memory>
#include <utility>

#include "measured_program.h"
#include "warppool/client.h"

namespace measured {

// Null: what is wrong has been said.
inline std::unique_ptr<warppool::Client> MakeClient(const Arguments& arguments) {
  warppool::Config config;
  config.server_url = arguments.url;
  config.ca_bundle = arguments.ca_file;
  warppool::TokenConfig token;
  token.credential = warppool::Secret(arguments.api_key);
  token.kind = warppool::CredentialKind::kApiKey;
  config.tokens.push_back(std::move(token));
  auto client = warppool::Client::Create(std::move(config));
  if (client.ok()) return *std::move(client);
  std::fprintf(stderr, "no client: %s\n", client.status().ToString().c_str());
  return nullptr;
}

}  // namespace measured
