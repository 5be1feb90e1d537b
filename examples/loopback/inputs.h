// What a request brings for the agent: the query, the tools' results, or a wish about the conversation itself. Pure.
#pragma once

#include <string>
#include <vector>

#include "task_list.h"

namespace loopback {

// What is wrong with the inputs; empty: nothing.
std::string CheckInput(const warppool::wire::Request& request);

// Each result must answer a call of these tasks, with what such a call brings, and no call twice. Empty: they do.
std::string CheckToolResults(const warppool::wire::Request& request, const Tasks& tasks);

// The first query; empty: there is none.
std::string FindQuery(const warppool::wire::Request& request);

// What the agent says if nothing is scripted.
std::string DefaultText(const warppool::wire::Request& request);

// As the messages that the conversation gets of them, without ids and the like.
std::vector<warppool::wire::Message> InputMessages(const warppool::wire::Request& request);

}  // namespace loopback
