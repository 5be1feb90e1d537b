// Reading the JSON of services that are not trusted.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "warppool/status.h"

namespace warppool::internal {

// The scalars of a JSON document under their paths, members and array positions joined by dots:
//   {"error": {"code": 400, "details": ["x"]}}  ->  {"error.code": "400", "error.details.0": "x"}
// Numbers keep the text they were written in (one that no double holds is an error), true and false are "true" and
// "false", null is left out. Of two members with one path the last one wins.
//
// Its texts are wiped when it is destroyed: a token exchange is read this way.
class FlatJson {
 public:
  struct Scalar {
    std::string text{};
    bool is_string = false;
  };

  FlatJson() = default;
  FlatJson(FlatJson&&) = default;
  FlatJson& operator=(FlatJson&&) = default;
  ~FlatJson();

  // Fails when `text` is not one JSON document in valid UTF-8, nests deeper than 64 levels,
  // or has a path of more than 1 KiB; the error says where.
  static Result<FlatJson> Parse(std::string_view text);

  const std::string* Find(const std::string& path) const;
  // Whether the document is an object with this member, and that is neither null nor empty.
  bool HasMember(const std::string& name) const;
  // The first of them that is there and not empty.
  const std::string* FindAny(std::initializer_list<const char*> paths) const;
  // The first of them that is a string and not empty: what else a service sends for a credential is none.
  const std::string* FindText(std::initializer_list<const char*> paths) const;

 private:
  std::map<std::string, Scalar> values_;
};

}  // namespace warppool::internal
