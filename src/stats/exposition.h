// Writing the text format of Prometheus, version 0.0.4.
//
//   Exposition out;
//   out.Family(Exposition::Type::kGauge, "warppool_token_in_flight", "Requests that use the token now.");
//   for (...) out.Sample({{"token", name}}, n);
//   return std::move(out).Take();
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "warppool/stats.h"

namespace warppool::internal {

class Exposition {
 public:
  enum class Type { kCounter, kGauge, kHistogram };
  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;  // names, and values of any bytes

  // What comes next belongs to it, up to the next Family(). One without samples is not written. The help holds neither
  // backslashes nor line ends.
  void Family(Type type, std::string name, std::string help);

  template <typename Value>  // an integer, or a finite double
  void Sample(const Labels& labels, Value value) {
    Line("", labels, fmt::to_string(value));
  }
  void Histogram(const Labels& labels, const Latency& latency);

  std::string Take() && { return std::move(text_); }

 private:
  void Line(std::string_view suffix, const Labels& labels, std::string_view value);

  Type type_ = Type::kGauge;
  std::string name_;
  std::string help_;
  bool announced_ = false;  // # HELP and # TYPE of this family are written
  std::string text_;
};

}  // namespace warppool::internal
