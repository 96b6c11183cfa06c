// The viewer's columns, read back as the page reads them; and the pictures of Graphviz.
#include "tests/support/catch.hpp"
#include "tests/trace/builder.hpp"
#include "tests/trace/commands.hpp"
#include "tests/trace/support.hpp"
#include "trace/record/recorder.hpp"
#include "trace/view/view.hpp"
#include "trace/view/view_columns.hpp"

#include <limits>
#include <random>
#include <sys/wait.h>

using namespace troupe;
using trace::packed_column;

namespace {

/// By the table of RFC 4648, strictly: no other characters, whole groups of four.
std::string from_base64(std::string_view text) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  if (text.size() % 4 != 0) throw std::runtime_error("not whole groups");
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t bits = 0;
    std::size_t pads = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const auto digit = digits.find(text[i + k]);
      pads += text[i + k] == '=' ? 1 : 0;
      if (digit == std::string_view::npos && (text[i + k] != '=' || i + 4 != text.size()))
        throw std::runtime_error("not a digit");
      bits = bits << 6 | (text[i + k] == '=' ? 0U : static_cast<std::uint32_t>(digit));
    }
    for (std::size_t k = 0; k < 3 - pads; ++k)
      out += static_cast<char>(bits >> (16 - 8 * k) & 0xffU);
  }
  return out;
}

std::string base64(std::string_view bytes) {
  std::string out;
  trace::append_base64(out, std::as_bytes(std::span{bytes.data(), bytes.size()}));
  return out;
}

/// As the page does, but in integers.
std::vector<std::uint64_t> unpack(std::string_view bytes) {
  std::vector<std::uint64_t> out;
  std::uint64_t n = 0;
  unsigned shift = 0;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    n |= std::uint64_t{byte & 0x7fU} << shift;
    shift += 7;
    if (byte >= 0x80U) continue;
    out.push_back(n);
    n = 0;
    shift = 0;
  }
  if (shift != 0) throw std::runtime_error("the last number is cut");
  return out;
}
std::vector<std::uint64_t> unpack(const packed_column& column) {
  return unpack({reinterpret_cast<const char*>(column.bytes().data()), column.bytes().size()});
}

std::int64_t unzigzag(std::uint64_t n) {
  return static_cast<std::int64_t>(n >> 1) ^ -static_cast<std::int64_t>(n & 1);
}

std::vector<std::int64_t> undelta(const std::vector<std::uint64_t>& column) {
  std::vector<std::int64_t> out;
  std::int64_t last = 0;
  for (const auto n : column)
    out.push_back(last += unzigzag(n));
  return out;
}

/// A column of a page.
std::vector<std::uint64_t> column_of(const std::string& page, const std::string& name) {
  const auto tag = "id=\"column-" + name + "\">";
  const auto begin = page.find(tag);
  REQUIRE(begin != std::string::npos);
  const auto from = begin + tag.size();
  return unpack(from_base64(std::string_view{page}.substr(from, page.find('<', from) - from)));
}

bool graphviz_is_there() {
  if (std::system("command -v dot > /dev/null") == 0) return true;
  WARN("skipped: Graphviz (its program dot) is not there");
  return false;
}

/// What Graphviz makes of a picture in its language; fails the test if it has complaints.
std::string drawn(const std::string& dot, const std::string& as) {
  const testing::temporary_directory dir;
  tests::write_file(dir.path() / "in.dot", dot);
  const auto at = dir.path().string();
  const int status =
      std::system(("dot -T" + as + " -o " + at + "/out " + at + "/in.dot 2> " + at + "/said").c_str());
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(testing::content_of(dir.path() / "said").empty());
  return testing::content_of(dir.path() / "out");
}

} // namespace

TEST_CASE("base64 is that of RFC 4648", "[trace][view]") {
  const std::pair<const char*, const char*> samples[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : samples) {
    CHECK(base64(plain) == coded);
    CHECK(from_base64(coded) == plain);
  }
  std::string all;
  for (int i = 0; i < 256; ++i)
    all += static_cast<char>(i);
  CHECK((from_base64(base64(all)) == all));
}

TEST_CASE("small numbers take a byte, and the largest a page can count to comes back", "[trace][view]") {
  packed_column column;
  const std::vector<std::uint64_t> numbers{0,      1,         127,        128,         16'383,
                                           16'384, 1U << 21U, UINT32_MAX, 1ULL << 32U, (1ULL << 53U) - 1};
  for (const auto n : numbers)
    column.add(n);
  CHECK(unpack(column) == numbers);
  CHECK(column.bytes().size() == 1 + 1 + 1 + 2 + 2 + 3 + 4 + 5 + 5 + 8);
}

TEST_CASE("distances come back as what they are between, up and down", "[trace][view]") {
  for (const std::int64_t n : {0L, -1L, 1L, -2L, 2L, 1'000'000'000L, -1'000'000'000L})
    CHECK(unzigzag(trace::zigzag(n)) == n);
  CHECK(trace::zigzag(-1) == 1);
  CHECK(trace::zigzag(1) == 2);
  packed_column column;
  const std::vector<std::int64_t> times{0, 5, 5, 3, -7, 1'000'000'000'000, 999'999'999'999, 0};
  for (const auto t : times)
    column.add_delta(t);
  CHECK(undelta(unpack(column)) == times);
}

TEST_CASE("random columns come back through the text of a page", "[trace][view]") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random{seed};
  std::vector<std::uint64_t> plain;
  std::vector<std::int64_t> walk;
  packed_column numbers, distances;
  std::int64_t at = 0;
  for (int i = 0; i < 5'000; ++i) {
    plain.push_back(random() >> (11 + random() % 53));
    numbers.add(plain.back());
    at += static_cast<std::int64_t>(random() % 2'000'001) - 1'000'000;
    walk.push_back(at);
    distances.add_delta(at);
  }
  const auto through_text = [](const packed_column& column) {
    std::string text;
    trace::append_base64(text, column.bytes());
    return unpack(from_base64(text));
  };
  CHECK((through_text(numbers) == plain));
  CHECK((undelta(through_text(distances)) == walk));
}

TEST_CASE("a page's columns say what the trace says", "[trace][view]") {
  auto m = tests::ping_pong{}.merge();
  trace::view_report report;
  const auto page = trace::render_view(m, "a <title>", report);
  CHECK(report.events == m.events.size());
  const auto times = undelta(column_of(page, "time")), messages = undelta(column_of(page, "message"));
  const auto kinds = column_of(page, "kind"), actors = column_of(page, "actor"),
             nodes = column_of(page, "node"), values = column_of(page, "value");
  REQUIRE(times.size() == m.events.size());
  REQUIRE(kinds.size() == m.events.size());
  for (trace::row i = 0; i < m.events.size(); ++i) {
    CHECK(times[i] == m.events.time[i]);
    CHECK(kinds[i] == static_cast<std::uint64_t>(m.events.kind[i]));
    CHECK(actors[i] == m.events.actor[i]);
    CHECK(nodes[i] == m.events.node[i]);
    CHECK(unzigzag(values[i]) == m.events.value[i]);
    CHECK(messages[i] == (m.events.message[i] == trace::no_row ? 0 : std::int64_t{m.events.message[i]} + 1));
  }
  const auto causes = column_of(page, "m-cause");
  const auto numbers = undelta(column_of(page, "m-number"));
  REQUIRE(causes.size() == m.messages.size());
  for (trace::row i = 0; i < m.messages.size(); ++i) {
    CHECK(numbers[i] == static_cast<std::int64_t>(m.messages.number[i]));
    CHECK(causes[i]
          == (m.messages.cause[i] == trace::no_row
                  ? 0
                  : trace::zigzag(std::int64_t{i} - std::int64_t{m.messages.cause[i]})));
  }
  CHECK(page.find("a <title>") == std::string::npos);
}

TEST_CASE("Graphviz draws what graph and export write in its language", "[trace][graph]") {
  if (!graphviz_is_there()) return;
  const testing::temporary_directory dir;
  {
    trace::recorder r{{.directory = dir.path(), .node = "main", .incarnation = 1}};
    auto client = r.add_actor(0, 1, "client"), strange = r.add_actor(0, 2, "x\"]; evil [label=\"\\<&>\n");
    auto type = r.intern("ping \"quoted\"");
    for (int i = 0; i < 3; ++i) {
      auto id = r.send({}, client, strange, type).id;
      r.handled(id, strange, type, r.now());
    }
  }
  trace::trace_query q;
  q.inputs = {dir.path()};
  q.format = GENERATE("dot", "svg");
  const auto graph = tests::run_command(trace::graph, q);
  CAPTURE(graph.out, graph.err);
  REQUIRE(graph.code == 0);
  const auto svg = q.format == "svg" ? graph.out : drawn(graph.out, "svg");
  CHECK(svg.find("</svg>") != std::string::npos);
  CHECK(testing::times_in(svg, "class=\"edge\"") == 1);
  CHECK(testing::times_in(svg, "class=\"node\"") == 2); // and no third one, of that name
  CHECK(svg.find("3 messages") != std::string::npos);
  CHECK(svg.find("client") != std::string::npos);
  if (q.format == "svg") return;
  const auto exported = tests::run_command(trace::export_trace, q);
  REQUIRE(exported.code == 0);
  CHECK(testing::times_in(drawn(exported.out, "svg"), "class=\"edge\"") == 1);
  CHECK(drawn(exported.out, "plain").find("\nedge ") != std::string::npos);
}
