#include "protocol/tool_output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "protocol/json_to_message.h"
#include "protocol/request_content.h"

namespace warppool::internal {
namespace {

using WireResult = wire::Request::Input::ToolCallResult;
using google::protobuf::Message;

// The kinds of output that the tool has, for the words of an error.
const char* KindsOf(Tool tool) {
  switch (tool) {
    case Tool::kRunShellCommand:
      return "ShellFinished, ShellRunning, ShellDenied or ResultJson";
    case Tool::kWriteToShellCommand:
    case Tool::kReadShellCommandOutput:
      return "ShellFinished, ShellRunning or ResultJson";
    case Tool::kSearchCodebase:
    case Tool::kReadFiles:
      return "FilesRead, ToolError or ResultJson";
    case Tool::kApplyFileDiffs:
      return "FilesChanged, ToolError or ResultJson";
    case Tool::kGrep:
      return "LinesFound, ToolError or ResultJson";
    case Tool::kFileGlob:
    case Tool::kFileGlobV2:
      return "PathsFound, ToolError or ResultJson";
    case Tool::kReadMcpResource:
      return "McpResources, ToolError or ResultJson";
    case Tool::kCallMcpTool:
      return "McpOutput, ToolError or ResultJson";
    case Tool::kSuggestNewConversation:
    case Tool::kSuggestPrompt:
      return "SuggestionTaken or ResultJson";
    case Tool::kAskUserQuestion:
      return "UserAnswers, ToolError or ResultJson";
  }
  return "nothing";
}

// The tool's own message in the result.
Message* MessageOf(Tool tool, WireResult* result) {
  switch (tool) {
    case Tool::kRunShellCommand:
      return result->mutable_run_shell_command();
    case Tool::kSearchCodebase:
      return result->mutable_search_codebase();
    case Tool::kReadFiles:
      return result->mutable_read_files();
    case Tool::kApplyFileDiffs:
      return result->mutable_apply_file_diffs();
    case Tool::kGrep:
      return result->mutable_grep();
    case Tool::kFileGlob:
      return result->mutable_file_glob();
    case Tool::kReadMcpResource:
      return result->mutable_read_mcp_resource();
    case Tool::kCallMcpTool:
      return result->mutable_call_mcp_tool();
    case Tool::kWriteToShellCommand:
      return result->mutable_write_to_long_running_shell_command();
    case Tool::kSuggestNewConversation:
      return result->mutable_suggest_new_conversation();
    case Tool::kFileGlobV2:
      return result->mutable_file_glob_v2();
    case Tool::kSuggestPrompt:
      return result->mutable_suggest_prompt();
    case Tool::kReadShellCommandOutput:
      return result->mutable_read_shell_command_output();
    case Tool::kAskUserQuestion:
      return result->mutable_ask_user_question();
  }
  return nullptr;
}

Problem WriteFinished(const ShellFinished& output, wire::ShellCommandFinished* to) {
  to->set_exit_code(output.exit_code);
  return FirstOf({At("command", NotUtf8(output.command)),
                  SetText("output", output.output, to, &wire::ShellCommandFinished::mutable_output),
                  PutText("command_id", output.command_id, to, &wire::ShellCommandFinished::mutable_command_id)});
}

Problem WriteRunning(const ShellRunning& output, wire::LongRunningShellCommandSnapshot* to) {
  using Snapshot = wire::LongRunningShellCommandSnapshot;
  return FirstOf({At("command", NotUtf8(output.command)),
                  SetText("output", output.output, to, &Snapshot::mutable_output),
                  RequireText("command_id", output.command_id, to, &Snapshot::mutable_command_id)});
}

Problem WriteResourceContent(const McpOutput::Resource& resource, wire::MCPResourceContent* to) {
  using wire::MCPResourceContent;
  if (resource.is_binary) to->mutable_binary()->set_data(resource.text);
  return FirstOf({
      RequireText("uri", resource.uri, to, &MCPResourceContent::mutable_uri),
      resource.is_binary
          ? PutText("mime_type", resource.mime_type, to->mutable_binary(),
                    &MCPResourceContent::Binary::mutable_mime_type)
          : FirstOf({SetText("text", resource.text, to->mutable_text(), &MCPResourceContent::Text::mutable_content),
                     PutText("mime_type", resource.mime_type, to->mutable_text(),
                             &MCPResourceContent::Text::mutable_mime_type)}),
  });
}

struct PartWriter {
  using Result = wire::CallMCPToolResult::Success::Result;

  Result* to;

  Problem operator()(const std::string& text) const {
    to->mutable_text()->set_text(text);
    return NotUtf8(text);
  }
  Problem operator()(const McpOutput::Image& image) const {
    to->mutable_image()->set_data(image.data);
    return FirstOf({image.data.empty() ? At("data", Is("is empty")) : Problem(),
                    RequireText("mime_type", image.mime_type, to->mutable_image(), &Result::Image::mutable_mime_type)});
  }
  Problem operator()(const McpOutput::Resource& resource) const {
    return WriteResourceContent(resource, to->mutable_resource());
  }
};

Problem WriteLines(const LinesFound::File& file, wire::GrepResult::Success::GrepFileMatch* to) {
  using Match = wire::GrepResult::Success::GrepFileMatch;
  return FirstOf(
      {RequireText("path", file.path, to, &Match::mutable_file_path),
       AddAll("lines", file.lines, to->mutable_matched_lines(), [](std::uint32_t line, Match::GrepLineMatch* match) {
         match->set_line_number(line);
         return line == 0 ? Is("is 0; lines are counted from 1") : Problem();
       })});
}

Problem WriteAnswer(const UserAnswers::Answer& answer, wire::AskUserQuestionResult::AnswerItem* to) {
  using Item = wire::AskUserQuestionResult::AnswerItem;
  Problem problem = RequireText("question_id", answer.question_id, to, &Item::mutable_question_id);
  if (problem) return problem;
  if (answer.skipped) {
    to->mutable_skipped();
    const bool answered = !answer.selected.empty() || !answer.other.empty();
    return answered ? At("skipped", Is("is set, but there is an answer")) : Problem();
  }
  auto* choice = to->mutable_multiple_choice();
  return FirstOf({AddTexts("selected", answer.selected, choice->mutable_selected_options()),
                  PutText("other", answer.other, choice, &Item::MultipleChoiceAnswer::mutable_other_text)});
}

// Each kind of output into the messages of the tools that have it.
class Writer {
 public:
  Writer(Tool tool, WireResult* result) : tool_(tool), result_(result) {}

  Problem operator()(const McpOutput& output) const {
    if (tool_ != Tool::kCallMcpTool) return Not("McpOutput");
    using Part = decltype(output.parts)::value_type;
    return AddAll("parts", output.parts, result_->mutable_call_mcp_tool()->mutable_success()->mutable_results(),
                  [](const Part& part, PartWriter::Result* to) { return std::visit(PartWriter{to}, part); });
  }

  Problem operator()(const McpResources& output) const {
    if (tool_ != Tool::kReadMcpResource) return Not("McpResources");
    auto* success = result_->mutable_read_mcp_resource()->mutable_success();
    return AddAll("contents", output.contents, success->mutable_contents(), WriteResourceContent);
  }

  Problem operator()(const ShellFinished& output) const {
    if (tool_ == Tool::kWriteToShellCommand) {
      return WriteFinished(output, result_->mutable_write_to_long_running_shell_command()->mutable_command_finished());
    }
    if (tool_ == Tool::kRunShellCommand) {
      result_->mutable_run_shell_command()->set_command(output.command);
      return WriteFinished(output, result_->mutable_run_shell_command()->mutable_command_finished());
    }
    if (tool_ == Tool::kReadShellCommandOutput) {
      result_->mutable_read_shell_command_output()->set_command(output.command);
      return WriteFinished(output, result_->mutable_read_shell_command_output()->mutable_command_finished());
    }
    return Not("ShellFinished");
  }

  Problem operator()(const ShellRunning& output) const {
    if (tool_ == Tool::kWriteToShellCommand) {
      auto* written = result_->mutable_write_to_long_running_shell_command();
      return WriteRunning(output, written->mutable_long_running_command_snapshot());
    }
    if (tool_ == Tool::kRunShellCommand) {
      result_->mutable_run_shell_command()->set_command(output.command);
      return WriteRunning(output, result_->mutable_run_shell_command()->mutable_long_running_command_snapshot());
    }
    if (tool_ == Tool::kReadShellCommandOutput) {
      auto* read = result_->mutable_read_shell_command_output();
      read->set_command(output.command);
      return WriteRunning(output, read->mutable_long_running_command_snapshot());
    }
    return Not("ShellRunning");
  }

  Problem operator()(const ShellDenied& output) const {
    if (tool_ != Tool::kRunShellCommand) return Not("ShellDenied");
    result_->mutable_run_shell_command()->mutable_permission_denied()->mutable_denylisted_command();
    return SetText("command", output.command, result_->mutable_run_shell_command(),
                   &wire::RunShellCommandResult::mutable_command);
  }

  Problem operator()(const FilesRead& output) const {
    using Failed = wire::ReadFilesResult::FailedRead;
    if (tool_ == Tool::kSearchCodebase) {
      if (!output.failures.empty()) return At("failures", Is("search_codebase has none"));
      return AddAll("files", output.files, result_->mutable_search_codebase()->mutable_success()->mutable_files(),
                    WriteFile);
    }
    if (tool_ != Tool::kReadFiles) return Not("FilesRead");
    auto* success = result_->mutable_read_files()->mutable_text_files_success();
    const auto write_failure = [](const FilesRead::Failure& failure, Failed* to) {
      return FirstOf({RequireText("path", failure.path, to, &Failed::mutable_path),
                      PutText("message", failure.message, to, &Failed::mutable_message)});
    };
    return FirstOf({AddAll("files", output.files, success->mutable_files(), WriteFile),
                    AddAll("failures", output.failures, success->mutable_failed_reads(), write_failure)});
  }

  Problem operator()(const FilesChanged& output) const {
    using Success = wire::ApplyFileDiffsResult::Success;
    if (tool_ != Tool::kApplyFileDiffs) return Not("FilesChanged");
    Success* success = result_->mutable_apply_file_diffs()->mutable_success();
    return FirstOf({AddAll("updated", output.updated, success->mutable_updated_files_v2(),
                           [](const FileText& file, Success::UpdatedFileContent* to) {
                             return WriteFile(file, to->mutable_file());
                           }),
                    AddAll("deleted", output.deleted, success->mutable_deleted_files(),
                           [](const std::string& path, Success::DeletedFile* to) {
                             return RequireText("", path, to, &Success::DeletedFile::mutable_file_path);
                           })});
  }

  Problem operator()(const LinesFound& output) const {
    if (tool_ != Tool::kGrep) return Not("LinesFound");
    return AddAll("files", output.files, result_->mutable_grep()->mutable_success()->mutable_matched_files(),
                  WriteLines);
  }

  Problem operator()(const PathsFound& output) const {
    using Match = wire::FileGlobV2Result::Success::FileGlobMatch;
    if (tool_ != Tool::kFileGlob && tool_ != Tool::kFileGlobV2) return Not("PathsFound");
    wire::FileGlobV2Result::Success found;
    Problem problem =
        AddAll("paths", output.paths, found.mutable_matched_files(),
               [](const std::string& path, Match* to) { return RequireText("", path, to, &Match::mutable_file_path); });
    if (tool_ == Tool::kFileGlobV2) {
      *result_->mutable_file_glob_v2()->mutable_success() = std::move(found);
    } else {  // one text, a path on each line
      result_->mutable_file_glob()->mutable_success()->set_matched_files(
          fmt::format("{}", fmt::join(output.paths, "\n")));
    }
    return problem;
  }

  Problem operator()(const UserAnswers& output) const {
    using Item = wire::AskUserQuestionResult::AnswerItem;
    if (tool_ != Tool::kAskUserQuestion) return Not("UserAnswers");
    auto* success = result_->mutable_ask_user_question()->mutable_success();
    std::set<std::string_view> ids;
    return AddAll("answers", output.answers, success->mutable_answers(),
                  [&](const UserAnswers::Answer& answer, Item* to) {
                    if (Problem problem = WriteAnswer(answer, to)) return problem;
                    const bool first = ids.insert(answer.question_id).second;
                    return first ? Problem() : At("question_id", Is("is there already"));
                  });
  }

  Problem operator()(const SuggestionTaken& output) const {
    if (tool_ == Tool::kSuggestPrompt) {
      auto* prompt = result_->mutable_suggest_prompt();
      output.accepted ? prompt->mutable_accepted() : prompt->mutable_rejected();
      return output.message_id.empty() ? Problem() : At("message_id", Is("suggest_prompt has none"));
    }
    if (tool_ != Tool::kSuggestNewConversation) return Not("SuggestionTaken");
    auto* conversation = result_->mutable_suggest_new_conversation();
    if (output.accepted) {
      return RequireText("message_id", output.message_id, conversation->mutable_accepted(),
                         &wire::SuggestNewConversationResult::Accepted::mutable_message_id);
    }
    conversation->mutable_rejected();
    return output.message_id.empty() ? Problem() : At("message_id", Is("is set, but nothing was accepted"));
  }

  Problem operator()(const ToolError& output) const {
    const auto write = [&output](auto* tool_result) {
      auto* error = tool_result->mutable_error();
      return SetText("message", output.message, error, &std::remove_reference_t<decltype(*error)>::mutable_message);
    };
    switch (tool_) {
      case Tool::kSearchCodebase:
        return write(result_->mutable_search_codebase());
      case Tool::kReadFiles:
        return write(result_->mutable_read_files());
      case Tool::kApplyFileDiffs:
        return write(result_->mutable_apply_file_diffs());
      case Tool::kGrep:
        return write(result_->mutable_grep());
      case Tool::kFileGlob:
        return write(result_->mutable_file_glob());
      case Tool::kFileGlobV2:
        return write(result_->mutable_file_glob_v2());
      case Tool::kReadMcpResource:
        return write(result_->mutable_read_mcp_resource());
      case Tool::kCallMcpTool:
        return write(result_->mutable_call_mcp_tool());
      case Tool::kAskUserQuestion:
        return write(result_->mutable_ask_user_question());
      case Tool::kRunShellCommand:
      case Tool::kWriteToShellCommand:
      case Tool::kReadShellCommandOutput:
      case Tool::kSuggestPrompt:
      case Tool::kSuggestNewConversation:
        break;
    }
    return Not("ToolError");
  }

  Problem operator()(const ResultJson& output) const {
    Message* to = MessageOf(tool_, result_);
    Problem problem = NotUtf8(output.json);
    if (!problem) problem = ReadJsonObject(output.json, to);
    if (!problem && to->ByteSizeLong() == 0) problem = Is("holds no result");
    return At("json", std::move(problem));
  }

 private:
  Problem Not(std::string_view kind) const {
    return Is(fmt::format("{} has {}, not {}", ToolName(tool_), KindsOf(tool_), kind));
  }

  Tool tool_;  // a known one
  WireResult* result_;
};

}  // namespace

Problem Write(const ToolResult& result, WireResult* to) {
  if (!IsKnown(result.tool)) return At("tool", Is(fmt::format("unknown tool {}", static_cast<int>(result.tool))));
  return FirstOf({RequireText("call_id", result.call_id, to, &WireResult::mutable_tool_call_id),
                  At("output", std::visit(Writer(result.tool, to), result.output))});
}

}  // namespace warppool::internal
