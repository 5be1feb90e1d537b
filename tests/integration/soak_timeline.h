// The soak test's time: its requests, its hours (soak_hours.h), and when the machine may sleep and outages may come.
#pragma once

#include <algorithm>
#include <cstddef>
#include <set>
#include <utility>
#include <vector>

#include "soak_hours.h"

namespace warppool::soak {

// Not thread-safe.
class Timeline {
 public:
  // The number of a request that begins.
  int BeginRequest() {
    open_.insert(++begun_);
    return begun_;
  }
  void EndRequest(int number) { open_.erase(number); }
  int begun() const { return begun_; }
  std::size_t open() const { return open_.size(); }
  // Whether all of the first `number` requests are over.
  bool AreOver(int number) const { return open_.empty() || *open_.begin() > number; }

  void Plan(Nap nap) { planned_.push_back(nap); }
  // Those that may come now. Not in an outage; and for hours not while somebody waits who met one, and would find that
  // nobody has served lately.
  std::vector<Nap> TakeNaps() {
    std::vector<Nap> due;
    std::vector<Nap> later;
    for (const Nap nap : planned_) {
      const bool now = outage_ == Outage::kNone && (nap != Nap::kHours || IsThrough());
      (now ? due : later).push_back(nap);
    }
    planned_ = std::move(later);
    return due;
  }
  // Whether the next hour waits for those who met an outage: no request should begin, or the storm is over before.
  bool IsHeld() const {
    const bool hours = std::find(planned_.begin(), planned_.end(), Nap::kHours) != planned_.end();
    return hours && outage_ == Outage::kNone && !IsThrough();
  }

  int hour() const { return hour_; }
  void BeginHour() {
    planned_outage_ = OutageOf(++hour_);
    first_of_outage_ = begun_ + kBeforeOutage;
  }

  Outage outage() const { return outage_; }
  // Whether one begins with the end of this request: tokens must have served since a sleep, or who is blocked has no
  // reason to wait.
  bool BeginsOutage(int number) {
    if (planned_outage_ == Outage::kNone || number < first_of_outage_) return false;
    outage_ = std::exchange(planned_outage_, Outage::kNone);
    return true;
  }
  void EndOutage() {
    outage_ = Outage::kNone;
    last_of_outage_ = begun_;
  }
  // Nothing of all that happens any more.
  void Stop() {
    planned_.clear();
    planned_outage_ = Outage::kNone;
    EndOutage();
  }
  // No outage is under way, and who met the last one is through with it.
  bool IsThrough() const { return outage_ == Outage::kNone && AreOver(last_of_outage_); }
  bool IsSettled() const { return planned_.empty() && IsThrough(); }

 private:
  static constexpr int kBeforeOutage = 60;  // requests

  int begun_ = 0;
  std::set<int> open_;  // requests
  int hour_ = 0;
  std::vector<Nap> planned_;
  Outage outage_ = Outage::kNone;
  Outage planned_outage_ = Outage::kNone;
  int first_of_outage_ = 0;
  int last_of_outage_ = 0;  // that may have met it
};

}  // namespace warppool::soak
