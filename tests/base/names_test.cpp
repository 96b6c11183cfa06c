// What may be a name.
#include "base/cxx_text.hpp"
#include "base/names.hpp"
#include "tests/support/catch.hpp"

#include <stdexcept>

using namespace troupe;

TEST_CASE("names need no escape anywhere", "[trace][names]") {
  for (const auto* name : {"a", "worker_pool", "w-1", "3rd", "_"}) {
    CAPTURE(name);
    CHECK(is_name(name));
    CHECK(is_name(name, node_names));
    CHECK(is_name(name, type_names));
  }
  for (const auto* name : {"", "-x", ".x", "..", "a/b", "../x", "two words", "new\nline", "a+b", "a,b",
                           "\xc3\xa9", "\xff\xfe", "<img>", "${X}"}) {
    CAPTURE(name);
    CHECK_FALSE(is_name(name));
    CHECK_FALSE(is_name(name, node_names));
    CHECK_FALSE(is_name(name, type_names));
  }
  CHECK_FALSE(is_name("gpu.1"));
  CHECK(is_name("gpu.1", node_names));
  CHECK_FALSE(is_name("bank::balance", node_names));
  CHECK(is_name("bank::balance", type_names));
  CHECK(is_name(std::string(64, 'x')));
  CHECK_FALSE(is_name(std::string(65, 'x')));
  CHECK(describe(node_names)
        == "1 to 64 letters, digits, _, - and ., and begins with a letter, a digit or _");
}

TEST_CASE("types and exceptions are told as they are written", "[trace][names]") {
  CHECK(type_text(typeid(int)) == "int");
  CHECK(type_text(typeid(std::runtime_error)) == "std::runtime_error");
  CHECK(type_text(typeid(std::string)).find("__cxx11") == std::string::npos);
  const auto text_of = [](auto thrown) {
    try {
      throw thrown;
    } catch (...) {
      return exception_text();
    }
  };
  CHECK(text_of(std::runtime_error("no chairs")) == "no chairs");
  CHECK(text_of(std::runtime_error("")) == "std::runtime_error");
  CHECK(text_of(42) == "an exception of type int");
}
