#include "journal.h"

#include <algorithm>

namespace loopback {

using warppool::internal::MutexLock;

// Without the requests: a client that is wrong is wrong each time.
constexpr std::size_t kMaxComplaints = 1000;

void Journal::Add(Seen seen, const std::string& complaint) {
  MutexLock lock(&mutex_);
  const bool has_room = keep_requests_ || complaints_.size() < kMaxComplaints;
  if (!complaint.empty() && has_room) complaints_.push_back(seen.path + ": " + complaint);
  if (keep_requests_) requests_.push_back(std::move(seen));
}

std::vector<Seen> Journal::Requests(const std::string& path) const {
  MutexLock lock(&mutex_);
  if (path.empty()) return requests_;
  std::vector<Seen> matching;
  std::copy_if(requests_.begin(), requests_.end(), std::back_inserter(matching),
               [&](const Seen& seen) { return seen.path == path; });
  return matching;
}

int Journal::Count(const std::string& path, const std::string& token) const {
  MutexLock lock(&mutex_);
  return static_cast<int>(std::count_if(requests_.begin(), requests_.end(), [&](const Seen& seen) {
    return (path.empty() || seen.path == path) && (token.empty() || seen.token == token);
  }));
}

std::vector<std::string> Journal::Complaints() const {
  MutexLock lock(&mutex_);
  return complaints_;
}

}  // namespace loopback
