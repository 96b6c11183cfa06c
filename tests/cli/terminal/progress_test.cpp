#include "tests/support/catch.hpp"

#include "cli/process/spawn.hpp"
#include "cli/terminal/progress.hpp"

#include <array>

using namespace troupe::cli;
using namespace std::chrono_literals;

TEST_CASE("progress tells share, rate, time left and nodes", "[cli]") {
  CHECK(progress_line({50, 100, {{"w1", 20}, {"w2", 30}}, 5s}, true)
        == "[============>           ]  50/100  50 %  10/s  5 s left  w1 20  w2 30");
  CHECK(progress_line({50, 100, {}, 5s}, false) == "50/100  50 %  10/s  5 s left");
  CHECK(progress_line({7, 0, {}, 2s}, true) == "7 done  3.5/s");
  CHECK(progress_line({0, 10, {}, 0s}, false) == "0/10  0 %  0/s");
  CHECK(progress_line({11, 10, {}, 1s}, false) == "11/10  100 %  11/s");
  CHECK(progress_line({1, 100'000, {}, 10s}, false) == "1/100000  0 %  0.1/s  277 h left");
}

TEST_CASE("where there is no terminal a line is written only now and then", "[cli]") {
  auto ends = make_pipe();
  const progress_display::clock::time_point start{};
  {
    console out(ends.write.get());
    progress_display display(out, start);
    for (int ms = 0; ms <= 11'000; ms += 10)
      display.update(static_cast<std::uint64_t>(ms), 20'000, {}, start + std::chrono::milliseconds(ms));
    display.end();
  }
  ends.write.reset();
  std::array<char, 4096> buffer;
  const auto n = ::read(ends.read.get(), buffer.data(), buffer.size());
  REQUIRE(n > 0);
  const std::string text(buffer.data(), static_cast<std::size_t>(n));
  CHECK(text == "5000/20000  25 %  1000/s  15 s left\n10000/20000  50 %  1000/s  10 s left\n");
}
