// When memory runs out, at every point where it can: a code, details or their stand-in, nothing lost, nothing leaked.
//
// Replaces operator new for this program, and fails the n-th allocation of the thread that asks for it.
#include <warppool.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <new>
#include <string>

#include "guard.h"
#include "handles.h"

namespace {

thread_local int allocations_left = -1;  // until one fails; -1: none fails

void* Allocate(std::size_t size) {
  if (allocations_left == 0) throw std::bad_alloc();
  if (allocations_left > 0) --allocations_left;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

// Runs `call` with the first, the second, ... allocation and all that follow failing, until it gets by with what it
// has. Returns what it returned then.
template <typename Call>
warppool_code WithEverLessFailing(const Call& call) {
  for (int allowed = 0;; ++allowed) {
    REQUIRE(allowed < 1000);
    warppool_error* error = nullptr;
    allocations_left = allowed;
    const warppool_code code = call(&error);
    const bool failed = allocations_left == 0;
    allocations_left = -1;
    INFO("allocations that worked: " << allowed);
    if (code == WARPPOOL_OK) {
      CHECK(error == nullptr);
    } else {
      CHECK(error != nullptr);
      CHECK((warppool_error_code(error) == code || warppool_error_code(error) == WARPPOOL_OUT_OF_MEMORY));
      CHECK(warppool_error_message(error) != std::string());
      CHECK(warppool_error_to_string(error) != std::string());
    }
    const bool whole = warppool_error_code(error) == code;
    warppool_error_destroy(&error);
    CHECK(error == nullptr);
    if (code != WARPPOOL_OUT_OF_MEMORY && (whole || !failed)) return code;
  }
}

}  // namespace

void* operator new(std::size_t size) {
  return Allocate(size);
}
void* operator new[](std::size_t size) {
  return Allocate(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}

TEST_CASE("every call that needs memory says so when there is none") {
  const char* const long_text = "a text that is too long to stay inside a std::string";
  ConfigHandle config;
  RequestHandle request;
  CHECK(WithEverLessFailing([&](auto** e) { return warppool_config_create(config.out(), e); }) == WARPPOOL_OK);
  CHECK(WithEverLessFailing([&](auto** e) {
          return warppool_config_add_token(config, WARPPOOL_TIER_SHARED, WARPPOOL_CREDENTIAL_REFRESH_TOKEN,
                                           "demo-token-1", long_text, e);
        }) == WARPPOOL_OK);
  CHECK(warppool_config_token_count(config) == 1);
  CHECK(WithEverLessFailing([&](auto** e) { return warppool_config_set_ca_bundle(config, long_text, e); }) ==
        WARPPOOL_OK);
  CHECK(WithEverLessFailing([&](auto** e) { return warppool_request_create(long_text, request.out(), e); }) ==
        WARPPOOL_OK);
  CHECK(WithEverLessFailing([&](auto** e) { return warppool_request_set_logging(request, long_text, long_text, e); }) ==
        WARPPOOL_OK);
  ConfigHandle copy;
  CHECK(WithEverLessFailing([&](auto** e) { return warppool_config_copy(config, copy.out(), e); }) == WARPPOOL_OK);
}

TEST_CASE("a failure keeps its code when there is no memory for its details") {
  CHECK(WithEverLessFailing([](auto** e) { return warppool_config_create(nullptr, e); }) == WARPPOOL_INVALID_ARGUMENT);
  CHECK(WithEverLessFailing([](auto** e) {
          return warppool::capi::Guard(e, []() -> warppool::Status { throw "something that is no std::exception"; });
        }) == WARPPOOL_INTERNAL);
}

TEST_CASE("the stand-in for details can be copied and destroyed like any error") {
  ConfigHandle config;
  ErrorHandle error;
  allocations_left = 0;
  const warppool_code code = warppool_config_create(config.out(), error.out());
  allocations_left = -1;
  REQUIRE(code == WARPPOOL_OUT_OF_MEMORY);
  CHECK(warppool_error_code(error) == WARPPOOL_OUT_OF_MEMORY);
  CHECK(warppool_error_message(error) == std::string("out of memory"));
  ErrorHandle copy;
  CHECK(warppool_error_copy(error, copy.out()) == WARPPOOL_OK);
  CHECK(warppool_error_to_string(copy) == std::string("out of memory"));
}

TEST_CASE("an event that could not be copied is there at the next try") {
  const std::string text(100, 'x');
  const warppool::Event source = warppool::TextDelta{"message", text};
  warppool_event event;
  bool copied = false;
  for (int allowed = 0; !copied; ++allowed) {
    allocations_left = allowed;
    try {
      event.Assign(source);
      copied = true;
    } catch (const std::bad_alloc&) {
    }
    allocations_left = -1;
  }
  CHECK(warppool_event_text(&event, nullptr) == text);
}
