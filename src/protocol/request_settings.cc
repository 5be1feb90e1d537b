#include "protocol/request_settings.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <string>
#include <vector>

#include "protocol/protobuf_version.h"
#include "protocol/text_fields.h"
#include "protocol/tool_output.h"

namespace warppool::internal {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using WireSettings = wire::Request::Settings;

bool IsSwitch(const FieldDescriptor& field) {
  return field.type() == FieldDescriptor::TYPE_BOOL;
}

// The field of that number, if there is one and it is a single value of the kind. Settings, roles and providers are
// numbered like the fields that they stand for.
const FieldDescriptor* FieldOf(const Message& message, int number, bool (*is_kind)(const FieldDescriptor&)) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByNumber(number);
  return field != nullptr && !field->is_repeated() && is_kind(*field) ? field : nullptr;
}

Problem SetField(const FieldDescriptor* field, std::string_view text, Message* to) {
  if (text.empty()) return Is("is empty");
  to->GetReflection()->SetString(to, field, std::string(text));
  return NotUtf8(text);
}

Problem WriteModels(const Request& request, WireSettings::ModelConfig* to) {
  if (request.model.empty()) return At("model", Is("is empty; \"auto\" lets the service choose"));
  if (request.context_window_limit > 0) to->set_base_model_context_window_limit(request.context_window_limit);
  for (const auto& [role, model] : request.role_models) {
    const int number = static_cast<int>(role);
    const FieldDescriptor* field = FieldOf(*to, number, &IsText);
    if (field == nullptr || number == WireSettings::ModelConfig::kBaseFieldNumber) {
      return At("role_models", Is(fmt::format("unknown role {}", number)));
    }
    if (Problem problem = SetField(field, model, to)) {
      return At(fmt::format("role_models[{}]", SchemaName(*field)), std::move(problem));
    }
  }
  return SetText("model", request.model, to, &WireSettings::ModelConfig::mutable_base);
}

Problem WriteAws(const AwsCredentials& aws, WireSettings::ApiKeys* to) {
  using Aws = WireSettings::ApiKeys::AWSCredentials;
  if (aws.access_key.empty() && aws.secret_key.empty() && aws.session_token.empty() && aws.region.empty()) return {};
  Aws* written = to->mutable_aws_credentials();
  return FirstOf({RequireText("access_key", aws.access_key.Reveal(), written, &Aws::mutable_access_key),
                  RequireText("secret_key", aws.secret_key.Reveal(), written, &Aws::mutable_secret_key),
                  PutText("session_token", aws.session_token.Reveal(), written, &Aws::mutable_session_token),
                  PutText("region", aws.region, written, &Aws::mutable_region)});
}

Problem WriteKeys(const ModelKeys& keys, WireSettings::ApiKeys* to) {
  using Google = WireSettings::ApiKeys::GoogleCloudCredentials;
  to->set_allow_use_of_warp_credits(keys.allow_warp_credits);
  for (const auto& [provider, key] : keys.keys) {
    const FieldDescriptor* field = FieldOf(*to, static_cast<int>(provider), &IsText);
    if (field == nullptr) return At("keys", Is(fmt::format("unknown provider {}", static_cast<int>(provider))));
    if (Problem problem = SetField(field, key.Reveal(), to)) {
      return At(fmt::format("keys[{}]", SchemaName(*field)), std::move(problem));
    }
  }
  if (Problem problem = At("aws", WriteAws(keys.aws, to))) return problem;
  const std::string_view google = keys.google_cloud_access_token.Reveal();
  return google.empty() ? Problem()
                        : SetText("google_cloud_access_token", google, to->mutable_google_cloud_credentials(),
                                  &Google::mutable_access_token);
}

Problem WriteSwitches(const std::map<Setting, bool>& settings, WireSettings* to) {
  for (const auto& [setting, value] : settings) {
    const FieldDescriptor* field = FieldOf(*to, static_cast<int>(setting), &IsSwitch);
    if (field == nullptr) return At("settings", Is(fmt::format("unknown setting {}", static_cast<int>(setting))));
    to->GetReflection()->SetBool(to, field, value);
  }
  return {};
}

Problem WriteTools(const std::vector<Tool>& tools, WireSettings* to) {
  if (tools.empty()) return At("allowed_tools", Is("is empty, which the service would take for \"any tool\""));
  for (const Tool tool : tools) {
    if (!IsKnown(tool)) return At("allowed_tools", Is(fmt::format("unknown tool {}", static_cast<int>(tool))));
    to->add_supported_tools(static_cast<wire::ToolType>(static_cast<int>(tool)));
  }
  return {};
}

// All that is of variable length, in messages inside of it, too. Takes no memory: there may be none left.
void WipeTexts(Message* message) {
  const google::protobuf::Reflection& fields = *message->GetReflection();
  const google::protobuf::Descriptor& kind = *message->GetDescriptor();
  for (int i = 0; i < kind.field_count(); ++i) {
    const FieldDescriptor* const field = kind.field(i);
    if (field->is_repeated() || !fields.HasField(*message, field)) continue;  // keys are not repeated
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      WipeTexts(fields.MutableMessage(message, field));
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      std::string unused;
      const std::string& text = fields.GetStringReference(*message, field, &unused);
      // What is there is in the message: to set it would give its memory back as it is.
      OPENSSL_cleanse(const_cast<char*>(text.data()), text.size());  // NOLINT(cppcoreguidelines-pro-type-const-cast)
    }
  }
}

// Keys on their way into a message.
struct WipedKeys {
  WireSettings::ApiKeys keys{};
  ~WipedKeys() { WipeTexts(&keys); }
};

}  // namespace

void WipeKeys(WireSettings* settings) {
  if (settings->has_api_keys()) WipeTexts(settings->mutable_api_keys());
}

Problem WriteSettings(const Request& request, WireSettings* to) {
  WipedKeys wiped;
  WireSettings::ApiKeys& keys = wiped.keys;
  Problem problem =
      FirstOf({WriteModels(request, to->mutable_model_config()), WriteTools(request.allowed_tools, to),
               WriteSwitches(request.settings, to), At("model_keys", WriteKeys(request.model_keys, &keys))});
  // Keys that only say that nothing is allowed say nothing.
  const bool any = !request.model_keys.keys.empty() || keys.has_aws_credentials() ||
                   keys.has_google_cloud_credentials() || keys.allow_use_of_warp_credits();
  if (any) *to->mutable_api_keys() = std::move(keys);
  return problem;
}

}  // namespace warppool::internal
