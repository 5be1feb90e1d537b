#include "guard.h"
#include "usage.h"

using warppool::capi::Destroy;
using warppool::capi::ReadOr;

const char* warppool_answer_text(const warppool_answer* answer, size_t* length) {
  if (length != nullptr) *length = ReadOr(answer, size_t{0}, [](const auto& a) { return a.answer.text.size(); });
  return ReadOr(answer, "", [](const auto& a) { return a.answer.text.c_str(); });
}

const char* warppool_answer_conversation_id(const warppool_answer* answer) {
  return ReadOr(answer, "", [](const auto& a) { return a.answer.conversation_id.c_str(); });
}

const char* warppool_answer_request_id(const warppool_answer* answer) {
  return ReadOr(answer, "", [](const auto& a) { return a.answer.request_id.c_str(); });
}

const char* warppool_answer_token(const warppool_answer* answer) {
  return ReadOr(answer, "", [](const auto& a) { return a.answer.token.c_str(); });
}

warppool_finish_reason warppool_answer_finish_reason(const warppool_answer* answer) {
  return ReadOr(answer, WARPPOOL_FINISH_NONE, [](const auto& a) {
    const auto reason = a.answer.finish_reason;
    return reason ? static_cast<warppool_finish_reason>(*reason) : WARPPOOL_FINISH_NONE;
  });
}

warppool_code warppool_answer_usage(const warppool_answer* answer, warppool_usage* usage, warppool_error** error) {
  return warppool::capi::Guard(error, [&] {
    const auto status = warppool::capi::NotNull({{answer, "answer"}, {usage, "usage"}});
    return status.ok() ? warppool::capi::FillUsage(answer->answer.usage, usage) : status;
  });
}

void warppool_answer_destroy(warppool_answer** answer) {
  Destroy(answer);
}
