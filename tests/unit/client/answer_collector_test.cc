#include "client/answer_collector.h"

#include <string>

#include "catch.h"

namespace warppool::internal {
namespace {

TEST_CASE("a whole answer is put together out of its events") {
  AnswerCollector collector;
  {
    // The memory of the events is gone before the answer is taken.
    const std::string text = "a text that is too long for any small string";
    CHECK(collector.OnEvent(StreamStarted{"PERSONAL_fake", "c1", "r1", "run1"}) == Flow::kContinue);
    CHECK(collector.OnEvent(TextDelta{"m1", text}) == Flow::kContinue);
    collector.OnEvent(TextDelta{"m1", ", and more"});
    collector.OnEvent(Finished{FinishReason::kDone, {}, {.output_tokens = 7, .credits = 1.5}});
  }
  collector.OnDone({});
  const auto answer = collector.Take();
  REQUIRE(answer.ok());
  CHECK(answer.text == "a text that is too long for any small string, and more");
  CHECK(answer.token == "PERSONAL_fake");
  CHECK(answer.conversation_id == "c1");
  CHECK(answer.request_id == "r1");
  CHECK(answer.usage.output_tokens == 7);
  CHECK(answer.usage.credits == 1.5);
  CHECK(answer.finish_reason == FinishReason::kDone);
}

TEST_CASE("messages stand in the order of their first words, whichever grows") {
  AnswerCollector collector;
  collector.OnEvent(TextDelta{"m1", "one"});
  collector.OnEvent(TextDelta{"m2", " two"});
  collector.OnEvent(TextDelta{"m1", "!"});
  collector.OnEvent(TextDelta{"m3", " three"});
  collector.OnEvent(TextDelta{"m2", "?"});
  collector.OnDone({});
  CHECK(collector.Take().text == "one! two? three");
}

TEST_CASE("a replaced message holds its last text, in its old place") {
  AnswerCollector collector;
  collector.OnEvent(TextDelta{"m1", "wrong"});
  collector.OnEvent(TextDelta{"m2", " end"});
  collector.OnEvent(TextReplaced{"m1", "right"});
  collector.OnEvent(TextDelta{"m1", "!"});
  collector.OnEvent(TextReplaced{"m3", "."});
  collector.OnDone({});
  CHECK(collector.Take().text == "right! end.");
}

TEST_CASE("a message that was taken back begins anew, behind those that are there") {
  AnswerCollector collector;
  collector.OnEvent(TextDelta{"m1", "gone"});
  collector.OnEvent(MessageRetracted{"t", "m1", true});
  collector.OnEvent(TextDelta{"m2", "one"});
  collector.OnEvent(TextDelta{"m1", " two"});
  collector.OnDone({});
  CHECK(collector.Take().text == "one two");
}

TEST_CASE("what is no text leaves the answer alone") {
  AnswerCollector collector;
  CHECK(collector.OnEvent(AttemptFailed{"T", Code::kNetwork, "gone", NextStep::kNextToken, {}}) == Flow::kContinue);
  CHECK(collector.OnEvent(UnknownEvent{"create_task", "bytes"}) == Flow::kContinue);
  collector.OnDone({});
  const auto answer = collector.Take();
  REQUIRE(answer.ok());
  CHECK(answer.text.empty());
  CHECK(answer.token.empty());
}

TEST_CASE("a failure is told beside the part of the answer that came") {
  AnswerCollector collector;
  collector.OnEvent(StreamStarted{"PERSONAL_fake", "c1", "r1", "run1"});
  collector.OnEvent(TextDelta{"m1", "half"});
  collector.OnDone(Status(Code::kTruncated, "cut off"));
  const auto answer = collector.Take();
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.status.code() == Code::kTruncated);
  CHECK(answer.status.message() == "cut off");
  CHECK(answer.text == "half");
  CHECK(answer.token == "PERSONAL_fake");
  CHECK(answer.conversation_id == "c1");
  CHECK_FALSE(answer.finish_reason);
}

TEST_CASE("messages stand in the order in which they were added, and what is taken back is gone") {
  AnswerCollector collector;
  const auto added = [](std::string_view id, bool in_root = true) {
    return MessageAdded{"root", id, MessageKind::kAgentOutput, in_root, {}};
  };
  collector.OnEvent(added("m1"));
  collector.OnEvent(added("m2"));
  collector.OnEvent(TextDelta{"m2", "two "});
  collector.OnEvent(TextDelta{"m1", "one "});
  collector.OnEvent(added("m3"));
  collector.OnEvent(TextDelta{"m3", "three"});
  collector.OnEvent(added("m3", false));  // another task's message of the same id
  collector.OnEvent(MessageRetracted{"sub", "m3", false});
  collector.OnEvent(MessageRetracted{"root", "m2", true});
  collector.OnDone({});
  CHECK(collector.Take().text == "one three");
}

}  // namespace
}  // namespace warppool::internal
