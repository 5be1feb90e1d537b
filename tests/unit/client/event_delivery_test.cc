#include "client/event_delivery.h"

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "catch.h"

namespace warppool::internal {
namespace {

using Delivery = EventDelivery::Result;

// A program that takes the text of events, and says what the test wants.
class TextSink final : public EventSink {
 public:
  Flow OnEvent(const Event& event) override {
    texts.emplace_back(std::get<TextDelta>(event).text);
    if (on_event) on_event();
    return flow;
  }
  void OnDone(const Status& /*status*/) override {}

  std::vector<std::string> texts;
  std::function<void()> on_event;
  Flow flow = Flow::kContinue;
};

using DeliveredTexts = std::vector<std::string>;

struct Delivering {
  Delivery Deliver(const std::string& text) { return delivery.Deliver(TextDelta{"m1", text}); }
  const DeliveredTexts& texts() const { return sink->texts; }

  std::shared_ptr<TextSink> sink = std::make_shared<TextSink>();
  EventDelivery delivery{sink};
};

TEST_CASE("an event goes to its sink, and what the program says of it comes back") {
  Delivering d;
  CHECK(d.Deliver("a") == Delivery::kDone);
  d.sink->flow = Flow::kCancel;
  CHECK(d.Deliver("b") == Delivery::kCancelled);
  CHECK_FALSE(d.delivery.paused());
  d.sink->flow = Flow::kContinue;
  d.sink->on_event = [] { throw std::runtime_error("the program throws"); };
  CHECK(d.Deliver("c") == Delivery::kThrew);
  d.sink->on_event = [] { throw 1; };
  CHECK(d.Deliver("d") == Delivery::kThrew);
  CHECK(d.texts() == DeliveredTexts{"a", "b", "c", "d"});
  CHECK_FALSE(d.delivery.DeliverHeld());
}

TEST_CASE("what comes while the program has paused is held back, and given in its order when it goes on") {
  Delivering d;
  d.sink->flow = Flow::kPause;
  CHECK(d.Deliver("a") == Delivery::kPaused);
  CHECK(d.delivery.paused());
  {
    // Too long for any small string, and gone before it is delivered.
    const std::string text(100, 'b');
    CHECK(d.Deliver(text) == Delivery::kDone);
  }
  CHECK(d.Deliver("c") == Delivery::kDone);
  CHECK(d.texts() == DeliveredTexts{"a"});
  d.sink->flow = Flow::kContinue;
  d.delivery.Resume();
  CHECK_FALSE(d.delivery.paused());
  CHECK(d.texts() == DeliveredTexts{"a"});  // one at a time, when it is asked for
  CHECK(d.delivery.DeliverHeld() == Delivery::kDone);
  CHECK(d.texts() == DeliveredTexts{"a", std::string(100, 'b')});
  CHECK(d.delivery.DeliverHeld() == Delivery::kDone);
  CHECK_FALSE(d.delivery.DeliverHeld());
  CHECK(d.texts() == DeliveredTexts{"a", std::string(100, 'b'), "c"});
}

TEST_CASE("a program that pauses at an event that was held back has the rest held back still") {
  Delivering d;
  d.sink->flow = Flow::kPause;
  d.Deliver("a");
  d.Deliver("b");
  d.Deliver("c");
  d.delivery.Resume();
  CHECK(d.delivery.DeliverHeld() == Delivery::kPaused);
  CHECK(d.texts() == DeliveredTexts{"a", "b"});
  d.delivery.Resume();
  CHECK(d.delivery.DeliverHeld() == Delivery::kPaused);
  d.delivery.Resume();
  CHECK_FALSE(d.delivery.DeliverHeld());
  CHECK(d.texts() == DeliveredTexts{"a", "b", "c"});
}

TEST_CASE("an event that was held back is delivered once, though the program throws at it or cancels there") {
  Delivering d;
  d.sink->flow = Flow::kPause;
  d.Deliver("a");
  d.Deliver("b");
  d.Deliver("c");
  d.delivery.Resume();
  d.sink->on_event = [] { throw std::runtime_error("the program throws"); };
  CHECK(d.delivery.DeliverHeld() == Delivery::kThrew);
  d.sink->on_event = nullptr;
  d.sink->flow = Flow::kCancel;
  CHECK(d.delivery.DeliverHeld() == Delivery::kCancelled);
  CHECK_FALSE(d.delivery.DeliverHeld());
  CHECK(d.texts() == DeliveredTexts{"a", "b", "c"});
}

TEST_CASE("a program may end the stream from within an event, and its sink lives until it returns") {
  const auto held = std::make_shared<int>();
  auto sink = std::make_shared<TextSink>();
  EventDelivery delivery(sink);
  const std::weak_ptr<TextSink> watched = sink;
  bool lived = false;
  sink->on_event = [&, held] {
    delivery.TakeSink().reset();
    lived = !watched.expired();
  };
  sink.reset();
  CHECK(held.use_count() == 2);
  CHECK(delivery.Deliver(TextDelta{"m1", "a"}) == Delivery::kDone);
  CHECK(lived);
  CHECK(watched.expired());
  CHECK(held.use_count() == 1);  // with the sink goes what the program's callbacks hold
}

}  // namespace
}  // namespace warppool::internal
