// Looks at the tasks that a request brings. Pure.
#pragma once

#include <string>

#include "task_list.h"

namespace loopback {

// Always the same for the same message.
std::string Bytes(const google::protobuf::Message& message);

// Equal to the last byte, fields included that the schema does not know.
bool AreSame(const Tasks& expected, const Tasks& came);

// Where they differ first: task, message, and field. Empty: they are the same.
std::string FindDifference(const Tasks& expected, const Tasks& came);

// What is wrong with tasks that the service has not seen before; empty: they can be a conversation.
std::string CheckHistory(const Tasks& tasks);

}  // namespace loopback
