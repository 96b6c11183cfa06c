// The parts of what a node knows of a peer, each alone.
#include "actors/node/announced_types.hpp"
#include "actors/node/ended_actors.hpp"
#include "actors/node/open_requests.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;

namespace {

std::string define(announced_types& types, std::uint32_t number, const std::string& name) {
  return types.define(number, name);
}

} // namespace

TEST_CASE("what a peer announces is found under its number, and may be announced anew", "[peer]") {
  message_catalog catalog;
  announced_types types{catalog};
  CHECK(types[0].name.empty());
  CHECK(types[7].signature == nullptr);
  CHECK(define(types, 7, "i32+string").empty());
  REQUIRE(types[7].signature != nullptr);
  CHECK(types[7].signature->elements.size() == 2);
  CHECK(types[6].name.empty());
  CHECK(define(types, 7, "(empty)").empty());
  REQUIRE(types[7].signature != nullptr);
  CHECK(types[7].signature->elements.empty());
}

TEST_CASE("an announced type of which an element is not known here tells which", "[peer]") {
  message_catalog catalog;
  announced_types types{catalog};
  for (const std::string name : {"i32+riddle", "riddle", "riddle+i32", "i32+riddle+puzzle"}) {
    CAPTURE(name);
    CHECK(define(types, 1, name).empty());
    CHECK(types[1].signature == nullptr);
    CHECK(types[1].unknown == "riddle");
    CHECK(types[1].name == name);
  }
  for (const std::string name : {"", "+", "i32+"}) {
    CAPTURE(name);
    CHECK(define(types, 2, name).empty());
    CHECK(types[2].signature == nullptr);
    CHECK(types[2].unknown.empty()); // nothing is known or unknown under no name
  }
}

TEST_CASE("announced types have limits, in their number and in the length of their names", "[peer]") {
  message_catalog catalog;
  announced_types types{catalog};
  CHECK(define(types, 0, "i32") == "it defines a signature outside of the limits");
  CHECK(define(types, signatures_max, "i32").empty());
  CHECK(define(types, signatures_max + 1, "i32") == "it defines a signature outside of the limits");
  CHECK(define(types, 1, std::string(4096, 'x')).empty());
  CHECK(define(types, 1, std::string(4097, 'x')) == "it defines a signature outside of the limits");
  // The one place again and again holds one name.
  for (int i = 0; i < 1000; ++i)
    REQUIRE(define(types, 1, std::string(4096, 'y')).empty());
  std::uint32_t number = 1;
  while (define(types, ++number, std::string(4096, 'z')).empty())
    REQUIRE(number < 1000);
  CHECK(number == (1U << 20) / 4096); // with "i32" under the last number one fits less
  CHECK(define(types, 900, std::string(4096, 'z')) == "its signatures take more than 1048576 bytes");
}

TEST_CASE("a request is open until it is answered, or the peer has ended", "[peer]") {
  open_requests open;
  const auto first = open_requests::of(1, caf::make_message_id(std::uint64_t{10}));
  const auto other = open_requests::of(2, caf::make_message_id(std::uint64_t{10}));
  CHECK(open.add(first));
  CHECK_FALSE(open.add(first));
  CHECK(open.add(other));
  // What answers it is known by the same number.
  CHECK(open.remove(open_requests::of(1, caf::make_message_id(std::uint64_t{10}).response_id())));
  CHECK_FALSE(open.remove(first));
  CHECK(open.end() == std::set{other});
  CHECK(open.end().empty());
  CHECK_FALSE(open.add(first));
  CHECK_FALSE(open.remove(first));
}

TEST_CASE("of the actors that have ended the latest are remembered", "[peer]") {
  ended_actors ended;
  for (caf::actor_id id = 1; id <= ended_actors::kept + 2; ++id) {
    ended.add(id);
    ended.add(id);
  }
  CHECK_FALSE(ended.contains(1));
  CHECK_FALSE(ended.contains(2));
  CHECK(ended.contains(3));
  CHECK(ended.contains(ended_actors::kept + 2));
}
