// Callbacks, pulling, pausing, cancelling, destroying: the contracts of stream.h and client.h.

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <future>
#include <iterator>
#include <stdexcept>
#include <thread>

#include "fixture.h"

namespace warppool {
namespace {

using Cut = loopback::Behaviour::Cut;

std::string TextOf(const Event& event) {
  const auto* delta = std::get_if<TextDelta>(&event);
  return delta == nullptr ? std::string() : std::string(delta->text);
}

}  // namespace

TEST_CASE("a pulled stream delivers the whole answer, then its end, again and again") {
  World world;
  world.service.Accept("fake-token-one");
  auto stream = world.Connect({"fake-token-one"}).Start(Request("hello"));
  REQUIRE(stream.ok());
  std::string text;
  Result<Event> event = world.Said((*stream)->Next(kPatience));
  for (; event.ok(); event = world.Said((*stream)->Next(kPatience))) text += TextOf(*event);
  CHECK(text == "Echo: hello");
  CHECK(event.code() == Code::kEnd);
  CHECK(world.Said((*stream)->Next(0ms)).code() == Code::kEnd);
}

TEST_CASE("a loop over a stream sees all of its events, and the stream says how it ended") {
  World world;
  world.service.Accept("fake-token-one");
  auto stream = world.Connect({"fake-token-one"}).Start(Request("hello"));
  REQUIRE(stream.ok());
  std::string text;
  std::vector<OwnedEvent> kept;
  for (const Event& event : **stream) {
    text += TextOf(event);
    kept.emplace_back(event);
  }
  CHECK(text == "Echo: hello");
  CHECK((*stream)->status().ok());
  CHECK((*stream)->begin() == (*stream)->end());  // what has been read does not come again
  CHECK((*stream)->status().ok());
  stream->reset();
  std::string again;
  for (const OwnedEvent& event : kept) again += TextOf(event.get());
  CHECK(again == text);
}

TEST_CASE("a loop over a stream that fails ends, and the stream says why") {
  World world;
  world.service.On("fake-token-one").Agent(loopback::Status(400));
  auto stream = world.Connect({"fake-token-one"}).Start(Request("hello"));
  REQUIRE(stream.ok());
  int events = 0;
  for (const Event& event : **stream) {
    CHECK(std::holds_alternative<AttemptFailed>(event));
    ++events;
  }
  CHECK(events == 1);
  CHECK((*stream)->status().code() == Code::kRequestRejected);
}

TEST_CASE("a loop over a pushed stream sees nothing, and the stream says that it is no use") {
  World world;
  world.service.Accept("fake-token-one");
  std::promise<void> done;
  StreamCallbacks callbacks;
  callbacks.on_done = [&](const Status& /*status*/) { done.set_value(); };
  auto stream = world.Connect({"fake-token-one"}).Start(Request("hello"), std::move(callbacks));
  REQUIRE(stream.ok());
  CHECK((*stream)->begin() == (*stream)->end());
  CHECK((*stream)->status().code() == Code::kMisuse);
  done.get_future().wait();
}

TEST_CASE("a pulled stream's descriptor is readable while there is something to take") {
  World world;
  world.service.On("fake-token-one").Agent(loopback::Ok().CutAfter(3, Cut::kStall));
  auto stream = world.Connect({"fake-token-one"}).Start(Request("hello"));
  REQUIRE(stream.ok());
  const auto descriptor = (*stream)->Descriptor();
  REQUIRE(descriptor.ok());
  pollfd ready{*descriptor, POLLIN, 0};
  // Up to the first words; then it stalls.
  for (bool said = false; !said;) {
    REQUIRE(poll(&ready, 1, 30'000) == 1);
    const auto event = world.Said((*stream)->Next(0ms));
    REQUIRE(event.ok());
    said = std::holds_alternative<TextDelta>(*event);
  }
  CHECK(poll(&ready, 1, 0) == 0);
  CHECK(world.Said((*stream)->Next(0ms)).code() == Code::kTimeout);
  (*stream)->Cancel();
  REQUIRE(poll(&ready, 1, 30'000) == 1);
  CHECK(world.Said((*stream)->Next(kPatience)).code() == Code::kCancelled);
  CHECK(poll(&ready, 1, 0) == 1);
}

TEST_CASE("a slow reader slows its own transfer down, and no other") {
  World world;
  const std::string large(8U << 20U, 'x');
  world.service.On("fake-token-one").Agent(loopback::Ok().Text(large).Chunks(2000));
  world.service.Accept("fake-token-two");
  Client& client = world.Connect({"fake-token-one", "fake-token-two"});
  auto slow = client.Start(Request("large"));
  REQUIRE(slow.ok());
  REQUIRE(world.Said((*slow)->Next(kPatience)).ok());
  for (int i = 0; i < 3; ++i) {
    Request request("hello");
    const auto answer = world.Ask(request);
    CHECK(answer.ok());
  }
  std::size_t bytes = 0;
  Result<Event> event = world.Said((*slow)->Next(kPatience));
  for (; event.ok(); event = world.Said((*slow)->Next(kPatience))) bytes += TextOf(*event).size();
  CHECK(event.code() == Code::kEnd);
  CHECK(bytes == large.size());
}

TEST_CASE("a push callback may pause after every event, and misses none") {
  World world;
  world.service.On("fake-token-one").Agent(loopback::Ok().Text(std::string(2000, 'y')).Chunks(100));
  Client& client = world.Connect({"fake-token-one"});
  std::string text;
  std::promise<warppool::Status> done;
  std::atomic<int> paused{0};
  auto stream = client.Start(Request("hello"), {[&](const Event& event) {
                                                  text += TextOf(event);
                                                  ++paused;
                                                  return Flow::kPause;
                                                },
                                                [&](const warppool::Status& status) { done.set_value(status); }});
  REQUIRE(stream.ok());
  auto over = done.get_future();
  for (int resumed = 0; over.wait_for(0s) != std::future_status::ready;) {
    if (paused > resumed) {
      ++resumed;
      (*stream)->Resume();
    } else {
      std::this_thread::yield();
    }
  }
  CHECK(over.get().ToString() == "ok");
  CHECK(text == std::string(2000, 'y'));
}

TEST_CASE("an exception out of a callback ends that stream with an error, and no other") {
  World world;
  world.service.Accept("fake-token-one");
  Client& client = world.Connect({"fake-token-one"});
  std::promise<warppool::Status> done;
  auto stream = client.Start(Request("hello"), {[](const Event& event) -> Flow {
                                                  if (std::holds_alternative<TextDelta>(event))
                                                    throw std::runtime_error("!");
                                                  return Flow::kContinue;
                                                },
                                                [&](const warppool::Status& status) {
                                                  done.set_value(status);
                                                  throw std::runtime_error("again");
                                                }});
  REQUIRE(stream.ok());
  CHECK(done.get_future().get().code() == Code::kInternal);
  CHECK(world.Ask(Request("hello")).ok());
}

TEST_CASE("cancelling and destroying from inside a callback end the stream with one terminal call") {
  World world;
  world.service.Accept("fake-token-one");
  Client& client = world.Connect({"fake-token-one"});
  enum class Way { kReturn, kCancel, kDestroy };
  for (const Way way : {Way::kReturn, Way::kCancel, Way::kDestroy}) {
    INFO("way " << static_cast<int>(way));
    std::promise<std::unique_ptr<Stream>*> handle;
    auto handle_there = handle.get_future();
    std::promise<void> quiet;
    std::atomic<int> dones{0};
    std::atomic<int> late{0};
    std::atomic<bool> acted{false};
    std::unique_ptr<Stream> stream;
    auto started =
        client.Start(Request("hello"), {[&](const Event& event) {
                                          if (dones > 0) ++late;
                                          if (!std::holds_alternative<TextDelta>(event) || acted.exchange(true))
                                            return Flow::kContinue;
                                          std::unique_ptr<Stream>* own = handle_there.get();
                                          if (way == Way::kReturn) return Flow::kCancel;
                                          if (way == Way::kCancel) (*own)->Cancel();
                                          if (way == Way::kDestroy) own->reset();
                                          return Flow::kContinue;
                                        },
                                        [&](const warppool::Status&) {
                                          if (++dones == 1) quiet.set_value();
                                        }});
    REQUIRE(started.ok());
    stream = *std::move(started);
    handle.set_value(&stream);
    REQUIRE(quiet.get_future().wait_for(kPatience) == std::future_status::ready);
    stream.reset();
    CHECK(dones == 1);
    CHECK(late == 0);
  }
  CHECK(client.Pool().tokens[0].in_flight == 0);
}

TEST_CASE("destroying a running stream calls its terminal callback before it returns, and none after") {
  World world;
  world.service.On("fake-token-one").Agent(loopback::Ok().CutAfter(3, Cut::kStall));
  Client& client = world.Connect({"fake-token-one"});
  Recorder recorder(&world);
  auto stream = client.Start(Request("hello"), recorder.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(recorder.WaitForText());
  *stream = nullptr;
  CHECK(recorder.dones() == 1);
  CHECK(recorder.status().code() == Code::kCancelled);
  CHECK(recorder.events_after_done() == 0);
}

TEST_CASE("what would wait for itself is refused inside a callback") {
  World world;
  world.service.Accept("fake-token-one");
  Client& client = world.Connect({"fake-token-one"});
  std::promise<std::vector<Code>> codes;
  std::promise<void> done;
  auto stream = client.Start(
      Request("hello"),
      {[&, asked = false](const Event&) mutable {
         if (std::exchange(asked, true)) return Flow::kContinue;
         codes.set_value({world.Ask(Request("inner")).code(), client.AccessToken().code(), client.Close(0ms).code()});
         return Flow::kContinue;
       },
       [&](const warppool::Status&) { done.set_value(); }});
  REQUIRE(stream.ok());
  CHECK(codes.get_future().get() == std::vector<Code>{Code::kMisuse, Code::kMisuse, Code::kMisuse});
  done.get_future().get();
}

TEST_CASE("a request may be started inside a callback") {
  World world;
  world.service.Accept("fake-token-one");
  Client& client = world.Connect({"fake-token-one"});
  Recorder inner(&world);
  std::promise<std::unique_ptr<Stream>> inner_stream;
  auto outer =
      client.Start(Request("outer"), {nullptr, [&](const warppool::Status&) {
                                        inner_stream.set_value(*client.Start(Request("inner"), inner.Callbacks()));
                                      }});
  REQUIRE(outer.ok());
  const auto stream = inner_stream.get_future().get();
  REQUIRE(inner.WaitUntilDone());
  CHECK(inner.text() == "Echo: inner");
}

TEST_CASE("a client that is destroyed with streams running ends each with one terminal call") {
  World world;
  loopback::Service& service = world.service;
  service.On("wk-moving").Agent(loopback::Ok().Text(std::string(60, 'x')).Chunks(60).Gap(1ms));
  service.On("wk-stalled").Agent(loopback::Ok().CutAfter(3, Cut::kStall));
  service.On("wk-reset").Agent(loopback::Reset());
  service.On("wk-prompt").Agent(loopback::Ok().Text(std::string(2000, 'x')).Chunks(20));
  service.On("fake-token-slow").Exchange(loopback::Ok().Delay(60s));

  // How to get a stream into each state, and to see that it is there.
  struct State {
    const char* name;
    std::vector<std::string> tokens;
    Flow at_text = Flow::kContinue;
    std::function<bool(const Recorder&)> reached;  // empty: at once
    int met = 0;
  };
  State states[] = {
      {"just started", {"wk-moving"}, Flow::kContinue, nullptr},
      {"in its text", {"wk-moving"}, Flow::kContinue, [](const Recorder& r) { return !r.text().empty(); }},
      {"stalled after text", {"wk-stalled"}, Flow::kContinue, [](const Recorder& r) { return !r.text().empty(); }},
      {"with the next token",
       {"wk-reset", "wk-moving"},
       Flow::kContinue,
       [](const Recorder& r) {
         const auto failures = r.failures();
         return !failures.empty() && failures[0].second == NextStep::kNextToken;
       }},
      {"paused", {"wk-prompt"}, Flow::kPause, [](const Recorder& r) { return !r.text().empty(); }},
      {"waiting to try again",
       {"wk-reset"},
       Flow::kContinue,
       [](const Recorder& r) {
         const auto failures = r.failures();
         return !failures.empty() && failures.back().second == NextStep::kWait;
       }},
      {"waiting for a JWT", {"fake-token-slow"}, Flow::kContinue, [&service, seen = 0](const Recorder&) mutable {
         const int count = service.Count("/proxy/token", "fake-token-slow");
         return count > std::exchange(seen, count);
       }}};

  int wrong = 0;
  for (int round = 0; round < 1000; ++round) {
    State& state = states[static_cast<std::size_t>(round) % std::size(states)];
    Config config = ConfigFor(service, state.tokens);
    for (TokenConfig& token : config.tokens) {
      if (token.credential.Reveal().substr(0, 3) == "wk-") token.kind = CredentialKind::kApiKey;
    }
    config.retry_base_delay = 60s;
    config.retry_max_delay = 60s;
    config.max_token_wait = 10min;
    auto made = Client::Create(std::move(config), {world.log.Sink()});
    REQUIRE(made.ok());
    std::unique_ptr<Client> client = *std::move(made);
    Recorder recorder(&world);
    recorder.at_text = state.at_text;
    auto pushed = client->Start(Request("hello"), recorder.Callbacks());
    REQUIRE(pushed.ok());
    auto pulled = client->Start(Request("hello"));
    REQUIRE(pulled.ok());
    const auto until = std::chrono::steady_clock::now() + kPatience;
    bool there = !state.reached || state.reached(recorder);
    while (!there && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(100us);
      there = state.reached(recorder);
    }
    if (there && recorder.dones() == 0) ++state.met;

    // Every other time somebody waits for the pulled stream meanwhile.
    const bool waited_for = (round / static_cast<int>(std::size(states))) % 2 == 0;
    Code end = Code::kOk;
    const auto pull = [&](std::chrono::milliseconds timeout) {
      while (end == Code::kOk) end = world.Said((*pulled)->Next(timeout)).code();
    };
    std::thread waiter;
    if (waited_for) waiter = std::thread(pull, kPatience);
    std::thread([&] { client.reset(); }).join();
    // What ended by itself before it could be cancelled is right, too; of these states only the moving ones can.
    const bool may_end = state.tokens.back() == "wk-moving" || state.at_text == Flow::kPause;
    const auto right = [&](Code code, Code good) { return code == Code::kCancelled || (may_end && code == good); };
    if (recorder.dones() != 1 || recorder.events_after_done() != 0 || !right(recorder.status().code(), Code::kOk)) {
      ++wrong;
    }
    if (waited_for) waiter.join();
    if (!waited_for) pull(0ms);
    if (!right(end, Code::kEnd)) ++wrong;
  }
  CHECK(wrong == 0);
  for (const State& state : states) {
    INFO("a stream that is " << state.name);
    CHECK(state.met >= 50);
  }
}

TEST_CASE("Close lets running requests finish, refuses new ones, and cancels what is late") {
  World world;
  world.service.On("fake-token-one")
      .Agent(loopback::Ok().Gap(5ms).Times(1))
      .Agent(loopback::Ok().CutAfter(3, Cut::kStall));
  Client& client = world.Connect({"fake-token-one"});
  Recorder prompt(&world);
  auto first = client.Start(Request("hello"), prompt.Callbacks());
  REQUIRE(first.ok());
  REQUIRE(prompt.WaitForText());
  SECTION("with patience") {
    CHECK(client.Close(-1ms).ok());
    CHECK(prompt.status().ToString() == "ok");
  }
  SECTION("without") {
    Recorder late(&world);
    auto second = client.Start(Request("hello"), late.Callbacks());
    REQUIRE(second.ok());
    REQUIRE(late.WaitForText());
    REQUIRE(prompt.WaitUntilDone());
    CHECK(client.Close(10ms).ok());
    CHECK(late.status().code() == Code::kCancelled);
  }
  CHECK(client.Start(Request("hello")).code() == Code::kMisuse);
  CHECK(world.Ask(Request("hello")).code() == Code::kMisuse);
  CHECK(client.Close(0ms).ok());
  CHECK(client.Pool().tokens.size() == 1);
}

TEST_CASE("a client that is destroyed inside its own callback neither hangs nor crashes") {
  World world;
  world.service.Accept("fake-token-one");
  // The I/O thread finishes alone, and may have something to say until then.
  auto log = std::make_shared<LogBook>();
  const std::weak_ptr<LogBook> held = log;
  auto made = Client::Create(ConfigFor(world.service, {"fake-token-one"}),
                             {[log](const LogRecord& record) { log->Sink()(record); }});
  REQUIRE(made.ok());
  std::unique_ptr<Client> client = *std::move(made);
  Client* raw = client.get();
  std::promise<warppool::Status> done;
  std::promise<void> handed_over;
  auto ready = handed_over.get_future();
  auto stream = raw->Start(Request("hello"), {[&](const Event&) {
                                                ready.wait();
                                                client.reset();
                                                return Flow::kContinue;
                                              },
                                              [&](const warppool::Status& status) { done.set_value(status); }});
  REQUIRE(stream.ok());
  handed_over.set_value();
  auto over = done.get_future();
  REQUIRE(over.wait_for(kPatience) == std::future_status::ready);
  // Whichever came first, the end of the answer or the destruction.
  const Code code = over.get().code();
  CHECK((code == Code::kCancelled || code == Code::kOk));
  stream->reset();
  log.reset();
  CHECK(Eventually([&] { return held.expired(); }));
  CHECK(client == nullptr);
}

TEST_CASE("after a fork the child can only destroy, and the parent goes on") {
  World world;
  world.service.On("fake-token-one").Agent(loopback::Ok().Gap(2ms));
  Client& client = world.Connect({"fake-token-one"});
  Recorder recorder(&world);
  auto stream = client.Start(Request("hello"), recorder.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(recorder.WaitForText());
  const pid_t child = fork();
  if (child == 0) {
    bool ok = client.Start(Request("hello")).code() == Code::kMisuse;
    ok = ok && client.Ask(Request("hello")).status.code() == Code::kMisuse;
    ok = ok && client.AccessToken().code() == Code::kMisuse;
    ok = ok && client.Close(0ms).code() == Code::kMisuse;
    ok = ok && client.Pool().tokens.empty();
    stream->reset();
    world.client.reset();
    _exit(ok ? 0 : 1);
  }
  REQUIRE(child > 0);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  REQUIRE(recorder.WaitUntilDone());
  CHECK(recorder.status().ToString() == "ok");
}

TEST_CASE("an access token is cached, replaced when it was refused, and fails over as requests do") {
  World world;
  world.service.On("fake-token-one").Exchange(loopback::Dead("TOKEN_EXPIRED"));
  world.service.Accept("fake-token-two");
  Client& client = world.Connect({"fake-token-one", "fake-token-two"});
  const auto first = client.AccessToken();
  REQUIRE(world.Said(first.status()).ToString() == "ok");
  CHECK(first->token == client.Pool().tokens[1].name);
  REQUIRE(first->expires.has_value());
  const auto second = client.AccessToken(1s);
  REQUIRE(second.ok());
  CHECK(second->value == first->value);
  CHECK(world.service.Count("/proxy/token", "fake-token-two") == 1);
  client.DropAccessToken(*second);
  const auto third = client.AccessToken();
  REQUIRE(third.ok());
  CHECK(third->value != first->value);
  client.DropAccessToken(*first);  // replaced long ago
  CHECK(client.AccessToken()->value == third->value);
  CHECK(world.StatusOf(0).state == TokenState::kDisabled);
}

TEST_CASE("access tokens count as the exchanges that they took, and not as requests that were cancelled") {
  World world;
  world.service.Accept("fake-token-one");
  Client& client = world.Connect({"fake-token-one"});
  for (int i = 0; i < 10; ++i) REQUIRE(client.AccessToken().ok());
  Stats stats = client.Statistics();
  CHECK(stats.total.requests == 1);
  CHECK(stats.total.Of(Outcome::kAccepted) == 1);
  CHECK(stats.total.Of(Outcome::kCancelled) == 0);
  CHECK(stats.total.refreshes == 1);
  CHECK(stats.requests.started == 0);
  CHECK(client.Pool().tokens[0].in_flight == 0);
  client.DropAccessToken(*client.AccessToken());
  REQUIRE(client.AccessToken().ok());
  stats = client.Statistics();
  CHECK(stats.total.requests == 2);
  CHECK(stats.total.Of(Outcome::kAccepted) == 2);
}

TEST_CASE("an access token that is an API key counts as nothing") {
  World world;
  world.service.AcceptApiKey("wk-fake-key");
  Config config = ConfigFor(world.service, {"wk-fake-key"});
  config.tokens[0].kind = CredentialKind::kApiKey;
  Client& client = world.Connect(std::move(config));
  for (int i = 0; i < 10; ++i) REQUIRE(client.AccessToken().ok());
  const Stats stats = client.Statistics();
  CHECK(stats.total.requests == 0);
  CHECK(stats.total.Of(Outcome::kCancelled) == 0);
}

TEST_CASE("an access token that does not come in time is waited for no longer") {
  World world;
  world.service.On("fake-token-one").Exchange(loopback::Ok().Delay(60s));
  Client& client = world.Connect({"fake-token-one"});
  CHECK(world.Said(client.AccessToken(20ms).status()).code() == Code::kTimeout);
}

}  // namespace warppool
