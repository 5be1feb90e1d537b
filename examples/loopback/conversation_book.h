// The conversations that the service knows: whose they are, and what their clients can have of them. Thread-safe.
//
// No answer's events are kept, nor the tasks after them: the next request of the conversation says what arrived, and
// until then the tasks as they were before and the answer's description tell all that is possible.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "loopback.h"
#include "task_list.h"
#include "turn.h"

namespace loopback {

class ConversationBook {
 public:
  // Where a request goes on.
  struct Place {
    int status = 200;         // else: what to refuse the request with
    std::string complaint{};  // why
    std::string id{};         // empty: a conversation that is new here
    Tasks tasks{};
  };
  // How an answer is sent.
  struct Sending {
    int events = 0;           // with actions, that are sent at most
    bool any_prefix = false;  // the client may have fewer of them, even if all are sent
    // True once all are sent, and nothing broke. Until then the client may have fewer.
    std::shared_ptr<std::atomic<bool>> all_sent = std::make_shared<std::atomic<bool>>(false);
  };

  // Beyond `capacity` it forgets those that were not used for longest.
  explicit ConversationBook(std::size_t capacity) : capacity_(capacity) {}

  // Compares the tasks that the request brings with those that its client can have; from then on, they are what it has.
  Place Find(const warppool::wire::Request& request, const std::string& account);

  // The conversation `answer.conversation_id` of this account is now this: the tasks, and behind them the answer.
  void Keep(const std::string& account, Tasks tasks, Answer answer, const Sending& sending);

  // See Service.
  void AcceptAnyPrefix(const std::string& id);
  std::vector<ConversationSeen> All() const;
  Tasks TasksOf(const std::string& id) const;  // none, too, if there is no such conversation

 private:
  struct Conversation {
    ConversationSeen seen;
    Tasks before;                // the last answer
    std::optional<Answer> last;  // nothing: what the client has is known, and is `before`
    Sending sending;
  };

  // The tasks after so many events of the last answer.
  static Tasks After(const Conversation& conversation, int events);
  // What the client can have that is the same as `came`; nothing: nothing is, and the place has the complaint.
  static std::optional<Tasks> Match(const Conversation& conversation, const Tasks& came, Place* place);
  Conversation* Use(const std::string& id) REQUIRES(mutex_);  // NULL: unknown

  const std::size_t capacity_;
  mutable warppool::internal::Mutex mutex_;
  std::list<Conversation> conversations_ GUARDED_BY(mutex_);  // the one used last at the end
  std::unordered_map<std::string, std::list<Conversation>::iterator> by_id_ GUARDED_BY(mutex_);
};

}  // namespace loopback
