#include "base/random.hpp"
#include "tests/support/catch.hpp"

#include <vector>

using namespace troupe;

// The numbers below were worked out by another implementation of the generator and of the method.
TEST_CASE("a seed draws the same with every standard library", "[random]") {
  std::mt19937_64 untouched;
  untouched.discard(9'999);
  REQUIRE(untouched() == 9981545732273789042U); // what the standard says of it
  const auto drawn = [](std::size_t count, auto&& draw) {
    std::mt19937_64 random{7};
    std::vector<decltype(draw(random))> all;
    for (std::size_t i = 0; i < count; ++i)
      all.push_back(draw(random));
    return all;
  };
  CHECK(drawn(12, [](auto& random) { return draw_below(random, 6); })
        == std::vector<std::uint64_t>{4, 5, 0, 5, 0, 0, 4, 5, 1, 4, 4, 3});
  CHECK(drawn(12, [](auto& random) { return draw_between(random, -5, 5); })
        == std::vector<std::int64_t>{3, 5, -4, 4, -4, -5, 4, 4, -3, 2, 3, 1});
  CHECK(drawn(3, [](auto& random) { return draw_share(random); })
        == std::vector<double>{0.754385304152858, 0.9493012028926442, 0.11741428103451812});
  // Half of what the generator gives is drawn anew.
  CHECK(drawn(6, [](auto& random) { return draw_below(random, (std::uint64_t{1} << 63) + 1); })
        == std::vector<std::uint64_t>{8755758169312616625U, 8226447053392166523U, 1303000185656569710U,
                                      8307587821880615459U, 2371864540489427440U, 6621511216890701170U});
  std::mt19937_64 random{7};
  std::vector<int> order{0, 1, 2, 3, 4, 5, 6, 7};
  draw_order(random, order);
  CHECK(order == std::vector<int>{2, 1, 3, 5, 4, 0, 7, 6});
}

TEST_CASE("what is drawn keeps its limits", "[random]") {
  std::mt19937_64 random{11};
  for (int i = 0; i < 1'000; ++i) {
    CHECK(draw_below(random, 1) == 0);
    CHECK(draw_between(random, 3, 3) == 3);
    const auto share = draw_share(random);
    CHECK(share >= 0);
    CHECK(share < 1);
  }
  std::vector<int> none;
  draw_order(random, none);
  CHECK(none.empty());
}
