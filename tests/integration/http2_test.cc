// HTTP/2, through a real proxy that speaks it.

#include <cstdio>
#include <fstream>
#include <sstream>

#include "http2_front.h"

namespace warppool {
namespace {

// Connections of this machine to `port` that are established, seen from the client's end.
int ConnectionsTo(int port) {
  std::ifstream table("/proc/net/tcp");
  char wanted[16];
  std::snprintf(wanted, sizeof wanted, "0100007F:%04X", static_cast<unsigned>(port));
  int count = 0;
  std::string line;
  std::getline(table, line);
  while (std::getline(table, line)) {
    std::istringstream fields(line);
    std::string number;
    std::string local;
    std::string remote;
    std::string state;
    fields >> number >> local >> remote >> state;
    if (remote == wanted && state == "01") ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("HTTP/2: many streams share one connection") {
  World world;
  world.service.On("fake-token-one").Agent(loopback::Ok().Gap(5ms));
  Http2Front front;
  front.Start(world.service);
  Client& client = world.Connect(front.ConfigFor(world.service, {"fake-token-one"}));
  REQUIRE(world.Said(client.Ask(Request("warm up")).status).ToString() == "ok");

  std::vector<std::unique_ptr<Recorder>> recorders;
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < 30; ++i) {
    recorders.push_back(std::make_unique<Recorder>(&world));
    auto stream = client.Start(Request("hello"), recorders.back()->Callbacks());
    REQUIRE(stream.ok());
    streams.push_back(*std::move(stream));
  }
  for (const auto& recorder : recorders) REQUIRE(recorder->WaitForText());
  CHECK(ConnectionsTo(front.port()) == 1);
  for (const auto& recorder : recorders) {
    REQUIRE(recorder->WaitUntilDone());
    CHECK(recorder->status().ToString() == "ok");
    CHECK(recorder->text() == "Echo: hello");
  }
}

TEST_CASE("a request that is sent with another one's handle has its own token and its own question") {
  World world;
  Http2Front front;
  Config config;
  world.service.On("fake-token-one").Agent(loopback::Ok().Times(2)).Agent(loopback::Status(401).Times(1));
  world.service.Accept("fake-token-two");
  const bool over_http2 = GENERATE(false, true);
  if (over_http2) {
    front.Start(world.service);
    config = front.ConfigFor(world.service, {"fake-token-one", "fake-token-two"});
  } else {
    config = ConfigFor(world.service, {"fake-token-one", "fake-token-two"});
  }
  Client& client = world.Connect(std::move(config));
  std::vector<std::string> served;
  for (int i = 0; i < 8; ++i) {
    const std::string question = "question " + std::to_string(i);
    const Answer answer = client.Ask(Request(question));
    REQUIRE(world.Said(answer.status).ToString() == "ok");
    CHECK(answer.text == "Echo: " + question);
  }
  for (const loopback::Seen& request : world.service.Requests(kAgent)) served.push_back(request.token);
  // In turns, and the third one of the first token is refused, and sent once more with another JWT.
  CHECK(served == std::vector<std::string>{"fake-token-one", "fake-token-two", "fake-token-one", "fake-token-two",
                                           "fake-token-one", "fake-token-one", "fake-token-two", "fake-token-one",
                                           "fake-token-two"});
}

TEST_CASE("HTTP/2: a stream that nobody reads holds back none of its siblings") {
  World world;
  const std::string large(8U << 20U, 'x');
  world.service.On("fake-token-one").Agent(loopback::Ok().Text(large).Chunks(2000).Times(1));
  Http2Front front;
  front.Start(world.service);
  Client& client = world.Connect(front.ConfigFor(world.service, {"fake-token-one"}));
  auto slow = client.Start(Request("large"));
  REQUIRE(slow.ok());
  REQUIRE((*slow)->Next(kPatience).ok());
  for (int i = 0; i < 5; ++i) CHECK(world.Said(client.Ask(Request("hello")).status).ToString() == "ok");

  std::size_t bytes = 0;
  Result<Event> event = (*slow)->Next(kPatience);
  for (; event.ok(); event = (*slow)->Next(kPatience)) {
    if (const auto* delta = std::get_if<TextDelta>(&*event)) bytes += delta->text.size();
  }
  CHECK(event.code() == Code::kEnd);
  CHECK(bytes == large.size());
}

TEST_CASE("HTTP/2: a connection that breaks in mid-answer is said to") {
  World world;
  world.service.On("fake-token-one").Agent(loopback::Ok().CutAfter(4, loopback::Behaviour::Cut::kStall));
  Http2Front front;
  front.Start(world.service);
  Config config = front.ConfigFor(world.service, {"fake-token-one"});
  config.retry_budget = 0;  // or the answer would go on
  Client& client = world.Connect(std::move(config));
  Recorder recorder(&world);
  auto stream = client.Start(Request("hello"), recorder.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(recorder.WaitForText());
  front.Kill();
  REQUIRE(recorder.WaitUntilDone());
  CHECK(recorder.status().code() == Code::kConnectionLost);
  CHECK(world.StatusOf(0).total_failures == 0);
}

}  // namespace warppool
