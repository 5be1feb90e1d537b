#include "protocol/mcp_context.h"

#include <set>

#include "protocol/json_to_message.h"

namespace warppool::internal {
namespace {

using WireMcp = wire::Request::MCPContext;
using Names = std::set<std::string_view>;

Problem CheckUnique(std::string_view field, std::string_view name, Names* names) {
  return names->insert(name).second ? Problem() : At(field, Is("is there already"));
}

Problem WriteSchema(std::string_view schema, wire::Struct* to) {
  // What the protocol of such tools says for "no arguments"; none at all would be a tool without a description of them.
  if (schema.empty()) schema = R"({"type":"object","properties":{}})";
  return FirstOf({NotUtf8(schema), ReadJsonObject(schema, to)});
}

Problem WriteTool(const McpTool& tool, WireMcp::MCPTool* to) {
  return FirstOf({RequireText("name", tool.name, to, &WireMcp::MCPTool::mutable_name),
                  PutText("description", tool.description, to, &WireMcp::MCPTool::mutable_description),
                  At("input_schema", WriteSchema(tool.input_schema, to->mutable_input_schema()))});
}

Problem WriteResource(const McpResource& resource, WireMcp::MCPResource* to) {
  return FirstOf({RequireText("uri", resource.uri, to, &WireMcp::MCPResource::mutable_uri),
                  PutText("name", resource.name, to, &WireMcp::MCPResource::mutable_name),
                  PutText("description", resource.description, to, &WireMcp::MCPResource::mutable_description),
                  PutText("mime_type", resource.mime_type, to, &WireMcp::MCPResource::mutable_mime_type)});
}

Problem WriteServer(const McpServer& server, WireMcp::MCPServer* to) {
  Names tools;
  const auto write_tool = [&tools](const McpTool& tool, WireMcp::MCPTool* written) {
    return FirstOf({WriteTool(tool, written), CheckUnique("name", tool.name, &tools)});
  };
  const std::string& id = server.id.empty() ? server.name : server.id;
  return FirstOf({RequireText("name", server.name, to, &WireMcp::MCPServer::mutable_name),
                  PutText("description", server.description, to, &WireMcp::MCPServer::mutable_description),
                  PutText("id", id, to, &WireMcp::MCPServer::mutable_id),
                  AddAll("tools", server.tools, to->mutable_tools(), write_tool),
                  AddAll("resources", server.resources, to->mutable_resources(), WriteResource)});
}

}  // namespace

Problem Write(const std::vector<McpServer>& servers, WireMcp* to) {
  Names ids;
  return AddAll("mcp_servers", servers, to->mutable_servers(),
                [&](const McpServer& server, WireMcp::MCPServer* written) {
                  Problem problem = WriteServer(server, written);
                  const std::string& id = server.id.empty() ? server.name : server.id;
                  return problem ? problem : CheckUnique("id", id, &ids);
                });
}

}  // namespace warppool::internal
