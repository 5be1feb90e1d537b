// What a request shows the agent beside the user's words.
//
// Strings are UTF-8, but for the bytes of images; what is empty is not sent. All of these are value types.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "warppool/tool.h"

namespace warppool {

// A command that the user ran.
struct ShellCommand {
  std::string command;
  std::string output{};
  std::int32_t exit_code = 0;
  std::string command_id{};  // the program's own
  std::optional<std::chrono::system_clock::time_point> started{};
  std::optional<std::chrono::system_clock::time_point> finished{};
};

struct Image {
  std::string data;  // the file's bytes
  std::string mime_type;
};

struct GitState {
  std::string head{};  // a commit
  std::string branch{};
  std::string repository{};  // its name
  std::string owner{};
  std::string host{};  // "github.com"
};

struct Codebase {
  std::string name;
  std::string path{};
};

// Files with instructions for agents, and where they hold.
struct ProjectRules {
  std::string root_path;
  std::vector<FileText> active_files{};
  std::vector<std::string> additional_paths{};  // more of them, which the agent may ask for
};

// Where the user is, and what the user points at.
struct Context {
  std::string directory{};
  std::string home{};
  std::string platform{};      // "Linux", "MacOS"
  std::string distribution{};  // "Debian GNU/Linux"
  std::string shell{};         // "bash"
  std::string shell_version{};
  std::optional<std::chrono::system_clock::time_point> current_time{};
  GitState git{};
  std::vector<Codebase> codebases{};
  std::vector<ProjectRules> project_rules{};
  std::vector<std::string> selected_text{};
  std::vector<FileText> files{};
  std::vector<Image> images{};
  std::vector<ShellCommand> shell_commands{};
};

struct Document {
  std::string id;
  std::string content{};
};

struct FileReference {
  std::string path;  // the agent may ask to read it
};

// What the query refers to by a name: plain text, a command, a document, or a file that it may ask for.
using Attachment = std::variant<std::string, ShellCommand, Document, FileReference>;

}  // namespace warppool
