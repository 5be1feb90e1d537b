// What the service saw. Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "base/mutex.h"
#include "loopback.h"

namespace loopback {

class Journal {
 public:
  explicit Journal(bool keep_requests) : keep_requests_(keep_requests) {}

  // `complaint` may be empty. Without `keep_requests` only the first 1000 complaints are kept.
  void Add(Seen seen, const std::string& complaint);

  std::vector<Seen> Requests(const std::string& path) const;  // empty: all
  int Count(const std::string& path, const std::string& token) const;
  std::vector<std::string> Complaints() const;

 private:
  const bool keep_requests_;
  mutable warppool::internal::Mutex mutex_;
  std::vector<Seen> requests_ GUARDED_BY(mutex_);
  std::vector<std::string> complaints_ GUARDED_BY(mutex_);
};

}  // namespace loopback
