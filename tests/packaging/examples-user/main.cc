// An embedder's own test: asks the stand-in, and sees no header but those that are meant for it.
#if __has_include("base/json.h") || __has_include("warppool/wire/task.pb.h") || __has_include("ledger.h")
#error "an internal header can be seen"
#endif

#include <loopback.h>
#include <warppool/client.h>

#include <iostream>

int main() {
  loopback::Service service;
  service.Accept("fake-token-1");
  warppool::Config config;
  config.tokens.push_back({warppool::Secret("fake-token-1")});
  config.server_url = service.url();
  const auto client = warppool::Client::Create(config);
  if (!client.ok()) return 1;
  const auto answer = (*client)->Ask(warppool::Request("What is new?"));
  std::cout << (answer.ok() ? answer.text : answer.status.ToString()) << "\n";
  return answer.ok() ? 0 : 1;
}
