// What requests and the results of tools have in common, as the service's messages.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <chrono>

#include "protocol/problem.h"
#include "warppool/context.h"
#include "warppool/wire/content.pb.h"

namespace warppool::internal {

// Each fills `to`, which is empty.
Problem Write(std::chrono::system_clock::time_point time, google::protobuf::Timestamp* to);
Problem WriteFile(const FileText& file, wire::FileContent* to);
Problem Write(const ShellCommand& command, wire::ExecutedShellCommand* to);

}  // namespace warppool::internal
