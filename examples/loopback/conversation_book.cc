#include "conversation_book.h"

#include <utility>

#include "history_check.h"

namespace loopback {

using warppool::internal::MutexLock;

ConversationBook::Place ConversationBook::Find(const warppool::wire::Request& request, const std::string& account) {
  const std::string& id = request.metadata().conversation_id();
  const Tasks& came = request.task_context();
  Place place{.id = id, .tasks = came};
  if (id.empty()) {
    if (!came.tasks().empty()) place.complaint = CheckHistory(came);
    if (!place.complaint.empty()) place.status = 400;
    return place;
  }
  MutexLock lock(&mutex_);
  Conversation* conversation = Use(id);
  if (conversation == nullptr) {
    return {.status = 400, .complaint = "conversation \"" + id + "\" is unknown"};
  }
  if (conversation->seen.user_id != account) {
    return {.status = 403, .complaint = "conversation \"" + id + "\" belongs to another account"};
  }
  auto match = Match(*conversation, came, &place);
  if (!match) return place;
  conversation->before = *std::move(match);
  conversation->last.reset();
  return place;
}

void ConversationBook::Keep(const std::string& account, Tasks tasks, Answer answer, const Sending& sending) {
  const std::string id = answer.conversation_id;
  MutexLock lock(&mutex_);
  Conversation* conversation = Use(id);
  if (conversation == nullptr) {
    conversation = &conversations_.emplace_back();
    conversation->seen = {.id = id, .user_id = account};
    by_id_[id] = std::prev(conversations_.end());
    if (conversations_.size() > capacity_) {
      by_id_.erase(conversations_.front().seen.id);
      conversations_.pop_front();
    }
  }
  ++conversation->seen.answers;
  conversation->before = std::move(tasks);
  conversation->last = std::move(answer);
  conversation->sending = sending;
}

void ConversationBook::AcceptAnyPrefix(const std::string& id) {
  MutexLock lock(&mutex_);
  if (Conversation* conversation = Use(id)) conversation->sending.any_prefix = true;
}

std::vector<ConversationSeen> ConversationBook::All() const {
  MutexLock lock(&mutex_);
  std::vector<ConversationSeen> all;
  for (const Conversation& conversation : conversations_) all.push_back(conversation.seen);
  return all;
}

Tasks ConversationBook::TasksOf(const std::string& id) const {
  MutexLock lock(&mutex_);
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? Tasks() : After(*found->second, found->second->sending.events);
}

Tasks ConversationBook::After(const Conversation& conversation, int events) {
  Tasks tasks = conversation.before;
  if (!conversation.last) return tasks;
  int count = 0;
  Turn turn(*conversation.last, conversation.before, [&](const Turn::Event&, const Tasks& settled) {
    if (++count == events) tasks = settled;
  });
  turn.Run();
  return tasks;
}

std::optional<Tasks> ConversationBook::Match(const Conversation& conversation, const Tasks& came, Place* place) {
  const Sending& sending = conversation.sending;
  const bool exact = !conversation.last || (*sending.all_sent && !sending.any_prefix);
  Tasks fullest = After(conversation, sending.events);
  if (AreSame(fullest, came)) return fullest;
  if (!exact && AreSame(conversation.before, came)) return conversation.before;
  if (!exact) {
    int count = 0;
    bool found = false;
    Turn turn(*conversation.last, conversation.before, [&](const Turn::Event&, const Tasks& settled) {
      found = found || (++count <= sending.events && AreSame(settled, came));
    });
    turn.Run();
    if (found) return came;
  }
  place->status = 400;
  place->complaint = "conversation \"" + conversation.seen.id + "\" is not what was sent" +
                     (exact ? "" : ", up to any of the answer's events; after all of them") + ": " +
                     FindDifference(fullest, came);
  return std::nullopt;
}

ConversationBook::Conversation* ConversationBook::Use(const std::string& id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return nullptr;
  conversations_.splice(conversations_.end(), conversations_, found->second);
  return &*found->second;
}

}  // namespace loopback
