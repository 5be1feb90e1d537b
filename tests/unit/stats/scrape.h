// Reading Prometheus' text format strictly, as far as the statistics use it. What is not in the format fails the test.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.h"

namespace warppool {

using ScrapedLabels = std::vector<std::pair<std::string, std::string>>;

struct ScrapedSample {
  std::string name;
  ScrapedLabels labels;
  std::string value;

  std::string Label(std::string_view wanted) const {
    for (const auto& [label, text] : labels) {
      if (label == wanted) return text;
    }
    return "(none)";
  }
};

struct ScrapedFamily {
  std::string name;
  std::string help;
  std::string type;
  std::vector<ScrapedSample> samples;
};

class Scrape {
 public:
  explicit Scrape(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      INFO(text.substr(0, end));
      REQUIRE(end != text.npos);  // the last line ends, too
      line_ = text.substr(0, end);
      text.remove_prefix(end + 1);
      if (TakeWord("# HELP ")) {
        ReadHelp();
      } else if (TakeWord("# TYPE ")) {
        ReadType();
      } else {
        ReadSample();
      }
    }
    for (const ScrapedFamily& family : families) {
      INFO(family.name);
      CHECK_FALSE(family.samples.empty());
    }
  }

  const ScrapedFamily* Find(std::string_view name) const {
    const auto found = std::find_if(families.begin(), families.end(), [&](const auto& f) { return f.name == name; });
    return found == families.end() ? nullptr : &*found;
  }

  // Of the one sample that has these labels, in this order.
  std::string Value(const std::string& name, const ScrapedLabels& labels = {}) const {
    for (const ScrapedFamily& family : families) {
      for (const ScrapedSample& sample : family.samples) {
        if (sample.name == name && sample.labels == labels) return sample.value;
      }
    }
    return "(none)";
  }

  std::vector<ScrapedFamily> families;

 private:
  bool TakeWord(std::string_view word) {
    if (line_.substr(0, word.size()) != word) return false;
    line_.remove_prefix(word.size());
    return true;
  }

  std::string TakeName() {
    const auto is_part = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    const auto size = std::find_if_not(line_.begin(), line_.end(), is_part) - line_.begin();
    std::string name(line_.substr(0, static_cast<std::size_t>(size)));
    REQUIRE_FALSE(name.empty());
    REQUIRE_FALSE((name[0] >= '0' && name[0] <= '9'));
    line_.remove_prefix(name.size());
    return name;
  }

  // Between quotes, the second one included.
  std::string TakeLabelValue() {
    std::string value;
    while (!TakeWord("\"")) {
      REQUIRE_FALSE(line_.empty());
      char c = line_.front();
      line_.remove_prefix(1);
      if (c == '\\') {
        const std::size_t escape = line_.empty() ? std::string_view::npos : std::string_view("\\\"n").find(line_[0]);
        REQUIRE(escape != std::string_view::npos);
        c = "\\\"\n"[escape];
        line_.remove_prefix(1);
      }
      value += c;
    }
    return value;
  }

  void ReadHelp() {
    const std::string name = TakeName();
    REQUIRE(Find(name) == nullptr);  // families do not come back
    REQUIRE(TakeWord(" "));
    REQUIRE_FALSE(line_.empty());
    REQUIRE(line_.find('\\') == line_.npos);
    families.push_back({name, std::string(line_), "", {}});
  }

  void ReadType() {
    REQUIRE_FALSE(families.empty());
    REQUIRE(TakeName() == families.back().name);
    REQUIRE(families.back().type.empty());
    REQUIRE(TakeWord(" "));
    REQUIRE((line_ == "counter" || line_ == "gauge" || line_ == "histogram"));
    families.back().type = line_;
  }

  void ReadSample() {
    REQUIRE_FALSE(families.empty());
    ScrapedFamily& family = families.back();
    ScrapedSample sample;
    sample.name = TakeName();
    if (family.type == "histogram") {
      const std::set<std::string> allowed{family.name + "_bucket", family.name + "_sum", family.name + "_count"};
      REQUIRE(allowed.count(sample.name) == 1);
    } else {
      REQUIRE_FALSE(family.type.empty());
      REQUIRE(sample.name == family.name);
    }
    if (TakeWord("{")) {
      do {
        std::string label = TakeName();
        REQUIRE(TakeWord("=\""));
        sample.labels.emplace_back(std::move(label), TakeLabelValue());
      } while (TakeWord(","));
      REQUIRE(TakeWord("}"));
    }
    REQUIRE(series_.insert({sample.name, sample.labels}).second);  // no series twice
    REQUIRE(TakeWord(" "));
    sample.value = line_;
    char* end = nullptr;
    REQUIRE(std::isfinite(std::strtod(sample.value.c_str(), &end)));
    REQUIRE(!sample.value.empty());
    REQUIRE(*end == '\0');  // no timestamp either
    family.samples.push_back(std::move(sample));
  }

  std::string_view line_;
  std::set<std::pair<std::string, ScrapedLabels>> series_;
};

}  // namespace warppool
