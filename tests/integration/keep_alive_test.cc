// What a service, or a proxy before it, sends for no other purpose than to keep the connection.

#include <numeric>

#include "answer_stream.h"
#include "fixture.h"

namespace warppool {

TEST_CASE("what only keeps a connection alive is no part of the answer") {
  const std::string between =
      GENERATE(as<std::string>(), "data:\n\n", "data\n\n", "data: \n\n", "data: \"\"\n\n", "event: ping\ndata: {}\n\n",
               "event: PING\ndata: {\"type\":\"ping\"}\n\n", "data: 1764547200\nevent:heartbeat\n\n",
               "event: keepalive\ndata: x\n\n", "event: keep-alive\ndata\ndata\n\n", ": still here\n\n", ":\n\n",
               "event: ping\n\n", "id: 7\nretry: 1000\n\n");
  INFO(between);
  World world;
  world.service.On(kOne).Agent(loopback::Ok().BeforeEvents(between));
  world.Connect({kOne});
  const auto answer = world.Ask(Request("hello"));
  REQUIRE(answer.status().ToString() == "ok");
  CHECK(answer->text == "Echo: hello");
}

TEST_CASE("an event of another name is a part of the answer") {
  World world;
  loopback::Answer answer;
  answer.steps = {loopback::Say("hello")};
  std::string stream;
  for (const std::string& frame : loopback::AnswerFrames(answer).all) stream += "event: response\n" + frame;
  world.service.On(kOne).Agent(loopback::Raw(stream));
  world.Connect({kOne});
  const auto got = world.Ask(Request("hello"));
  REQUIRE(got.status().ToString() == "ok");
  CHECK(got->text == "hello");
}

TEST_CASE("what an event of another name says must decode") {
  World world;
  world.service.On(kOne).Agent(loopback::Raw("event: response\ndata: {}\n\n"));
  world.Connect({kOne});
  CHECK(world.Ask(Impatient()).code() == Code::kUndecodableEvent);
}

// It began, and was cut off: nothing says that this is no stream, and another attempt may bring it.
TEST_CASE("a stream that ends while it was only kept alive is asked for again") {
  const std::string bytes = GENERATE(as<std::string>(), "data:\n\n", ": still here\n\n", "event: ping\ndata: {}\n\n");
  INFO(bytes);
  World world;
  world.service.On(kOne).Agent(loopback::Raw(bytes).Times(1));
  world.Connect({kOne});
  CHECK(world.Ask(Request("hello")).status().ToString() == "ok");
  CHECK(world.service.Count(kAgent) == 2);
}

TEST_CASE("events that only keep the connection count for the limit of events") {
  World world;
  std::string stream;
  for (int i = 0; i < 100; ++i) stream += "event: ping\ndata: {}\n\n";
  world.service.On(kOne).Agent(loopback::Raw(stream));
  Config config = ConfigFor(world.service, {kOne});
  config.max_stream_events = 50;
  world.Connect(std::move(config));
  CHECK(world.Ask(Impatient()).code() == Code::kLimitExceeded);
}

}  // namespace warppool
