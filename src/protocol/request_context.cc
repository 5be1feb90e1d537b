#include "protocol/request_context.h"

#include "protocol/request_content.h"

namespace warppool::internal {
namespace {

using WireContext = wire::InputContext;

// `field` makes a part of the context that is not sent as long as none of its texts is.
template <typename Part>
Problem PutIn(std::string_view name, const std::string& text, WireContext* to, Part* (WireContext::*part)(),
              std::string* (Part::*field)()) {
  return text.empty() ? Problem() : SetText(name, text, (to->*part)(), field);
}

Problem WritePlace(const Context& context, WireContext* to) {
  return FirstOf({
      PutIn("directory", context.directory, to, &WireContext::mutable_directory, &WireContext::Directory::mutable_pwd),
      PutIn("home", context.home, to, &WireContext::mutable_directory, &WireContext::Directory::mutable_home),
      PutIn("platform", context.platform, to, &WireContext::mutable_operating_system,
            &WireContext::OperatingSystem::mutable_platform),
      PutIn("distribution", context.distribution, to, &WireContext::mutable_operating_system,
            &WireContext::OperatingSystem::mutable_distribution),
      PutIn("shell", context.shell, to, &WireContext::mutable_shell, &WireContext::Shell::mutable_name),
      PutIn("shell_version", context.shell_version, to, &WireContext::mutable_shell,
            &WireContext::Shell::mutable_version),
      context.current_time ? At("current_time", Write(*context.current_time, to->mutable_current_time())) : Problem(),
  });
}

Problem WriteGit(const GitState& git, WireContext* to) {
  WireContext::Git written;
  WireContext::Git::Repository repository;
  Problem problem = FirstOf({
      PutText("head", git.head, &written, &WireContext::Git::mutable_head),
      PutText("branch", git.branch, &written, &WireContext::Git::mutable_branch),
      PutText("repository", git.repository, &repository, &WireContext::Git::Repository::mutable_name),
      PutText("owner", git.owner, &repository, &WireContext::Git::Repository::mutable_owner),
      PutText("host", git.host, &repository, &WireContext::Git::Repository::mutable_host),
  });
  if (repository.ByteSizeLong() > 0) *written.mutable_repository() = std::move(repository);
  if (written.ByteSizeLong() > 0) *to->mutable_git() = std::move(written);
  return problem;
}

Problem WriteCodebase(const Codebase& codebase, WireContext::Codebase* to) {
  return FirstOf({RequireText("name", codebase.name, to, &WireContext::Codebase::mutable_name),
                  PutText("path", codebase.path, to, &WireContext::Codebase::mutable_path)});
}

Problem WriteRules(const ProjectRules& rules, WireContext::ProjectRules* to) {
  return FirstOf({
      RequireText("root_path", rules.root_path, to, &WireContext::ProjectRules::mutable_root_path),
      AddAll("active_files", rules.active_files, to->mutable_active_rule_files(), WriteFile),
      AddTexts("additional_paths", rules.additional_paths, to->mutable_additional_rule_file_paths()),
  });
}

Problem WriteSelection(const std::string& text, WireContext::SelectedText* to) {
  to->set_text(text);
  return text.empty() ? Is("is empty") : NotUtf8(text);
}

Problem WriteContextFile(const FileText& file, WireContext::File* to) {
  return WriteFile(file, to->mutable_content());
}

Problem WriteImage(const Image& image, WireContext::Image* to) {
  to->set_data(image.data);
  return FirstOf({image.data.empty() ? At("data", Is("is empty")) : Problem(),
                  RequireText("mime_type", image.mime_type, to, &WireContext::Image::mutable_mime_type)});
}

Problem WriteCommand(const ShellCommand& command, wire::ExecutedShellCommand* to) {
  return Write(command, to);
}

struct AttachmentWriter {
  wire::Attachment* to;

  Problem operator()(const std::string& text) const {
    to->set_plain_text(text);
    return NotUtf8(text);
  }
  Problem operator()(const ShellCommand& command) const { return Write(command, to->mutable_executed_shell_command()); }
  Problem operator()(const Document& document) const {
    auto* content = to->mutable_document_content();
    return FirstOf({RequireText("id", document.id, content, &wire::DocumentContent::mutable_document_id),
                    SetText("content", document.content, content, &wire::DocumentContent::mutable_content)});
  }
  Problem operator()(const FileReference& file) const {
    return RequireText("path", file.path, to->mutable_file_path_reference(),
                       &wire::FilePathReference::mutable_file_path);
  }
};

}  // namespace

Problem Write(const Context& context, wire::InputContext* to) {
  return FirstOf({
      WritePlace(context, to),
      At("git", WriteGit(context.git, to)),
      AddAll("codebases", context.codebases, to->mutable_codebases(), WriteCodebase),
      AddAll("project_rules", context.project_rules, to->mutable_project_rules(), WriteRules),
      AddAll("selected_text", context.selected_text, to->mutable_selected_text(), WriteSelection),
      AddAll("files", context.files, to->mutable_files(), WriteContextFile),
      AddAll("images", context.images, to->mutable_images(), WriteImage),
      AddAll("shell_commands", context.shell_commands, to->mutable_executed_shell_commands(), WriteCommand),
  });
}

Problem Write(const Attachment& attachment, wire::Attachment* to) {
  return std::visit(AttachmentWriter{to}, attachment);
}

}  // namespace warppool::internal
