#include "stats/exposition.h"

#include "base/utf8.h"
#include "stats/notation.h"

namespace warppool::internal {
namespace {

const char* TypeName(Exposition::Type type) {
  switch (type) {
    case Exposition::Type::kCounter:
      return "counter";
    case Exposition::Type::kGauge:
      return "gauge";
    case Exposition::Type::kHistogram:
      return "histogram";
  }
  return "untyped";
}

// One label value that is not UTF-8 makes Prometheus drop the whole scrape.
std::string Escaped(std::string_view value) {
  std::string escaped;
  for (const char c : RepairedUtf8(value)) {
    if (c == '\n') {
      escaped += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

}  // namespace

void Exposition::Family(Type type, std::string name, std::string help) {
  type_ = type;
  name_ = std::move(name);
  help_ = std::move(help);
  announced_ = false;
}

void Exposition::Histogram(const Labels& labels, const Latency& latency) {
  Labels with_bound = labels;
  with_bound.emplace_back("le", "");
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < Latency::kBoundsMs.size(); ++i) {
    const std::string bound = fmt::to_string(Seconds(std::chrono::milliseconds(Latency::kBoundsMs[i])));
    with_bound.back().second = bound;
    count += latency.buckets[i];
    Line("_bucket", with_bound, fmt::to_string(count));
  }
  const std::string all = fmt::to_string(latency.Count());
  with_bound.back().second = "+Inf";
  Line("_bucket", with_bound, all);
  Line("_sum", labels, fmt::to_string(Seconds(latency.sum)));
  Line("_count", labels, all);
}

void Exposition::Line(std::string_view suffix, const Labels& labels, std::string_view value) {
  if (!announced_) text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name_, help_, TypeName(type_));
  announced_ = true;
  text_.append(name_).append(suffix);
  char separator = '{';
  for (const auto& [label, text] : labels) {
    text_ += fmt::format("{}{}=\"{}\"", separator, label, Escaped(text));
    separator = ',';
  }
  if (!labels.empty()) text_ += '}';
  text_.append(" ").append(value) += '\n';
}

}  // namespace warppool::internal
