#include "conversation/id_index.h"

#include <string>

#include "catch.h"
#include "warppool/wire/task.pb.h"

namespace warppool::internal {
namespace {

// What a walk through `list` says.
std::optional<int> FirstWith(const google::protobuf::RepeatedPtrField<wire::Message>& list, const std::string& id) {
  for (int i = 0; i < list.size(); ++i) {
    if (list[i].id() == id) return i;
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("in lists of any length the first one with an id is found, while they grow and shrink") {
  google::protobuf::RepeatedPtrField<wire::Message> list;
  IdIndex<wire::Message> index;
  const auto check = [&] {
    for (int i = 0; i < 25; ++i) {
      const std::string id = "m" + std::to_string(i);
      CAPTURE(list.size(), id);
      CHECK(index.Find(list, id) == FirstWith(list, id));
    }
    CHECK(index.Find(list, "") == std::nullopt);
  };
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 20; ++i) {
      auto* message = list.Add();
      // Some have no id, and some the id of another one.
      if (i % 5 != 0) message->set_id("m" + std::to_string(i % 7 == 0 ? i / 2 : i));
      index.Added(list);
      check();
    }
    while (list.size() > 3) {
      index.RemovesLast(list);
      list.RemoveLast();
      check();
    }
  }
  for (int i = 0; i < 20; ++i) list.Add()->set_id("m" + std::to_string(i));
  index.Rebuild(list);
  check();
  list.DeleteSubrange(2, 15);
  index.Rebuild(list);
  check();
}

}  // namespace warppool::internal
