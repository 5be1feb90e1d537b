#include "client/wait_queue.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace warppool::internal {
namespace {

// A date may come earlier than it seems: the machine may sleep, or its clock be set.
constexpr std::chrono::seconds kLongestSleep{5};

// Whether the same tokens suit. The bindings name all members, so that a new one is not forgotten here.
bool SameTokensSuit(const TokenPool::Wanted& a, const TokenPool::Wanted& b) {
  const auto& [excluded, may_probe, without_exchange, probed, preferred, began, only] = a;
  static_cast<void>(preferred);  // is taken first, but others will do
  static_cast<void>(began);      // decides only for whom the wait is no use, see Review()
  const bool same_restriction = only == b.only || (only != nullptr && b.only != nullptr &&
                                                   only->tiers == b.only->tiers && only->tokens == b.only->tokens);
  return may_probe == b.may_probe && without_exchange == b.without_exchange && probed == b.probed &&
         excluded == b.excluded && same_restriction;
}

}  // namespace

WaitQueue::WaitQueue(TokenPool* pool, Executor* loop, const Clock& clock,
                     std::function<bool(const TokenPool::Wanted&)> may_come)
    : pool_(pool), loop_(loop), clock_(clock), may_come_(std::move(may_come)) {}

void WaitQueue::Join(Waiter* waiter, Wish wish) {
  Insert(waiter, std::move(wish));
  Serve();
}

void WaitQueue::Leave(Waiter* waiter) noexcept {
  if (waiter->place_) Remove(*waiter->place_);
}

std::size_t WaitQueue::HashOf(const TokenPool::Wanted& wanted, bool needs_prospect) {
  std::size_t hash = std::hash<const Token*>()(wanted.probed) * 3;
  for (const Token* const token : wanted.excluded) hash += std::hash<const Token*>()(token) * 5;
  if (wanted.only != nullptr) {
    for (const Tier tier : wanted.only->tiers) hash += static_cast<std::size_t>(tier) * 7 + 1;
    for (const std::uint64_t id : wanted.only->tokens) hash = hash * 31 + std::hash<std::uint64_t>()(id);
  }
  return hash * 8 + (wanted.may_probe ? 4U : 0U) + (wanted.without_exchange ? 2U : 0U) + (needs_prospect ? 1U : 0U);
}

WaitQueue::Group* WaitQueue::FindGroup(std::size_t hash, const Wish& wish) {
  const auto [begin, end] = groups_.equal_range(hash);
  const auto found = std::find_if(begin, end, [&](const auto& entry) {
    const Group& group = entry.second;
    return group.needs_prospect == wish.needs_prospect && SameTokensSuit(group.wanted, wish.wanted);
  });
  return found == end ? nullptr : &found->second;
}

void WaitQueue::Insert(Waiter* waiter, Wish wish) {
  // What may find no memory comes before anything changes.
  const Token* const preferred = std::exchange(wish.wanted.preferred, nullptr);
  const std::size_t hash = HashOf(wish.wanted, wish.needs_prospect);
  const std::uint64_t number = last_number_ + 1;
  Entries entry;
  entry.push_back({waiter, number, preferred, wish.wanted.began, nullptr, {}});
  Deadlines deadline;
  deadline.emplace(wish.until, &entry.front());
  Group* group = FindGroup(hash, wish);
  if (group == nullptr) {
    Heads head;
    head.emplace(number, nullptr);
    group = &groups_.emplace(hash, Group{std::move(wish.wanted), std::move(wish.only), wish.needs_prospect, {}, {}})
                 ->second;
    head.begin()->second = group;
    heads_.insert(heads_.end(), head.extract(head.begin()));
    if (group->wanted.without_exchange) ++groups_without_exchange_;
    review_from_ = std::min(review_from_, number);
  }

  last_number_ = number;
  entry.front().group = group;
  // Most come with the latest deadline of all.
  entry.front().deadline = group->deadlines.insert(group->deadlines.end(), deadline.extract(deadline.begin()));
  group->entries.splice(group->entries.end(), entry);
  waiter->place_ = std::prev(group->entries.end());
  waiting_.fetch_add(1, std::memory_order_relaxed);
  wake_at_ = std::min(wake_at_, wish.until);
}

void WaitQueue::Remove(Entries::iterator place) noexcept {
  Group* const group = place->group;
  const bool first = place == group->entries.begin();
  Heads::node_type head = first ? heads_.extract(place->number) : Heads::node_type();
  place->waiter->place_.reset();
  group->deadlines.erase(place->deadline);
  group->entries.erase(place);
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  if (!first) return;
  if (!group->entries.empty()) {
    head.key() = group->entries.front().number;
    heads_.insert(std::move(head));
    return;
  }

  if (group->wanted.without_exchange) --groups_without_exchange_;
  const auto [begin, end] = groups_.equal_range(HashOf(group->wanted, group->needs_prospect));
  groups_.erase(std::find_if(begin, end, [&](const auto& entry) { return &entry.second == group; }));
  if (!groups_.empty()) return;
  if (timer_ != 0) loop_->CancelTimer(std::exchange(timer_, 0));
  wake_at_ = SteadyTime::max();
}

void WaitQueue::Serve() noexcept {
  if (heads_.empty()) return;
  again_ = true;
  if (serving_) return;
  serving_ = true;
  while (std::exchange(again_, false)) {
    try {
      HandOut();
      Review();
    } catch (...) {
      // One of them pays for it, and the others have their turn: nobody is left without a wake-up.
      review_from_ = 0;
      again_ = true;
      EndFirst(NoToken::kOutOfMemory);
    }
  }
  serving_ = false;
}

void WaitQueue::ServeAndReview() noexcept {
  review_from_ = 0;
  Serve();
}

// A call of the pool tells the program what happened, and that may have any of those who wait leave.
void WaitQueue::HandOut() {
  std::uint64_t number = 0;
  while (heads_.lower_bound(number) != heads_.end() && pool_->AnyReady({})) {
    const auto head = heads_.lower_bound(number);
    if (head == heads_.end()) return;
    number = head->first;
    const Entry& first = head->second->entries.front();
    TokenPool::Wanted wanted = head->second->wanted;
    wanted.preferred = first.preferred;
    auto lease = pool_->Acquire(wanted);
    const auto still = heads_.find(number);
    if (still != heads_.end() && lease) {
      const auto place = still->second->entries.begin();
      Waiter* const waiter = place->waiter;
      Remove(place);
      waiter->OnToken(*std::move(lease));
    }
    ++number;  // its group's turn is over, or its next one's turn comes in the order of arrival
  }
}

void WaitQueue::Review() {
  const std::uint64_t changes = pool_->StateChanges();
  std::uint64_t number = std::exchange(review_from_, kNobody);
  if (changes != reviewed_changes_ || groups_without_exchange_ > 0) number = 0;
  for (auto next = heads_.lower_bound(number); next != heads_.end(); next = heads_.lower_bound(number)) {
    number = next->first;
    // If these two have something to wait for, all of the group have: the one that loses patience first, and the first
    // one, which may have seen more refusals than the others.
    if (!EndIfInVain(number, [](const Group& group) { return group.deadlines.begin()->second; })) continue;
    if (!EndIfInVain(number, [](const Group& group) { return &group.entries.front(); })) continue;
    ++number;
  }
  reviewed_changes_ = changes;
  SetTimer();
}

template <typename Choose>
bool WaitQueue::EndIfInVain(std::uint64_t number, const Choose& choose) {
  const auto head = heads_.find(number);
  if (head == heads_.end()) return false;
  TokenPool::Wanted wanted = head->second->wanted;
  const std::uint64_t asked = choose(*head->second)->number;
  wanted.began = choose(*head->second)->began;
  const auto outlook = pool_->WhenReady(wanted);
  const auto still = heads_.find(number);  // as in HandOut()
  if (still == heads_.end() || choose(*still->second)->number != asked) return false;
  const Entry& entry = *choose(*still->second);
  const SteadyTime now = clock_.Steady();
  if (const auto why = WhyEnd(entry, outlook, now)) {
    Waiter* const waiter = entry.waiter;
    Remove(*waiter->place_);
    waiter->OnNoToken(*why);
    return false;
  }
  if (outlook.ready) again_ = true;  // since HandOut() had none for it
  wake_at_ = std::min(wake_at_, entry.until());
  if (outlook.earliest) wake_at_ = std::min(wake_at_, now + *outlook.earliest);
  return true;
}

std::optional<WaitQueue::NoToken> WaitQueue::WhyEnd(const Entry& entry, const TokenPool::Outlook& outlook,
                                                    SteadyTime now) const {
  if (entry.until() <= now) return NoToken::kTimeUp;
  const Group& group = *entry.group;
  if (!group.needs_prospect || outlook.busy || outlook.ready) return std::nullopt;
  if (outlook.earliest && *outlook.earliest < entry.until() - now) return std::nullopt;
  if (may_come_(group.wanted)) return std::nullopt;
  return NoToken::kNoProspect;
}

void WaitQueue::SetTimer() {
  if (wake_at_ == SteadyTime::max()) return;
  wake_at_ = std::min(wake_at_, clock_.Steady() + kLongestSleep);
  if (timer_ != 0 && timer_at_ <= wake_at_) return;
  loop_->CancelTimer(std::exchange(timer_, 0));
  timer_at_ = std::exchange(wake_at_, SteadyTime::max());
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(timer_at_ - clock_.Steady());
  timer_ = loop_->After(std::max(left, std::chrono::milliseconds(0)), [this] {
    timer_ = 0;
    wake_at_ = SteadyTime::max();  // the review finds it anew
    ServeAndReview();
  });
}

void WaitQueue::EndFirst(NoToken why) noexcept {
  if (heads_.empty()) return;
  const auto place = heads_.begin()->second->entries.begin();
  Waiter* const waiter = place->waiter;
  Remove(place);
  waiter->OnNoToken(why);
}

}  // namespace warppool::internal
