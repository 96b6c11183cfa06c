#include "tests/support/catch.hpp"
#include "transport/lines/line_connection.hpp"

#include <random>

using namespace troupe::transport;
using namespace std::chrono_literals;
using time_point = line_connection::time_point;

namespace {

struct fixture {
  line_limits limits;
  time_point now{};
  std::vector<std::string> lines;
  line_connection connection{limits, now};

  void receive(std::string_view bytes) {
    connection.receive({bytes.data(), bytes.size()}, now);
    take();
  }
  void take() { connection.take_lines(now, lines); }
  std::string take_output() {
    std::string all{connection.output()};
    connection.sent(all.size(), now);
    return all;
  }
  void advance(std::chrono::milliseconds by) {
    now += by;
    connection.tick(now);
  }
  bool balanced() const {
    return connection.accepted() == connection.answered() + connection.unanswered() + connection.open_lines();
  }
};
using phase = line_connection::phase;

} // namespace

TEST_CASE("lines are found wherever the bytes are cut", "[transport][lines]") {
  const std::string text = "Hello, World!\n\r\nna\xc3\xafve\r\n\nlast\n";
  const std::vector<std::string> expected{"Hello, World!", "", "na\xc3\xafve", "", "last"};
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random{seed};
    fixture f;
    for (std::size_t at = 0; at < text.size();) {
      const auto size = std::min<std::size_t>(1 + random() % 5, text.size() - at);
      f.receive(std::string_view{text}.substr(at, size));
      at += size;
    }
    REQUIRE(f.lines == expected);
    REQUIRE(f.connection.open_lines() == 5);
  }
}

TEST_CASE("answers leave in order, and count when they are on their way", "[transport][lines]") {
  fixture f;
  f.receive("one\ntwo\n");
  f.connection.answer("Echoed back: one", f.now);
  f.connection.notify("news", f.now);
  f.connection.answer("Echoed back: two", f.now);
  CHECK(f.connection.output() == "Echoed back: one\nnews\nEchoed back: two\n");
  CHECK(f.connection.output_line() == "Echoed back: one\n");
  CHECK(f.connection.answered() == 0);
  f.connection.sent(17, f.now);
  CHECK(f.connection.answered() == 1);
  CHECK(f.take_output() == "news\nEchoed back: two\n");
  CHECK(f.connection.answered() == 2);
  CHECK(f.balanced());
}

TEST_CASE("a line of exactly the limit is one, a longer one ends the connection with a word",
          "[transport][lines]") {
  fixture f;
  f.limits.line_bytes_max = 16;
  const std::string fits(16, 'x');
  SECTION("with either line end, cut before it") {
    f.receive(fits);
    f.receive("\r");
    f.receive("\n" + fits);
    f.receive("\n");
    CHECK(f.lines == std::vector{fits, fits});
    CHECK(f.connection.now_in() == phase::open);
  }
  SECTION("one byte more") {
    f.receive("before\n" + fits + "x");
    CHECK(f.connection.now_in() == phase::draining);
    CHECK(f.connection.why() == line_ending::line_too_long);
    f.receive("\nafter\n");
    CHECK(f.lines == std::vector<std::string>{"before"});
    CHECK(f.take_output().empty()); // what was accepted is answered first
    f.connection.answer("yes", f.now);
    CHECK(f.take_output() == "yes\nerror: a line has at most 16 bytes\n");
    CHECK(f.connection.may_close());
  }
  SECTION("a CR that no LF follows") {
    f.receive(fits + "\r");
    CHECK(f.connection.now_in() == phase::open);
    f.receive("x");
    CHECK(f.connection.why() == line_ending::line_too_long);
  }
  SECTION("gigabytes") {
    const std::string chunk(8192, 'x');
    for (int i = 0; i < 1000; ++i)
      f.receive(chunk);
    CHECK(f.connection.queued_bytes() < 100);
    CHECK(f.connection.why() == line_ending::line_too_long);
  }
  CHECK(f.balanced());
}

TEST_CASE("what is not UTF-8 ends the connection with a word", "[transport][lines]") {
  const std::string bad =
      GENERATE(std::string("\xff\xfe"), std::string("caf\xe9"), std::string("\xc0\xaf"),
               std::string("\xed\xa0\x80"), std::string("\xf4\x90\x80\x80"), std::string("\xe2\x82"));
  fixture f;
  f.receive("good\n" + bad + "\nmore\n");
  CHECK(f.lines == std::vector<std::string>{"good"});
  CHECK(f.connection.why() == line_ending::not_utf8);
}

TEST_CASE("a line that does not end, and a client that says nothing, are ended", "[transport][lines]") {
  fixture f;
  f.limits.line_timeout = 30s;
  f.limits.idle_timeout = 60s;
  SECTION("drop by drop") {
    for (int i = 0; i < 29; ++i) {
      f.receive("x");
      f.advance(1s);
    }
    CHECK(f.connection.now_in() == phase::open);
    f.receive("x");
    f.advance(1s);
    CHECK(f.connection.why() == line_ending::line_timeout);
    CHECK(f.take_output() == "error: the line did not end in time\n");
  }
  SECTION("silence") {
    f.advance(59s);
    CHECK(f.connection.now_in() == phase::open);
    f.advance(1s);
    CHECK(f.connection.why() == line_ending::idle);
  }
  SECTION("waiting for an answer is no silence") {
    f.receive("slow\n");
    f.advance(120s);
    CHECK(f.connection.now_in() == phase::open);
  }
}

TEST_CASE("what a client says at once waits until its earlier lines are answered", "[transport][lines]") {
  fixture f;
  f.limits.open_lines_max = 2;
  f.receive("a\nb\nc\nd\r\nhalf");
  CHECK(f.lines == std::vector<std::string>{"a", "b"});
  CHECK(!f.connection.wants_input());
  CHECK(!f.connection.can_take_lines());
  SECTION("and is accepted then") {
    f.connection.answer("a", f.now);
    CHECK(f.connection.can_take_lines());
    f.take();
    CHECK(f.lines == std::vector<std::string>{"a", "b", "c"});
    f.connection.answer("b", f.now);
    f.connection.answer("c", f.now);
    f.take();
    CHECK(f.lines.back() == "d");
    CHECK(f.connection.wants_input());
    f.receive(" a line\n");
    CHECK(f.lines.back() == "half a line");
  }
  SECTION("which is not the client's fault: no line takes too long") {
    f.advance(1h);
    f.connection.answer("a", f.now);
    f.connection.answer("b", f.now);
    f.take();
    f.advance(1s);
    CHECK(f.connection.now_in() == phase::open);
  }
  SECTION("and was never accepted where the connection ends before") {
    f.connection.end(line_ending::stopped, {}, f.now);
    CHECK(f.connection.accepted() == 2);
    f.connection.answer("a", f.now);
    f.connection.answer("b", f.now);
    f.take();
    CHECK(f.take_output() == "a\nb\n");
    CHECK(f.connection.may_close());
  }
  f.take_output();
  CHECK(f.balanced());
}

TEST_CASE("lines that come as messages wait like those of a stream", "[transport][lines]") {
  fixture f;
  f.limits.open_lines_max = 1;
  for (const auto* text : {"a", "b", "c"})
    f.connection.receive_line(text, f.now);
  f.take();
  CHECK(f.lines == std::vector<std::string>{"a"});
  CHECK(f.connection.held_bytes() > 2);
  f.connection.answer("a", f.now);
  f.take();
  f.connection.answer("b", f.now);
  f.take();
  CHECK(f.lines == std::vector<std::string>{"a", "b", "c"});
  CHECK(f.connection.held_bytes() == 0);
}

TEST_CASE("a client that ends its side gets the answers to all whole lines, and then the end",
          "[transport][lines]") {
  fixture f;
  f.limits.open_lines_max = GENERATE(1U, 64U);
  f.receive("one\ntwo\nthree");
  f.connection.end_of_input(f.now);
  f.take();
  CHECK(!f.connection.may_close());
  f.connection.answer("1", f.now);
  f.take();
  CHECK(f.lines == std::vector<std::string>{"one", "two"});
  f.connection.answer("2", f.now);
  f.take();
  CHECK(f.take_output() == "1\n2\n");
  CHECK(f.connection.may_close());
  f.connection.lost(f.connection.why());
  CHECK(f.connection.why() == line_ending::client_left);
  CHECK(f.connection.answered() == 2);
  CHECK(f.connection.unanswered() == 0);
}

TEST_CASE("a client that does not read is read no further, and dropped when nothing leaves its full queue",
          "[transport][lines]") {
  fixture f;
  f.limits.queued_bytes_max = 1000;
  f.limits.reading_timeout = 5s;
  for (int i = 0; i < 100 && f.connection.wants_input(); ++i) {
    f.receive("line\n");
    while (f.connection.open_lines() > 0)
      f.connection.answer(std::string(60, 'x'), f.now);
  }
  REQUIRE(!f.connection.wants_input());
  CHECK(f.connection.queued_bytes() >= 1000);
  CHECK(f.connection.queued_bytes() < 1100);
  SECTION("it reads nothing") {
    f.advance(4999ms);
    CHECK(f.connection.now_in() == phase::open);
    f.advance(1ms);
    CHECK(f.connection.gone());
    CHECK(f.connection.why() == line_ending::slow_reader);
    CHECK(f.connection.unanswered() == f.lines.size());
    CHECK(f.connection.output().empty());
  }
  SECTION("it reads slowly") {
    for (int i = 0; i < 10; ++i) {
      f.advance(4s);
      f.connection.sent(1, f.now);
    }
    CHECK(f.connection.now_in() == phase::open);
    f.connection.sent(500, f.now);
    CHECK(f.connection.wants_input());
  }
  SECTION("it leaves little unread") {
    f.connection.sent(500, f.now);
    f.advance(1h);
    CHECK(f.connection.now_in() == phase::open);
  }
  CHECK(f.connection.accepted() == f.lines.size());
}

TEST_CASE("a client that has too much to read is lost at the next line that answers nothing",
          "[transport][lines]") {
  fixture f;
  f.limits.queued_bytes_max = 100;
  for (int i = 0; i < 10; ++i)
    f.connection.notify(std::string(19, 'x'), f.now);
  CHECK(f.connection.gone());
  CHECK(f.connection.why() == line_ending::slow_reader);
}

TEST_CASE("with one line allowed, its answer is the end", "[transport][lines]") {
  fixture f;
  f.limits.lines_max = 1;
  f.receive("one\ntwo\n");
  CHECK(f.lines == std::vector<std::string>{"one"});
  CHECK(!f.connection.may_close());
  f.connection.answer("Echoed back: one", f.now);
  CHECK(f.take_output() == "Echoed back: one\n");
  CHECK(f.connection.may_close());
  f.connection.lost(line_ending::stopped);
  CHECK(f.connection.why() == line_ending::finished);
  CHECK(f.connection.answered() == 1);
}

TEST_CASE("every way to end leaves no accepted line without an entry", "[transport][lines]") {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random{seed};
    fixture f;
    f.limits.line_bytes_max = 20;
    f.limits.queued_bytes_max = 400;
    f.limits.line_timeout = 5s;
    f.limits.open_lines_max = 1 + random() % 8;
    for (int step = 0; step < 200; ++step) {
      switch (random() % 13) {
      case 0:
      case 1:
      case 2:
        f.receive("line\nanother\n");
        break;
      case 3:
        f.receive("half a ");
        break;
      case 4:
      case 5:
      case 6:
        f.connection.answer("an answer", f.now);
        break;
      case 7:
        f.connection.sent(std::min<std::size_t>(f.connection.queued_bytes(), random() % 64), f.now);
        break;
      case 8:
        f.advance(500ms);
        break;
      case 9:
        if (random() % 40 == 0) f.connection.end(line_ending::stopped, "bye", f.now);
        break;
      case 10:
        if (random() % 40 == 0) f.connection.give_up(line_ending::handler_failed, "failed", f.now);
        break;
      case 11:
        if (random() % 40 == 0) f.connection.lost(line_ending::client_left);
        break;
      case 12:
        if (random() % 40 == 0) f.connection.end_of_input(f.now);
        f.take();
        break;
      }
      // Answers that wait to be sent are neither answered nor given up yet.
      REQUIRE(f.connection.accepted()
              >= f.connection.answered() + f.connection.unanswered() + f.connection.open_lines());
      REQUIRE(f.connection.accepted() == f.lines.size());
    }
    f.connection.lost(line_ending::client_left);
    REQUIRE(f.connection.accepted() == f.connection.answered() + f.connection.unanswered());
    REQUIRE(f.connection.open_bytes() == 0);
  }
}
