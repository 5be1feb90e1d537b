// What a function of the C API says to arguments that it cannot take.
#pragma once

#include <warppool.h>

#include <string>

#include "catch.h"
#include "handles.h"

// Fails with WARPPOOL_INVALID_ARGUMENT, and the details name `parameter`.
template <typename Call>
void CheckNames(const std::string& parameter, const Call& call) {
  INFO("parameter " << parameter);
  ErrorHandle error;
  CHECK(call(error.out()) == WARPPOOL_INVALID_ARGUMENT);
  CHECK(warppool_error_code(error) == WARPPOOL_INVALID_ARGUMENT);
  CHECK(warppool_error_message(error) == parameter + ": must not be NULL");
  CHECK(call(static_cast<warppool_error**>(nullptr)) == WARPPOOL_INVALID_ARGUMENT);
}

// The message that `call` fails with.
template <typename Call>
std::string Complaint(const Call& call) {
  ErrorHandle error;
  if (call(error.out()) != WARPPOOL_INVALID_ARGUMENT) return "no complaint";
  return warppool_error_message(error);
}

// An out-parameter that holds rubbish, to see that it is cleared; or a handle that is never looked at, since another
// parameter is refused first.
template <typename T>
T* Rubbish() {
  static char rubbish = 0;
  return reinterpret_cast<T*>(&rubbish);
}

// `call` is given a `Struct` that was made from `initial`: with sizes that it never had, and with one that it may have
// one day.
template <typename Struct, typename Call>
void CheckSizes(const std::string& name, const Struct& initial, const Call& call) {
  INFO("struct " << name);
  for (const size_t size : {size_t{0}, size_t{7}, sizeof(void*), static_cast<size_t>(-1)}) {
    Struct given = initial;
    given.struct_size = size;
    CHECK(Complaint([&](auto** e) { return call(&given, e); }) ==
          name + ": struct_size is not set to the size of the struct");
  }
  struct {
    Struct known;
    unsigned char later[24];
  } newer = {initial, {}};
  newer.known.struct_size = sizeof newer;
  CHECK(call(&newer.known, static_cast<warppool_error**>(nullptr)) == WARPPOOL_OK);
}

// The same for one that the library only reads: what it does not know must be 0.
template <typename Struct, typename Call>
void CheckReadSizes(const std::string& name, const Struct& initial, const Call& call) {
  CheckSizes(name, initial, call);
  struct {
    Struct known;
    unsigned char later[24];
  } newer = {initial, {}};
  newer.known.struct_size = sizeof newer;
  newer.later[23] = 1;
  CHECK(Complaint([&](auto** e) { return call(&newer.known, e); }) ==
        name + ": sets something that this version of the library does not know");
}
