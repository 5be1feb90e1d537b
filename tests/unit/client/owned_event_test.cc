#include <string>
#include <utility>

#include "catch.h"
#include "warppool/event.h"

namespace warppool {
namespace {

const TextDelta& AsDelta(const OwnedEvent& event) {
  return std::get<TextDelta>(event.get());
}

TEST_CASE("An event that is kept outlives what it was made from, in copies and after moves") {
  // Short texts, too: a string would keep them inside itself, and they would move with it.
  auto source = std::make_unique<std::string>("m1|Hi");
  OwnedEvent kept(TextDelta{std::string_view(*source).substr(0, 2), std::string_view(*source).substr(3)});
  source.reset();
  const OwnedEvent copy(kept);
  const OwnedEvent moved(std::move(kept));
  CHECK(AsDelta(moved).message_id == "m1");
  CHECK(AsDelta(moved).text == "Hi");
  CHECK(AsDelta(copy).text == "Hi");
  CHECK(AsDelta(copy).text.data() != AsDelta(moved).text.data());
}

TEST_CASE("A kept event can be replaced by another one, also by itself") {
  OwnedEvent event(TextDelta{"m1", "first"});
  const OwnedEvent other(Waiting{std::chrono::milliseconds(5), "no token is ready"});
  event = other;
  CHECK(std::get<Waiting>(event.get()).reason == "no token is ready");
  const OwnedEvent& itself = event;
  event = itself;
  CHECK(std::get<Waiting>(event.get()).reason == "no token is ready");
}

TEST_CASE("A kept event without texts takes no more than itself") {
  const OwnedEvent event(StreamStarted{});
  CHECK(std::get<StreamStarted>(event.get()).token.empty());
  CHECK(event.bytes() == sizeof event);
  CHECK(OwnedEvent(TextDelta{"m1", "four"}).bytes() == sizeof event + 6);
}

}  // namespace
}  // namespace warppool
