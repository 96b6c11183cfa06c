#include "tests/support/catch.hpp"

#include "base/cores.hpp"

#include <algorithm>
#include <numeric>

using namespace troupe;
using parts = std::vector<std::vector<int>>;

TEST_CASE("cores are split evenly, neighbours together", "[cores]") {
  CHECK(split_cores({0, 1}, 2) == parts{{0}, {1}});
  CHECK(split_cores({0, 1, 2, 3, 4, 5, 6, 7}, 2) == parts{{0, 1, 2, 3}, {4, 5, 6, 7}});
  CHECK(split_cores({2, 3, 5, 7, 11}, 3) == parts{{2}, {3, 5}, {7, 11}});
}

TEST_CASE("one user has all cores, none needs any", "[cores]") {
  CHECK(split_cores({0, 1, 4}, 1) == parts{{0, 1, 4}});
  CHECK(split_cores({0, 1}, 0).empty());
}

TEST_CASE("more users than cores take turns", "[cores]") {
  CHECK(split_cores({3, 6}, 5) == parts{{3}, {6}, {3}, {6}, {3}});
  CHECK(split_cores({0}, 2) == parts{{0}, {0}});
}

TEST_CASE("every core has a user, and one only, where there are no more users than cores", "[cores]") {
  std::vector<int> cores(37);
  std::iota(cores.begin(), cores.end(), 0);
  for (std::size_t users = 1; users <= cores.size(); ++users) {
    std::vector<int> joined;
    for (const auto& part : split_cores(cores, users)) {
      CHECK_FALSE(part.empty());
      joined.insert(joined.end(), part.begin(), part.end());
    }
    CHECK(joined == cores);
  }
}

TEST_CASE("this process may run somewhere", "[cores]") {
  const auto cores = usable_cores();
  REQUIRE_FALSE(cores.empty());
  CHECK(std::is_sorted(cores.begin(), cores.end()));
}
