// A conversation in a file: read at the start, replaced as a whole after each turn.
#pragma once

#include <warppool/conversation.h>

#include <string>

namespace chat {

// An empty conversation if there is no such file. Otherwise what the file holds, or an error that names the file.
warppool::Result<warppool::Conversation> LoadFile(const std::string& path);

// Whoever reads the file finds all of the old one or all of the new one, after a loss of power, too. Its mode is 0600,
// since it holds what was said. Errors name the file.
warppool::Status SaveFile(const warppool::Conversation& conversation, const std::string& path);

// Gives the file a name that no other file has ("chat.warppool.1"), and returns that. Empty: there was no file.
warppool::Result<std::string> PutAside(const std::string& path);

}  // namespace chat
