#include "platform/os_facts.h"

#include <optional>
#include <string>

#include "catch.h"

namespace warppool::internal {
namespace {

TEST_CASE("the values of an os-release file are read without quotes and escapes") {
  const std::string text =
      "# comment\n"
      "NAME=\"Debian GNU/Linux\"\n"
      "VERSION_ID='12'\n"
      "ID=debian\n"
      "PRETTY_NAME=\"a \\\"b\\\" \\$c\"\n"
      "SINGLE='a\\b'\n"
      "EMPTY=\n"
      "NOT_ASCII=\"caf\xC3\xA9\r\x1b[1m\"\n"
      "TWICE=1\n"
      "TWICE=2\n"
      "XNAME=wrong\n"
      "LAST=end";
  CHECK(ReadOsRelease(text, "NAME") == "Debian GNU/Linux");
  CHECK(ReadOsRelease(text, "VERSION_ID") == "12");
  CHECK(ReadOsRelease(text, "ID") == "debian");
  CHECK(ReadOsRelease(text, "PRETTY_NAME") == "a \"b\" $c");
  CHECK(ReadOsRelease(text, "SINGLE") == "a\\b");
  CHECK(ReadOsRelease(text, "EMPTY") == "");
  CHECK(ReadOsRelease(text, "NOT_ASCII") == "caf[1m");
  CHECK(ReadOsRelease(text, "TWICE") == "2");
  CHECK(ReadOsRelease(text, "LAST") == "end");
  CHECK(ReadOsRelease(text, "VERSION") == std::nullopt);
  CHECK(ReadOsRelease(text, "NAM") == std::nullopt);
  CHECK(ReadOsRelease("", "NAME") == std::nullopt);
  CHECK(ReadOsRelease("NAME", "NAME") == std::nullopt);
  CHECK(ReadOsRelease("NAME=\"open\\", "NAME") == "open\\");
}

TEST_CASE("a word about the system is printable ASCII, and never empty") {
  CHECK(OsWord("6.1.0-9-amd64") == "6.1.0-9-amd64");
  CHECK(OsWord("a\r\nX-Evil: b\x7f\xff") == "aX-Evil: b");
  CHECK(OsWord("") == "unknown");
  CHECK(OsWord("\n") == "unknown");
}

TEST_CASE("the system that this runs on says what it is") {
  const OsFacts facts = ReadOsFacts();
#if defined(__linux__)
  CHECK(facts.category == "Linux");
  CHECK(facts.linux_kernel != "unknown");
#elif defined(__APPLE__)
  CHECK(facts.category == "macOS");
#endif
#if !defined(__linux__)
  CHECK(facts.category != "Linux");
  CHECK(facts.linux_kernel.empty());
#endif
  CHECK_FALSE(facts.category.empty());
  CHECK_FALSE(facts.name.empty());
  CHECK_FALSE(facts.version.empty());
}

}  // namespace
}  // namespace warppool::internal
