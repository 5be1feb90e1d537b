#include "conversation/answer_reader.h"

#include <memory>
#include <string>
#include <vector>

#include "base/base64url.h"
#include "catch.h"
#include "conversation/conversation_impl.h"
#include "protocol/response_decoder.h"
#include "unit/conversation/actions.h"

namespace warppool::internal {
namespace {

// An answer to a conversation of its own, and the texts that were told of it.
struct ReadAnswer {
  explicit ReadAnswer(ResponseDecoder* decoder) : reader(conversation, decoder) { REQUIRE(conversation->Claim({})); }

  void Read(const std::vector<wire::ClientAction>& actions) {
    wire::ResponseEvent event;
    for (const auto& action : actions) *event.mutable_client_actions()->add_actions() = action;
    const auto kind = reader.Read(EncodeBase64Url(event.SerializeAsString()));
    REQUIRE(kind.ok());
    REQUIRE(*kind == AnswerReader::Kind::kActions);
  }
  void ApplyNext() {
    const char* ignored = nullptr;
    const auto note = [&](const Event& event) {
      if (const auto* delta = std::get_if<TextDelta>(&event)) told += delta->text;
      return true;
    };
    CHECK(reader.ApplyNext(note, &ignored).ok());
  }

  std::shared_ptr<ConversationImpl> conversation = std::make_shared<ConversationImpl>();
  AnswerReader reader;
  std::string told;
};

}  // namespace

TEST_CASE("answers that share a decoder go on with what they have kept") {
  ResponseDecoder decoder(EventLimits{100});
  ReadAnswer one(&decoder);
  ReadAnswer other(&decoder);
  one.Read({Create("t"), Add("t", {Output("m", "a")}), Append("t", Output("m", "b")), Append("t", Output("m", "c"))});
  one.ApplyNext();
  one.reader.Keep();
  other.Read({Create("t"), Add("t", {Output("m", "x")})});
  one.ApplyNext();
  one.reader.Keep();
  other.Read({Add("t2", {Output("n", std::string(100'000, 'y'))})});
  while (one.reader.has_more()) one.ApplyNext();
  CHECK(one.told == "abc");
}

TEST_CASE("a text that only grows is kept, too, and not told twice") {
  ResponseDecoder decoder(EventLimits{100});
  ReadAnswer one(&decoder);
  ReadAnswer other(&decoder);
  one.Read({Create("t"), Add("t", {Output("m", "a")})});
  while (one.reader.has_more()) one.ApplyNext();
  one.Read({Append("t", Output("m", "b"))});
  one.reader.Keep();
  other.Read({Create("t")});
  REQUIRE(one.reader.has_more());
  one.ApplyNext();
  CHECK_FALSE(one.reader.has_more());
  one.reader.Keep();
  CHECK_FALSE(one.reader.has_more());
  CHECK(one.told == "ab");
}

TEST_CASE("actions that come in an unusual way are applied like all others, and kept") {
  wire::ResponseEvent event;
  for (const auto& action : {Create("t"), Add("t", {Output("m", "a")}), Append("t", Output("m", "b"))}) {
    *event.mutable_client_actions()->add_actions() = action;
  }
  event.GetReflection()->MutableUnknownFields(&event)->AddVarint(1000, 7);
  ResponseDecoder decoder(EventLimits{100});
  ReadAnswer one(&decoder);
  ReadAnswer other(&decoder);
  REQUIRE(one.reader.Read(EncodeBase64Url(event.SerializeAsString())).ok());
  one.ApplyNext();
  one.reader.Keep();
  other.Read({Create("t")});
  while (one.reader.has_more()) one.ApplyNext();
  CHECK(one.told == "ab");
}

TEST_CASE("what is kept can be dropped") {
  ResponseDecoder decoder(EventLimits{100});
  ReadAnswer one(&decoder);
  one.Read({Create("t"), Add("t", {Output("m", "a")})});
  one.reader.Keep();
  one.reader.DropRest();
  CHECK_FALSE(one.reader.has_more());
}

}  // namespace warppool::internal
