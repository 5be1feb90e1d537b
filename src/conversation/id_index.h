// Finds messages and tasks in their lists by id.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <optional>
#include <string>
#include <unordered_map>

namespace warppool::internal {

// Where each id is in one list, which is handed over with each call. Of those that have the same id it is the first
// one, and what has none is not found. A short list is looked through; a table of what a long one holds is kept. Not
// thread-safe.
template <typename T>
class IdIndex {
 public:
  using List = google::protobuf::RepeatedPtrField<T>;

  std::optional<int> Find(const List& list, const std::string& id) const {
    if (id.empty()) return std::nullopt;
    if (list.size() > kShort) {
      const auto it = table_.find(id);
      return it == table_.end() ? std::nullopt : std::optional<int>(it->second);
    }
    for (int i = 0; i < list.size(); ++i) {
      if (list[i].id() == id) return i;
    }
    return std::nullopt;
  }

  // After one was put behind `list`.
  void Added(const List& list) {
    if (list.size() == kShort + 1) return Rebuild(list);
    if (list.size() > kShort) Add(list, list.size() - 1);
  }

  // Before the last one of `list` goes.
  void RemovesLast(const List& list) {
    const int last = list.size() - 1;
    if (last <= kShort) return table_.clear();
    const auto it = table_.find(list[last].id());
    if (it != table_.end() && it->second == last) table_.erase(it);
  }

  // After any other change.
  void Rebuild(const List& list) {
    table_.clear();
    if (list.size() <= kShort) return;
    for (int i = 0; i < list.size(); ++i) Add(list, i);
  }

 private:
  static constexpr int kShort = 8;

  void Add(const List& list, int at) {
    if (!list[at].id().empty()) table_.emplace(list[at].id(), at);
  }

  std::unordered_map<std::string, int> table_;  // empty while the list is short
};

}  // namespace warppool::internal
