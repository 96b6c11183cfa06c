#include "scenarios/reduction/reduction.hpp"

#include "base/utf8.hpp"
#include "scenarios/reduction/actors.hpp"
#include "tests/runner/run_text.hpp"
#include "tests/support/scripted_run.hpp"

#include <algorithm>
#include <fstream>
#include <numeric>
#include <random>

using namespace troupe;
using namespace troupe::scenarios;
using nlohmann::json;
using troupe::testing::failures;
using troupe::testing::refusal;
using troupe::testing::run_text;
using troupe::testing::run_text_until_progress;
using troupe::testing::scripted_run;
using troupe::testing::temporary_directory;

namespace {

const scenario& demo() {
  static const scenario s = reduction();
  return s;
}

const std::string head = "scenario = \"reduction\"\ndeadline = \"10m\"\n[parameters]\n";

/// In virtual time, in an order drawn from a seed; every check holds.
json reduce(const parameters& values, std::uint64_t seed, const scenario& what = demo()) {
  scripted_run run{what, values, seed};
  INFO("seed " << seed);
  const bool through = run.go();
  REQUIRE(run.failure().value_or("") == "");
  REQUIRE(through);
  CHECK(run.failed_checks() == "");
  return *run.result();
}

parameters numbers(const std::string& op, std::vector<double> inputs) {
  parameters values;
  values.set("operator", op);
  values.set("inputs", std::move(inputs));
  return values;
}

parameters flags(const std::string& op, std::vector<bool> inputs) {
  parameters values;
  values.set("operator", op);
  values.set("flags", std::move(inputs));
  return values;
}

parameters range(std::int64_t first, std::int64_t count, std::int64_t arity, std::int64_t chunk) {
  parameters values;
  values.set("operator", std::string{"sum"});
  values.set("first", first);
  values.set("count", count);
  values.set("arity", arity);
  values.set("chunk", chunk);
  return values;
}

/// Lines of n-grams of few words, and how often each occurs by a plain count.
struct ngram_file {
  ngram_file(const std::filesystem::path& path, std::uint64_t seed, int lines) {
    std::mt19937_64 random{seed};
    std::ofstream file{path, std::ios::binary};
    for (int i = 0; i < lines; ++i) {
      const auto word = "word" + std::to_string(random() % 37) + (random() % 2 == 0 ? "" : "_é");
      const auto count = random() % 1'000;
      counts[word] += count;
      file << word << '\t' << 1900 + random() % 120 << '\t' << count << "\t1\n";
    }
  }
  std::map<std::string, std::uint64_t> counts;
};

std::map<std::string, std::uint64_t> counts_in(const json& result) {
  std::map<std::string, std::uint64_t> counts;
  for (auto& row : result.at("value"))
    counts[row.at("word").get<std::string>()] = row.at("count").get<std::uint64_t>();
  return counts;
}

} // namespace

TEST_CASE("six numbers are joined in three levels, three pairs at once at most", "[reduction]") {
  const auto [op, value] =
      GENERATE(table<std::string, int>({{"sum", 23}, {"product", 960}, {"min", 1}, {"max", 8}}));
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto result = reduce(numbers(op, {1, 4, 8, 3, 2, 5}), seed);
    CHECK(result.at("value") == value);
    CHECK(result.at("levels") == 3);
    CHECK(result.at("pairs_at_once") == 3);
  }
}

TEST_CASE("truths are joined with and and or", "[reduction]") {
  CHECK(reduce(flags("and", {true, false, false, true}), 1).at("value") == false);
  CHECK(reduce(flags("and", {true, true, true}), 1).at("value") == true);
  CHECK(reduce(flags("or", {true, false, false, true}), 1).at("value") == true);
  CHECK(reduce(flags("or", {false, false}), 1).at("value") == false);
}

TEST_CASE("a range is summed without a list", "[reduction]") {
  CHECK(reduce(range(0, 20, 2, 1), 3).at("value") == 190);
  CHECK(reduce(range(-5, 11, 3, 2), 3).at("value") == 0);
}

TEST_CASE("nothing becomes the identity, one element itself", "[reduction]") {
  for (auto& [op, identity] : std::map<std::string, json>{{"sum", 0}, {"product", 1}, {"min", nullptr}}) {
    const auto result = reduce(numbers(op, {}), 2);
    CHECK(result.at("value") == identity);
    CHECK(result.at("levels") == 0);
    CHECK(result.at("complete") == true);
    CHECK(reduce(numbers(op, {7.5}), 2).at("value") == 7.5);
  }
  CHECK(reduce(flags("and", {}), 2).at("value") == true);
  CHECK(reduce(flags("or", {}), 2).at("value") == false);
}

TEST_CASE("whatever the number of elements, the arity and the chunk, each goes in once", "[reduction]") {
  for (std::int64_t count : {0, 1, 2, 3, 5, 7, 13, 31, 97, 211})
    for (std::int64_t arity : {2, 3, 4, 5, 8, 13, 16})
      for (std::int64_t chunk : {1, 2, 7}) {
        CAPTURE(count, arity, chunk);
        const auto result = reduce(range(1, count, arity, chunk), static_cast<std::uint64_t>(count + arity));
        if (count != 0) CHECK(result.at("value") == count * (count + 1) / 2);
        CHECK(result.at("elements") == count);
        CHECK(result.at("chunks") == (count + chunk - 1) / chunk);
      }
}

TEST_CASE("over links the tree gives what it gives in one process", "[reduction]") {
  const int nodes = GENERATE(0, 2, 3);
  const auto result = run_text(
      demo(), head + "operator = \"sum\"\nfirst = 1\ncount = 997\nchunk = 3\narity = 7\nreducers = 5", nodes);
  INFO(failures(result));
  CHECK(result.result_verdict == verdict::passed);
  CHECK(result.result.at("value") == 497'503);
}

TEST_CASE("a histogram is that of a plain count, for any chunk, arity and number of nodes", "[reduction]") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  const temporary_directory directory;
  const auto path = directory.path() / "ngrams.tsv";
  const ngram_file file{path, seed, 700};
  for (int chunk : {1, 10, 699, 1000})
    for (int arity : {2, 16})
      for (int nodes : {0, 2}) {
        CAPTURE(chunk, arity, nodes);
        const auto result =
            run_text(demo(),
                     head + "operator = \"histogram\"\nfile = \"" + path.string()
                         + "\"\nchunk = " + std::to_string(chunk) + "\narity = " + std::to_string(arity),
                     nodes);
        INFO(failures(result));
        CHECK(result.result_verdict == verdict::passed);
        CHECK(counts_in(result.result) == file.counts);
      }
}

TEST_CASE("a file is read no further ahead than its reducers fold", "[reduction]") {
  const temporary_directory directory;
  const auto path = directory.path() / "ngrams.tsv";
  const ngram_file file{path, 5, 20'000};
  parameters values;
  values.set("operator", std::string{"histogram"});
  values.set("file", path.string());
  values.set("chunk", std::int64_t{10});
  values.set("arity", std::int64_t{4});
  values.set("reducers", std::int64_t{3});
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    const auto result = reduce(values, seed);
    CHECK(result.at("chunks") == 2'000);
    CHECK(result.at("chunks_ahead_max").get<std::uint64_t>() <= groups_ahead * 3 * 4);
    CHECK(counts_in(result) == file.counts);
  }
}

TEST_CASE("what is wrong in a file is told with its line", "[reduction]") {
  const auto [text, complaint] = GENERATE(table<std::string, std::string>({
      {"a\t2000\t1\t1\nb\t2000\n", ":2: expected word<TAB>year<TAB>count<TAB>volumes"},
      {"a\t2000\tmany\t1\n", ":1: the count must be a natural number"},
      {"a\t2000\t1\t1\n\n", ":2: expected word"},
      {"a\t2000\t1\t1\n\xff\t2000\t1\t1\n", ":2: the line is not UTF-8"},
      {"a\t2000\t18446744073709551615\t1\na\t2001\t1\t1\n", "does not fit into 64 bits"},
  }));
  const temporary_directory directory;
  const auto path = directory.path() / "bad.tsv";
  std::ofstream{path, std::ios::binary} << text;
  // Chunks of one: the first elements are looked at before the run, the others when it gets there.
  const auto result =
      run_text(demo(), head + "operator = \"histogram\"\nfile = \"" + path.string() + "\"", 0);
  CHECK(result.result_verdict == verdict::check_failed);
  CHECK_THAT(result.reason, Catch::Matchers::Contains(complaint));
}

TEST_CASE("a line without end is refused before anything starts, or told when the run gets there",
          "[reduction]") {
  const temporary_directory directory;
  const auto path = directory.path() / "long.tsv";
  const bool late = GENERATE(false, true);
  std::string text;
  for (int i = 0; late && i < 100; ++i)
    text += "a\t2000\t1\t1\n";
  std::ofstream{path, std::ios::binary} << text << std::string(70'000, 'x');
  const auto file = head + "operator = \"histogram\"\nfile = \"" + path.string() + "\"";
  const auto why = late ? run_text(demo(), file).reason : refusal(demo(), file);
  CHECK_THAT(why, Catch::Matchers::Contains(late ? ":101: the line has more than 65536 bytes"
                                                 : ":1: the line has more than 65536 bytes"));
}

TEST_CASE("chunks that no message can hold are told before they fill the memory", "[reduction]") {
  const temporary_directory directory;
  const auto path = directory.path() / "wide.tsv";
  std::ofstream{path, std::ios::binary} << [] {
    std::string text;
    for (int i = 0; i < 200; ++i)
      text += "a\t2000\t" + std::string(60'000, '0') + "1\t1\n";
    return text;
  }();
  const auto [chunk, complaint] = GENERATE(table<std::string, std::string>({
      {"1000", "wide.tsv:140: this chunk of lines takes more than 8388608 bytes: choose a smaller chunk"},
      {"100", "a group of 2 chunks takes more bytes than a message may have"},
  }));
  const auto result = run_text(
      demo(), head + "operator = \"histogram\"\nfile = \"" + path.string() + "\"\nchunk = " + chunk, 0);
  CHECK(result.result_verdict == verdict::check_failed);
  CHECK_THAT(result.reason, Catch::Matchers::Contains(complaint));
}

TEST_CASE("a file without a last line end, and with CR LF, is read to its end", "[reduction]") {
  const temporary_directory directory;
  const auto path = directory.path() / "n.tsv";
  std::ofstream{path, std::ios::binary} << "a\t2000\t1\t1\r\nb\t2000\t2\t1\r\na\t2001\t3\t1";
  const auto result =
      run_text(demo(), head + "operator = \"histogram\"\nfile = \"" + path.string() + "\"", 0);
  INFO(failures(result));
  CHECK(counts_in(result.result) == std::map<std::string, std::uint64_t>{{"a", 4}, {"b", 2}});
}

TEST_CASE("what is no reduction is refused with a counter-example", "[reduction]") {
  CHECK(refusal(demo(), head + "operator = \"power\"\ninputs = [2, 1, 2]")
        == "operator power cannot be reduced in a tree, it is not associative: 2^(1^2) = 2, (2^1)^2 = 4");
  CHECK_THAT(refusal(demo(), head + "operator = \"difference\"\ninputs = [7]"),
             Catch::Matchers::Contains("not associative: "));
  CHECK_THAT(refusal(demo(), head + "operator = \"power\""), Catch::Matchers::Contains("not associative: "));
}

TEST_CASE("impossible combinations are refused with a sentence", "[reduction]") {
  const auto [parameters, sentence] = GENERATE(table<std::string, std::string>({
      {"operator = \"sum\"\ninputs = [1]\ncount = 3", "give the elements once"},
      {"operator = \"and\"\ninputs = [1, 2]", "expected true or false, not 1"},
      {"operator = \"and\"\ncount = 2", "elements of count are none for operator and"},
      {"operator = \"sum\"\nflags = [true]", "expected a number, not true"},
      {"operator = \"histogram\"\nfile = \"/no/such/file\"", "cannot open /no/such/file: No such file"},
      {"operator = \"histogram\"\nfile = \"/dev/zero\"", "cannot open /dev/zero: it is a device, not a file"},
  }));
  CHECK_THAT(refusal(demo(), head + parameters), Catch::Matchers::Contains(sentence));
}

TEST_CASE("an operator of one's own is one more entry in the catalog", "[reduction]") {
  auto operators = standard_operators();
  reduction_operator gcd;
  gcd.about = "the greatest common divisor";
  gcd.identity = 0;
  gcd.join = [](json a, const json& b) -> json {
    return std::gcd(a.get<std::int64_t>(), b.get<std::int64_t>());
  };
  gcd.samples = {4, 6, 9};
  operators["gcd"] = gcd;
  reduction_operator mean;
  mean.about = "no reduction, but looks like one";
  mean.identity = 0;
  mean.join = [](json a, const json& b) -> json { return (a.get<double>() + b.get<double>()) / 2; };
  mean.samples = {1, 2, 4};
  operators["mean"] = mean;
  const auto mine = reduction(operators);

  for (int nodes : {0, 2}) {
    const auto result = run_text(mine, head + "operator = \"gcd\"\ninputs = [84, 36, 120, 48]", nodes);
    INFO(failures(result));
    CHECK(result.result_verdict == verdict::passed);
    CHECK(result.result.at("value") == 12);
  }
  CHECK_THAT(refusal(mine, head + "operator = \"mean\"\ninputs = [1]"),
             Catch::Matchers::Contains("not associative: mean("));
}

TEST_CASE("a value that has no result ends the run with the reason", "[reduction]") {
  const auto result =
      run_text(demo(), head + "operator = \"product\"\nfirst = 1\ncount = 40\nverify = false", 0);
  CHECK(result.result_verdict == verdict::check_failed);
  CHECK_THAT(result.reason, Catch::Matchers::Contains("does not fit into 64 bits"));
}

TEST_CASE("a reduction that is stopped counts what was not folded", "[reduction]") {
  const int nodes = GENERATE(0, 2);
  const auto result = run_text_until_progress(demo(),
                                              "scenario = \"reduction\"\n[parameters]\noperator = \"sum\"\n"
                                              "count = 1_000_000_000\nchunk = 100\n",
                                              nodes);
  CHECK(result.result_verdict == verdict::interrupted);
  REQUIRE(result.result.is_object());
  const auto& told = result.result;
  CHECK(told.at("complete") == false);
  CHECK(told.at("value").is_null());
  CHECK(told.at("folded").get<std::uint64_t>() + told.at("left_undone").get<std::uint64_t>()
        == 1'000'000'000);
  CHECK(told.at("folded").get<std::uint64_t>() > 0);
  CHECK(told.at("left_undone").get<std::uint64_t>() > 0);
}

TEST_CASE("a value that is cut for a sentence is cut between characters", "[reduction]") {
  for (std::size_t before = 50; before < 64; ++before) {
    const auto text = shown(std::string(before, 'a') + "яяяяяяяя");
    CHECK_NOTHROW(json(text).dump());
    CHECK(code_points(text) == std::min<std::size_t>(before + 10, 61));
  }
}
