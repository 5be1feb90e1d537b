#include <string>
#include <utility>

#include "request_edit.h"

using warppool::Code;
using warppool::Context;
using warppool::Document;
using warppool::FileReference;
using warppool::FileText;
using warppool::Request;
using warppool::ShellCommand;
using warppool::Status;
using warppool::capi::Edit;
using warppool::capi::OrEmpty;
using warppool::capi::ReadDate;
using warppool::capi::ReadFile;
using warppool::capi::ReadShellCommand;
using warppool::capi::ReadStruct;
using warppool::capi::ToBytes;

warppool_code warppool_request_set_context(warppool_request* request, const warppool_context* context,
                                           warppool_error** error) {
  return Edit(request, {{context, "context"}}, error, [&](Request* edited) {
    warppool_context given = WARPPOOL_CONTEXT_INIT;
    constexpr size_t kFirst = WARPPOOL_SIZE_UP_TO(warppool_context, git_host);
    if (Status status = ReadStruct(context, kFirst, "context", &given); !status.ok()) return status;
    Context place;
    place.directory = OrEmpty(given.directory);
    place.home = OrEmpty(given.home);
    place.platform = OrEmpty(given.platform);
    place.distribution = OrEmpty(given.distribution);
    place.shell = OrEmpty(given.shell);
    place.shell_version = OrEmpty(given.shell_version);
    Status status = ReadDate(given.current_time_ms, "context.current_time_ms", &place.current_time);
    if (!status.ok()) return status;
    place.git = {OrEmpty(given.git_head), OrEmpty(given.git_branch), OrEmpty(given.git_repository),
                 OrEmpty(given.git_owner), OrEmpty(given.git_host)};

    Context& there = edited->context;
    place.codebases = std::move(there.codebases);
    place.project_rules = std::move(there.project_rules);
    place.selected_text = std::move(there.selected_text);
    place.files = std::move(there.files);
    place.images = std::move(there.images);
    place.shell_commands = std::move(there.shell_commands);
    there = std::move(place);
    return Status();
  });
}

warppool_code warppool_request_add_codebase(warppool_request* request, const char* name, const char* path,
                                            warppool_error** error) {
  return Edit(request, {{name, "name"}}, error, [&](Request* edited) {
    edited->context.codebases.push_back({name, OrEmpty(path)});
    return Status();
  });
}

warppool_code warppool_request_add_selected_text(warppool_request* request, const char* text, warppool_error** error) {
  return Edit(request, {{text, "text"}}, error, [&](Request* edited) {
    edited->context.selected_text.emplace_back(text);
    return Status();
  });
}

warppool_code warppool_request_add_file(warppool_request* request, const warppool_file_text* file,
                                        warppool_error** error) {
  return Edit(request, {{file, "file"}}, error, [&](Request* edited) {
    FileText text;
    Status status = ReadFile(file, &text);
    if (status.ok()) edited->context.files.push_back(std::move(text));
    return status;
  });
}

warppool_code warppool_request_add_image(warppool_request* request, const uint8_t* data, size_t length,
                                         const char* mime_type, warppool_error** error) {
  return Edit(request, {{data, "data"}, {mime_type, "mime_type"}}, error, [&](Request* edited) {
    edited->context.images.push_back({ToBytes(data, length), mime_type});
    return Status();
  });
}

warppool_code warppool_request_add_shell_command(warppool_request* request, const warppool_shell_command* command,
                                                 warppool_error** error) {
  return Edit(request, {{command, "command"}}, error, [&](Request* edited) {
    ShellCommand read;
    Status status = ReadShellCommand(command, &read);
    if (status.ok()) edited->context.shell_commands.push_back(std::move(read));
    return status;
  });
}

warppool_code warppool_request_add_project_rules(warppool_request* request, const char* root_path,
                                                 warppool_error** error) {
  return Edit(request, {{root_path, "root_path"}}, error, [&](Request* edited) {
    edited->context.project_rules.push_back({root_path});
    return Status();
  });
}

warppool_code warppool_request_add_rules_file(warppool_request* request, const warppool_file_text* file,
                                              warppool_error** error) {
  return Edit(request, {{file, "file"}}, error, [&](Request* edited) {
    auto& rules = edited->context.project_rules;
    FileText text;
    if (Status status = ReadFile(file, &text); !status.ok()) return status;
    if (rules.empty()) return Status(Code::kMisuse, "there are no project rules that it could belong to");
    rules.back().active_files.push_back(std::move(text));
    return Status();
  });
}

warppool_code warppool_request_add_rules_path(warppool_request* request, const char* path, warppool_error** error) {
  return Edit(request, {{path, "path"}}, error, [&](Request* edited) {
    auto& rules = edited->context.project_rules;
    if (rules.empty()) return Status(Code::kMisuse, "there are no project rules that it could belong to");
    rules.back().additional_paths.emplace_back(path);
    return Status();
  });
}

warppool_code warppool_request_clear_context(warppool_request* request, warppool_error** error) {
  return Edit(request, {}, error, [](Request* edited) {
    edited->context = {};
    return Status();
  });
}

warppool_code warppool_request_attach_text(warppool_request* request, const char* name, const char* text,
                                           warppool_error** error) {
  return Edit(request, {{name, "name"}, {text, "text"}}, error, [&](Request* edited) {
    edited->attachments.insert_or_assign(name, std::string(text));
    return Status();
  });
}

warppool_code warppool_request_attach_shell_command(warppool_request* request, const char* name,
                                                    const warppool_shell_command* command, warppool_error** error) {
  return Edit(request, {{name, "name"}, {command, "command"}}, error, [&](Request* edited) {
    ShellCommand read;
    Status status = ReadShellCommand(command, &read);
    if (status.ok()) edited->attachments.insert_or_assign(name, std::move(read));
    return status;
  });
}

warppool_code warppool_request_attach_document(warppool_request* request, const char* name, const char* id,
                                               const char* content, warppool_error** error) {
  return Edit(request, {{name, "name"}, {id, "id"}}, error, [&](Request* edited) {
    edited->attachments.insert_or_assign(name, Document{id, OrEmpty(content)});
    return Status();
  });
}

warppool_code warppool_request_attach_file(warppool_request* request, const char* name, const char* path,
                                           warppool_error** error) {
  return Edit(request, {{name, "name"}, {path, "path"}}, error, [&](Request* edited) {
    edited->attachments.insert_or_assign(name, FileReference{path});
    return Status();
  });
}

warppool_code warppool_request_detach(warppool_request* request, const char* name, warppool_error** error) {
  return Edit(request, {{name, "name"}}, error, [&](Request* edited) {
    edited->attachments.erase(name);
    return Status();
  });
}
