// The text of a state file:
//
//   warppool-state 1
//   3fa9c1... AbCd...==        a record: its key, a space, its value in base64url
//
// Pure: text in, text out.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "warppool/state_store.h"
#include "warppool/status.h"

namespace warppool::internal {

// A value type. What is no record is kept line by line as it stands, and written in front of the records: somebody may
// still make sense of it. Of several records with one key the last one counts, and the others are kept like that, too,
// until the record goes.
class StateFile {
 public:
  StateFile() = default;  // as of an empty text

  // Fails with kInvalidConfig when `text` is not empty and does not begin as a state file of this version does: it must
  // not be overwritten then. Lines may end with CRLF, and the last one with nothing.
  static Result<StateFile> Parse(std::string_view text);
  std::string Text() const;

  const std::string* Find(const std::string& key) const;  // null: there is none
  void Apply(const StateChange& change);

  const std::vector<std::string>& damaged() const { return damaged_; }
  std::size_t first_damaged_line() const { return first_damaged_line_; }  // as it was read, from 1; 0: none

 private:
  std::map<std::string, std::string> records_;
  std::vector<std::string> damaged_;
  std::size_t first_damaged_line_ = 0;
};

}  // namespace warppool::internal
