// Answers of the soak test that fail a request, whoever asks, and who is to hear of each.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "loopback.h"
#include "soak_cast.h"
#include "warppool/status.h"

namespace warppool::soak {

inline constexpr std::size_t kMaxEventBytes = 32U << 10U;

// Not thread-safe.
class RequestFaults {
 public:
  // The next one; counts it in `counts`.
  loopback::Behaviour Next(std::size_t token, std::map<std::string, int>* counts) {
    const auto marked = [&](Code code, const char* name) {
      ++(*counts)[name];
      marked_[made_] = {token, code};
      return std::string(kMark) + std::to_string(made_);
    };
    const auto anonymous = [&](Code code, const char* name) {
      ++(*counts)[name];
      ++anonymous_[{token, code}];
    };
    const auto json = [](const std::string& words) { return R"({"error":")" + words + R"("})"; };
    switch (++made_ % 7) {
      case 0:
        return loopback::Status(422, json(marked(Code::kRequestRejected, "422")));
      case 1:
        return loopback::Status(413, json(marked(Code::kRequestRejected, "413")));
      case 2:
        return loopback::Status(302, json(marked(Code::kMisconfigured, "redirect")));
      case 3:
        return loopback::Status(200, R"({"error":"no stream"})")
            .Header("Content-Type", "application/json; " + marked(Code::kNotAStream, "no stream"));
      case 4:
        anonymous(Code::kUndecodableEvent, "undecodable event");
        return loopback::UndecodableEvent();
      case 5:
        anonymous(Code::kLimitExceeded, "event too large");
        return loopback::Raw("data: " + std::string(2 * kMaxEventBytes, 'A') + "\n\n");
      default:
        anonymous(Code::kNotAStream, "stream without an event");
        return loopback::Raw("this is no event\n\n");
    }
  }

  // Whether a request was to fail with this, by what `token` was answered. Each answer fails one.
  bool Take(std::size_t token, const Status& status) {
    const std::string words = status.ToString();
    const auto mark = words.find(kMark);
    if (mark == std::string::npos) {
      const auto found = anonymous_.find({token, status.code()});
      if (found == anonymous_.end()) return false;
      if (--found->second == 0) anonymous_.erase(found);
      return true;
    }
    const auto found = marked_.find(std::stoi(words.substr(mark + kMark.size())));
    if (found == marked_.end() || found->second != std::pair(token, status.code())) return false;
    marked_.erase(found);
    return true;
  }

  // Those that nobody heard of.
  int left() const {
    int left = static_cast<int>(marked_.size());
    for (const auto& [what, count] : anonymous_) left += count;
    return left;
  }

 private:
  static constexpr std::string_view kMark = "soak-fault-";

  int made_ = 0;
  std::map<int, std::pair<std::size_t, Code>> marked_;
  std::map<std::pair<std::size_t, Code>, int> anonymous_;
};

}  // namespace warppool::soak
