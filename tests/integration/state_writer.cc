// Writes serials to a state file until it is killed: "a" and "b" in one write, each time one more than the file says.
// After each write the serial goes to standard output, eight bytes as this machine has them.
//
//   state_writer <state file>

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "warppool/state_store.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto store = warppool::OpenFileStore(argv[1]);
  if (!store.ok()) {
    std::fprintf(stderr, "%s\n", store.status().ToString().c_str());
    return 1;
  }
  const auto last = (*store)->Read("a");
  if (!last.ok()) return 1;
  for (std::uint64_t serial = last->has_value() ? std::stoull(**last) + 1 : 1;; ++serial) {
    // Of changing size, and of more than one page, so that halves would be seen.
    const std::string value = std::to_string(serial) + std::string(3'000 + serial % 4'000, ' ');
    const warppool::Status status =
        (*store)->Write({{"a", value}, {"b", value}}, warppool::StateDurability::kPowerLoss);
    if (!status.ok()) {
      std::fprintf(stderr, "%s\n", status.ToString().c_str());
      return 1;
    }
    if (write(STDOUT_FILENO, &serial, sizeof serial) != sizeof serial) return 1;
  }
}
