#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "request_edit.h"
#include "token_config.h"

using warppool::ModelProvider;
using warppool::ModelRole;
using warppool::QueryMode;
using warppool::Request;
using warppool::RequestKind;
using warppool::Secret;
using warppool::Setting;
using warppool::Status;
using warppool::Tier;
using warppool::capi::AtLeast;
using warppool::capi::CheckBytes;
using warppool::capi::Clear;
using warppool::capi::Destroy;
using warppool::capi::Edit;
using warppool::capi::Guard;
using warppool::capi::Invalid;
using warppool::capi::NotNull;
using warppool::capi::OrEmpty;
using warppool::capi::ToBytes;
using warppool::capi::ToTier;
using warppool::capi::ZeroOrOne;

namespace {

warppool_code SetText(warppool_request* request, std::string Request::*field, const char* value,
                      warppool_error** error) {
  return Edit(request, {{value, "value"}}, error, [&](Request* edited) {
    edited->*field = value;
    return Status();
  });
}

warppool_code SetFlag(warppool_request* request, bool Request::*field, int32_t value, warppool_error** error) {
  return Edit(request, {}, error, [&](Request* edited) {
    Status status = ZeroOrOne(value, "value");
    if (status.ok()) edited->*field = value == 1;
    return status;
  });
}

Status CheckSetting(warppool_setting setting) {
  switch (setting) {
    case WARPPOOL_SETTING_RULES:
    case WARPPOOL_SETTING_WEB_CONTEXT_RETRIEVAL:
    case WARPPOOL_SETTING_PARALLEL_TOOL_CALLS:
    case WARPPOOL_SETTING_ANTHROPIC_TEXT_EDITOR_TOOLS:
    case WARPPOOL_SETTING_PLANNING:
    case WARPPOOL_SETTING_WARP_DRIVE_CONTEXT:
    case WARPPOOL_SETTING_CREATE_FILES:
    case WARPPOOL_SETTING_LONG_RUNNING_COMMANDS:
    case WARPPOOL_SETTING_PRESERVE_FILE_CONTENT_IN_HISTORY:
    case WARPPOOL_SETTING_TODOS_UI:
    case WARPPOOL_SETTING_LINKED_CODE_BLOCKS:
    case WARPPOOL_SETTING_STARTED_CHILD_TASK_MESSAGE:
    case WARPPOOL_SETTING_SUGGEST_PROMPT:
    case WARPPOOL_SETTING_READ_IMAGE_FILES:
    case WARPPOOL_SETTING_REASONING_MESSAGE:
    case WARPPOOL_SETTING_WEB_SEARCH:
    case WARPPOOL_SETTING_V4A_FILE_DIFFS:
    case WARPPOOL_SETTING_SUMMARIZATION_VIA_REPLACEMENT:
    case WARPPOOL_SETTING_BUNDLED_SKILLS:
    case WARPPOOL_SETTING_RESEARCH_AGENT:
    case WARPPOOL_SETTING_ORCHESTRATION_V2:
    case WARPPOOL_SETTING_BACKGROUND_COMPUTER_USE:
    case WARPPOOL_SETTING_ORCHESTRATION_RUNNERS:
      return {};
  }
  return Invalid("setting", "is none of warppool_setting");
}

Status CheckRole(warppool_model_role role) {
  switch (role) {
    case WARPPOOL_MODEL_ROLE_PLANNING:
    case WARPPOOL_MODEL_ROLE_CODING:
    case WARPPOOL_MODEL_ROLE_CLI_AGENT:
    case WARPPOOL_MODEL_ROLE_COMPUTER_USE:
      return {};
  }
  return Invalid("role", "is none of warppool_model_role");
}

Status CheckProvider(warppool_model_provider provider) {
  switch (provider) {
    case WARPPOOL_MODEL_PROVIDER_ANTHROPIC:
    case WARPPOOL_MODEL_PROVIDER_OPENAI:
    case WARPPOOL_MODEL_PROVIDER_GOOGLE:
    case WARPPOOL_MODEL_PROVIDER_OPENROUTER:
    case WARPPOOL_MODEL_PROVIDER_XAI:
      return {};
  }
  return Invalid("provider", "is none of warppool_model_provider");
}

}  // namespace

warppool_code warppool_request_create(const char* query, warppool_request** request, warppool_error** error) {
  Clear(request);
  return Guard(error, [&] {
    if (Status status = NotNull({{query, "query"}, {request, "request"}}); !status.ok()) return status;
    *request = new warppool_request{Request(query)};
    return Status();
  });
}

warppool_code warppool_request_copy(const warppool_request* request, warppool_request** copy, warppool_error** error) {
  Clear(copy);
  return Guard(error, [&] {
    if (Status status = NotNull({{request, "request"}, {copy, "copy"}}); !status.ok()) return status;
    *copy = new warppool_request(*request);
    return Status();
  });
}

void warppool_request_destroy(warppool_request** request) {
  Destroy(request);
}

warppool_code warppool_request_set_query(warppool_request* request, const char* value, warppool_error** error) {
  return SetText(request, &Request::query, value, error);
}

warppool_code warppool_request_set_kind(warppool_request* request, warppool_request_kind value,
                                        warppool_error** error) {
  return Edit(request, {}, error, [&](Request* edited) {
    switch (value) {
      case WARPPOOL_REQUEST_INPUTS:
      case WARPPOOL_REQUEST_RESUME:
      case WARPPOOL_REQUEST_SUMMARIZE:
        edited->kind = static_cast<RequestKind>(value);
        return Status();
    }
    return Invalid("value", "is none of warppool_request_kind");
  });
}

warppool_code warppool_request_set_mode(warppool_request* request, warppool_query_mode value, warppool_error** error) {
  return Edit(request, {}, error, [&](Request* edited) {
    switch (value) {
      case WARPPOOL_QUERY_MODE_NORMAL:
      case WARPPOOL_QUERY_MODE_PLAN:
      case WARPPOOL_QUERY_MODE_ORCHESTRATE:
        edited->mode = static_cast<QueryMode>(value);
        return Status();
    }
    return Invalid("value", "is none of warppool_query_mode");
  });
}

warppool_code warppool_request_set_system_prompt(warppool_request* request, const char* value, warppool_error** error) {
  return SetText(request, &Request::system_prompt, value, error);
}

warppool_code warppool_request_set_model(warppool_request* request, const char* value, warppool_error** error) {
  return SetText(request, &Request::model, value, error);
}

warppool_code warppool_request_set_role_model(warppool_request* request, warppool_model_role role, const char* model,
                                              warppool_error** error) {
  return Edit(request, {}, error, [&](Request* edited) {
    if (Status status = CheckRole(role); !status.ok()) return status;
    if (model == nullptr) {
      edited->role_models.erase(static_cast<ModelRole>(role));
    } else {
      edited->role_models.insert_or_assign(static_cast<ModelRole>(role), model);
    }
    return Status();
  });
}

warppool_code warppool_request_set_context_window_limit(warppool_request* request, uint32_t value,
                                                        warppool_error** error) {
  return Edit(request, {}, error, [&](Request* edited) {
    edited->context_window_limit = value;
    return Status();
  });
}

warppool_code warppool_request_set_setting(warppool_request* request, warppool_setting setting, int32_t value,
                                           warppool_error** error) {
  return Edit(request, {}, error, [&](Request* edited) {
    if (Status status = CheckSetting(setting); !status.ok()) return status;
    if (value < -1 || value > 1) return Invalid("value", "must be 0, 1 or -1");
    if (value == -1) {
      edited->settings.erase(static_cast<Setting>(setting));
    } else {
      edited->settings[static_cast<Setting>(setting)] = value == 1;
    }
    return Status();
  });
}

warppool_code warppool_request_set_model_key(warppool_request* request, warppool_model_provider provider,
                                             const char* key, warppool_error** error) {
  return Edit(request, {}, error, [&](Request* edited) {
    if (Status status = CheckProvider(provider); !status.ok()) return status;
    auto& keys = edited->model_keys.keys;
    if (key == nullptr) {
      keys.erase(static_cast<ModelProvider>(provider));
    } else {
      keys.insert_or_assign(static_cast<ModelProvider>(provider), Secret(key));
    }
    return Status();
  });
}

warppool_code warppool_request_set_aws_credentials(warppool_request* request, const char* access_key,
                                                   const char* secret_key, const char* session_token,
                                                   const char* region, warppool_error** error) {
  return Edit(request, {{access_key, "access_key"}, {secret_key, "secret_key"}}, error, [&](Request* edited) {
    edited->model_keys.aws = {Secret(access_key), Secret(secret_key), Secret(OrEmpty(session_token)), OrEmpty(region)};
    return Status();
  });
}

warppool_code warppool_request_set_google_cloud_access_token(warppool_request* request, const char* value,
                                                             warppool_error** error) {
  return Edit(request, {{value, "value"}}, error, [&](Request* edited) {
    edited->model_keys.google_cloud_access_token = Secret(value);
    return Status();
  });
}

warppool_code warppool_request_set_allow_warp_credits(warppool_request* request, int32_t value,
                                                      warppool_error** error) {
  return Edit(request, {}, error, [&](Request* edited) {
    Status status = ZeroOrOne(value, "value");
    if (status.ok()) edited->model_keys.allow_warp_credits = value == 1;
    return status;
  });
}

warppool_code warppool_request_set_logging(warppool_request* request, const char* key, const char* value,
                                           warppool_error** error) {
  return Edit(request, {{key, "key"}}, error, [&](Request* edited) {
    if (value == nullptr) {
      edited->logging.erase(key);
    } else {
      edited->logging.insert_or_assign(key, std::string(value));
    }
    return Status();
  });
}

warppool_code warppool_request_set_logging_bool(warppool_request* request, const char* key, int32_t value,
                                                warppool_error** error) {
  return Edit(request, {{key, "key"}}, error, [&](Request* edited) {
    Status status = ZeroOrOne(value, "value");
    if (status.ok()) edited->logging.insert_or_assign(key, value == 1);
    return status;
  });
}

warppool_code warppool_request_set_logging_number(warppool_request* request, const char* key, double value,
                                                  warppool_error** error) {
  return Edit(request, {{key, "key"}}, error, [&](Request* edited) {
    edited->logging.insert_or_assign(key, value);
    return Status();
  });
}

warppool_code warppool_request_set_timeout_ms(warppool_request* request, int32_t value, warppool_error** error) {
  return Edit(request, {}, error, [&](Request* edited) {
    Status status = AtLeast(0, value, "value");
    if (status.ok()) edited->timeout = std::chrono::milliseconds(value);
    return status;
  });
}

warppool_code warppool_request_set_wait_for_token(warppool_request* request, int32_t value, warppool_error** error) {
  return SetFlag(request, &Request::wait_for_token, value, error);
}

warppool_code warppool_request_set_tiers(warppool_request* request, const warppool_tier* tiers, size_t count,
                                         warppool_error** error) {
  return Edit(request, {{tiers, "tiers"}}, error, [&](Request* edited) {
    // None would mean "any", which is hardly what a list of those allowed means that came out empty.
    if (count == 0) return Invalid("count", "must be 1 or more");
    std::vector<Tier> allowed;
    for (size_t i = 0; i < count; ++i) {
      const auto tier = ToTier(tiers[i]);
      if (!tier) return Invalid("tiers", "holds something that is none of warppool_tier");
      allowed.push_back(*tier);
    }
    edited->tiers = std::move(allowed);
    return Status();
  });
}

warppool_code warppool_request_add_token(warppool_request* request, const char* name, warppool_error** error) {
  return Edit(request, {{name, "name"}}, error, [&](Request* edited) {
    edited->tokens.emplace_back(name);
    return Status();
  });
}

warppool_code warppool_request_set_raw(warppool_request* request, const uint8_t* bytes, size_t length,
                                       warppool_error** error) {
  return Edit(request, {}, error, [&](Request* edited) {
    if (Status status = CheckBytes(bytes, length, "bytes"); !status.ok()) return status;
    edited->raw = ToBytes(bytes, length);
    return Status();
  });
}

warppool_code warppool_request_set_raw_events(warppool_request* request, int32_t value, warppool_error** error) {
  return SetFlag(request, &Request::raw_events, value, error);
}
