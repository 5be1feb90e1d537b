#include "platform/worker_pool.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <iterator>
#include <list>
#include <map>
#include <thread>
#include <utility>

#include "base/guarded.h"
#include "base/mutex.h"
#include "platform/quiet_thread.h"

namespace warppool::internal {
namespace {

thread_local const void* pool_of_this_thread = nullptr;

}  // namespace

struct WorkerPool::State : std::enable_shared_from_this<State> {
  struct Task {
    std::uint64_t number;  // in the order of the calls
    std::function<void()> run;
  };
  struct Lane {
    std::shared_ptr<const void> key;  // so that its address stays its own
    std::deque<Task> tasks{};
    bool runs = false;  // one that is not among them any more
  };
  using Lanes = std::map<const void*, Lane>;

  void Add(const std::shared_ptr<const void>& key, std::function<void()> task, WithoutThread without_thread)
      REQUIRES(mutex);
  void RemoveIfDone(Lanes::iterator lane) REQUIRES(mutex);
  void Run() EXCLUDES(mutex);
  bool Take(Lanes::iterator* lane, std::function<void()>* run) EXCLUDES(mutex);
  void Done(Lanes::iterator lane) EXCLUDES(mutex);
  // The one whose task was posted first, of those of which none runs; lanes.end(): there is none.
  Lanes::iterator NextLane() REQUIRES(mutex);
  std::size_t Waiting() const REQUIRES(mutex);  // such lanes

  Mutex mutex;
  CondVar changed;
  Lanes lanes GUARDED_BY(mutex);  // those that have something to do
  std::uint64_t last_number GUARDED_BY(mutex) = 0;
  std::list<std::thread> threads GUARDED_BY(mutex);
  std::list<std::thread> ended GUARDED_BY(mutex);  // to be joined
  std::size_t idle GUARDED_BY(mutex) = 0;
  bool closed GUARDED_BY(mutex) = false;
  std::size_t most_threads = 1;  // set before the first one, and so is the next
  StartThread start_thread;
};

void WorkerPool::State::Run() {
  pool_of_this_thread = this;
  Lanes::iterator lane;
  std::function<void()> run;
  while (Take(&lane, &run)) {
    Guarded([&] { run(); });
    run = nullptr;  // before the next one of its lane
    Done(lane);
  }
}

// False: the thread is not needed any more.
bool WorkerPool::State::Take(Lanes::iterator* lane, std::function<void()>* run) {
  MutexLock lock(&mutex);
  while (Waiting() == 0 && !closed && idle == 0) {
    ++idle;
    changed.Wait(&mutex);
    --idle;
  }
  if (Waiting() == 0) {
    const auto is_this = [](const std::thread& thread) { return thread.get_id() == std::this_thread::get_id(); };
    const auto own = std::find_if(threads.begin(), threads.end(), is_this);
    if (own != threads.end()) ended.splice(ended.end(), threads, own);
    return false;
  }
  *lane = NextLane();
  *run = std::move((*lane)->second.tasks.front().run);
  (*lane)->second.tasks.pop_front();
  (*lane)->second.runs = true;
  return true;
}

void WorkerPool::State::Done(Lanes::iterator lane) {
  Lanes::node_type dropped;  // destroyed without the lock
  MutexLock lock(&mutex);
  lane->second.runs = false;
  if (lane->second.tasks.empty()) dropped = lanes.extract(lane);
}

WorkerPool::State::Lanes::iterator WorkerPool::State::NextLane() {
  auto next = lanes.end();
  for (auto lane = lanes.begin(); lane != lanes.end(); ++lane) {
    if (lane->second.runs || lane->second.tasks.empty()) continue;
    const auto number = lane->second.tasks.front().number;
    if (next == lanes.end() || number < next->second.tasks.front().number) next = lane;
  }
  return next;
}

std::size_t WorkerPool::State::Waiting() const {
  return static_cast<std::size_t>(std::count_if(
      lanes.begin(), lanes.end(), [](const auto& lane) { return !lane.second.runs && !lane.second.tasks.empty(); }));
}

WorkerPool::WorkerPool(std::size_t most_threads) : WorkerPool(most_threads, StartQuietThread) {}

WorkerPool::WorkerPool(std::size_t most_threads, StartThread start_thread) : state_(std::make_shared<State>()) {
  state_->most_threads = most_threads;
  state_->start_thread = std::move(start_thread);
}

bool WorkerPool::Post(const std::shared_ptr<const void>& lane, std::function<void()> task,
                      WithoutThread without_thread) {
  std::list<std::thread> ended;
  {
    MutexLock lock(&state_->mutex);
    if (state_->closed) return false;
    state_->Add(lane, std::move(task), without_thread);
    ended.swap(state_->ended);  // last: an exception would destroy threads that are not joined
  }
  state_->changed.NotifyAll();
  for (std::thread& thread : ended) thread.join();
  return true;
}

// All or nothing.
void WorkerPool::State::Add(const std::shared_ptr<const void>& key, std::function<void()> task,
                            WithoutThread without_thread) {
  const auto lane = lanes.try_emplace(key.get(), Lane{key}).first;
  try {
    lane->second.tasks.push_back({++last_number, std::move(task)});
  } catch (...) {
    RemoveIfDone(lane);
    throw;
  }
  if (Waiting() <= idle || threads.size() >= most_threads) return;
  try {
    threads.emplace_back();  // first: a thread that runs already cannot be taken back
    try {
      threads.back() = start_thread([state = shared_from_this()] { state->Run(); });
    } catch (...) {
      threads.pop_back();
      throw;
    }
  } catch (...) {
    // One that is busy will do it, if there is any.
    if (!threads.empty() || without_thread == WithoutThread::kWait) return;
    lane->second.tasks.pop_back();
    RemoveIfDone(lane);
    throw;
  }
}

void WorkerPool::State::RemoveIfDone(Lanes::iterator lane) {
  if (lane->second.tasks.empty() && !lane->second.runs) lanes.erase(lane);
}

void WorkerPool::DropRest() {
  State::Lanes dropped;  // destroyed without the lock
  std::list<std::deque<State::Task>> tasks;
  MutexLock lock(&state_->mutex);
  for (auto lane = state_->lanes.begin(); lane != state_->lanes.end();) {
    const auto next = std::next(lane);
    if (lane->second.runs) {
      tasks.emplace_back().swap(lane->second.tasks);
    } else {
      dropped.insert(state_->lanes.extract(lane));
    }
    lane = next;
  }
}

void WorkerPool::Close() {
  std::list<std::thread> threads;
  {
    MutexLock lock(&state_->mutex);
    state_->closed = true;
    threads.swap(state_->threads);
    threads.splice(threads.end(), state_->ended);
  }
  state_->changed.NotifyAll();
  for (std::thread& thread : threads) {
    if (thread.get_id() == std::this_thread::get_id()) {
      thread.detach();
    } else {
      thread.join();
    }
  }
}

bool WorkerPool::InThread() const {
  return pool_of_this_thread == state_.get();
}

}  // namespace warppool::internal
