#include <cstdlib>
#include <cstring>
#include <new>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "catch.h"
#include "warppool/config.h"

namespace {

// Memory is looked at in the moment in which it is given back: the only time when wiping can be seen.
const char* watched = nullptr;
std::size_t watched_size = 0;
std::string last_bytes;

void Watch(std::string_view bytes) {
  watched = bytes.data();
  watched_size = bytes.size();
  last_bytes.assign(64, '?');
}

void Return(void* block) {
  if (block != nullptr && block == watched) {
    std::memcpy(last_bytes.data(), block, watched_size);
    last_bytes.resize(watched_size);
    watched = nullptr;
  }
  std::free(block);
}

}  // namespace

void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return std::malloc(size == 0 ? 1 : size);
}
void* operator new[](std::size_t size) {
  if (void* block = operator new[](size, std::nothrow)) return block;
  throw std::bad_alloc();
}
void operator delete[](void* block) noexcept {
  Return(block);
}
void operator delete[](void* block, std::size_t) noexcept {
  Return(block);
}
void operator delete[](void* block, const std::nothrow_t&) noexcept {
  Return(block);
}

namespace warppool {
namespace {

const std::string kWiped(12, '\0');  // as long as "fake-hunter2"

template <typename T, typename = void>
struct IsPrinted : std::false_type {};
template <typename T>
struct IsPrinted<T, std::void_t<decltype(std::declval<std::ostream&>() << std::declval<const T&>())>> : std::true_type {
};

static_assert(!IsPrinted<Secret>::value);
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<std::string, Secret>);
static_assert(std::is_nothrow_move_constructible_v<Secret>);

TEST_CASE("a secret reveals what it was made of, NUL and all") {
  const std::string bytes("a\0b", 3);
  CHECK(Secret(bytes).Reveal() == bytes);
  CHECK(Secret().empty());
  CHECK(Secret("").empty());
  CHECK(Secret("").Reveal().empty());
  CHECK_FALSE(Secret("x").empty());
}

TEST_CASE("a copy of a secret is its own") {
  const Secret first("fake-hunter2");
  Secret second = first;
  CHECK(second == first);
  CHECK(second.Reveal().data() != first.Reveal().data());
  second = Secret("fake-other");
  CHECK(second != first);
  CHECK(first.Reveal() == "fake-hunter2");
}

TEST_CASE("moving a secret leaves no copy behind") {
  Secret first("fake-hunter2");
  const char* const bytes = first.Reveal().data();
  Secret second = std::move(first);
  CHECK(first.empty());  // NOLINT(bugprone-use-after-move): what is tested
  CHECK(second.Reveal().data() == bytes);
  Secret third;
  third = std::move(second);
  CHECK(second.empty());  // NOLINT(bugprone-use-after-move)
  CHECK(third.Reveal().data() == bytes);
}

TEST_CASE("a secret survives being assigned to itself") {
  Secret secret("fake-hunter2");
  const Secret& same = secret;
  secret = same;
  CHECK(secret.Reveal() == "fake-hunter2");
}

TEST_CASE("swapping exchanges both secrets") {
  Secret first("fake-hunter2");
  Secret second("fake");
  first.swap(second);
  CHECK(first.Reveal() == "fake");
  CHECK(second.Reveal() == "fake-hunter2");
}

TEST_CASE("secrets compare by all their bytes") {
  CHECK(Secret() == Secret(""));
  CHECK(Secret("a") == Secret("a"));
  CHECK(Secret("a") != Secret("b"));
  CHECK(Secret("a") != Secret("ab"));
  CHECK(Secret(std::string_view("a\0b", 3)) != Secret(std::string_view("a\0c", 3)));
}

TEST_CASE("a secret's memory is wiped before it is given back") {
  {
    const Secret secret("fake-hunter2");
    Watch(secret.Reveal());
  }
  CHECK(last_bytes == kWiped);
}

TEST_CASE("overwriting a secret wipes it") {
  Secret secret("fake-hunter2");
  Watch(secret.Reveal());
  SECTION("with a copy") {
    const Secret other("fake");
    secret = other;
  }
  SECTION("with something that moves in") {
    secret = Secret("fake");
  }
  SECTION("with nothing") {
    secret = Secret();
  }
  CHECK(last_bytes == kWiped);
}

}  // namespace
}  // namespace warppool
