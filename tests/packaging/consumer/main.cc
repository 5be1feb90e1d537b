// Makes and destroys a client, so that what the library needs must really be linked. Sends nothing.
#include <warppool/client.h>
#include <warppool/version.h>

#include <iostream>

int main() {
  warppool::Config config;
  config.tokens.push_back({warppool::Secret("demo-token-1")});
  const auto client = warppool::Client::Create(config);
  std::cout << "C++ " << warppool::Version() << ": " << client.status().ToString() << "\n";
  return client.ok() ? 0 : 1;
}
