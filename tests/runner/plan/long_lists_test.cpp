// Lists of results that are too long to be shown whole.
#include "base/random.hpp"
#include "runner/plan/long_lists.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <numeric>
#include <random>
#include <sstream>
#include <sys/resource.h>

using namespace troupe::scenarios;
using nlohmann::json;
using troupe::testing::temporary_directory;

namespace {

std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::ifstream in{file};
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    lines.push_back(line);
  return lines;
}

json parsed(const long_list& list) { return json::parse('{' + list.members() + '}'); }

} // namespace

TEST_CASE("a list that is not long is shown whole, and has no file", "[long_lists]") {
  long_list list{"results"};
  CHECK(list.members() == R"("results":[])");
  list.add(1, "true");
  list.add(0, R"({"a": 1})");
  CHECK_FALSE(list.take(true));
  CHECK(list.members() == R"("results":[{"a": 1},true])");
  for (std::size_t i = 2; i < list_shown_max; ++i)
    list.add(i, std::to_string(i));
  CHECK_FALSE(list.take(true));
  CHECK(parsed(list).at("results").size() == list_shown_max);
  CHECK_FALSE(parsed(list).contains("results_cut"));
}

TEST_CASE("of a long list the beginning is shown, and all goes to its file as it comes", "[long_lists]") {
  const std::uint64_t expected = GENERATE(0U, 5'000U);
  long_list list{"results", expected};
  std::vector<std::size_t> places(5'000);
  std::iota(places.begin(), places.end(), 0);
  std::mt19937_64 random{7};
  troupe::draw_order(random, places);
  std::string all;
  for (auto place : places) {
    list.add(place, "{\"place\":" + std::to_string(place) + ",\n \"text\":\"\\n\"}");
    if (const auto some = list.take(place % 10 == 0)) all += some->text;
  }
  const auto rest = list.take(true);
  REQUIRE(rest);
  CHECK(rest->name == "results");
  all += rest->text;
  CHECK_FALSE(list.take(true));
  std::istringstream in{all};
  std::vector<std::size_t> told;
  for (std::string line; std::getline(in, line);)
    told.push_back(json::parse(line).at("place"));
  CHECK(told == places);
  const auto result = parsed(list);
  REQUIRE(result.at("results").size() == list_shown_max);
  for (std::size_t i = 0; i < list_shown_max; ++i)
    REQUIRE(result.at("results").at(i).at("place") == i);
  CHECK(result.at("results_cut") == json{{"shown", 1000}, {"of", 5000}, {"all_in", "results.jsonl"}});
  CHECK(length_of_list(result, "results") == 5000);
  CHECK(length_of_list({{"few", {1, 2}}}, "few") == 2);
}

TEST_CASE("elements of many bytes are a long list sooner", "[long_lists]") {
  long_list list{"big"};
  const std::string megabyte = '"' + std::string(1U << 20, 'x') + '"';
  std::size_t lines = 0;
  for (std::size_t i = 0; i < 40; ++i) {
    list.add(i, megabyte);
    if (const auto some = list.take(false))
      lines += static_cast<std::size_t>(std::count(some->text.begin(), some->text.end(), '\n'));
  }
  CHECK(lines == 40);
  const auto result = parsed(list);
  CHECK(result.at("big").size() == 15);
  CHECK(result.at("big_cut").at("of") == 40);
}

TEST_CASE("lists in a result that are too long are written down and cut", "[long_lists]") {
  const temporary_directory directory;
  long_list_files files{directory.path()};
  CHECK(files.append("streamed", "1\n2\n").empty());
  CHECK(files.append("streamed", "3\n").empty());
  json rows = json::array();
  for (int i = 0; i < 1500; ++i)
    rows.push_back({{"i", i}, {"text", "a\xff\xe2\x80\xae"}});
  json result{{"few", {1, 2, 3}},
              {"rows", rows},
              {"streamed", {1}},
              {"streamed_cut", told_of_cut(1, 3, "streamed")},
              {"inside", {{"a list", std::vector<int>(1001, 7)}, {"enough", std::vector<int>(1000, 7)}}}};
  const auto before = result;
  files.cut(result);
  const auto problems = files.close();
  REQUIRE(problems.size() == 1);
  CHECK(problems[0]
        == "a list of the result cannot be written down: \"inside.a list\" is no name for a file");
  CHECK(result.at("few") == before.at("few"));
  CHECK(result.at("rows").size() == 1000);
  CHECK(result.at("rows_cut") == json{{"shown", 1000}, {"of", 1500}, {"all_in", "rows.jsonl"}});
  CHECK(result.at("streamed_cut") == before.at("streamed_cut"));
  CHECK(result.at("inside").at("enough").size() == 1000);
  const auto lines = lines_of(directory / "rows.jsonl");
  REQUIRE(lines.size() == 1500);
  CHECK(lines[1499] == "{\"i\":1499,\"text\":\"a\xef\xbf\xbd\\u202e\"}");
  CHECK(lines_of(directory / "streamed.jsonl") == std::vector<std::string>{"1", "2", "3"});
}

TEST_CASE("what cannot be written is told once, with its reason, and leaves whole lines", "[long_lists]") {
  const temporary_directory directory;
  SECTION("names lead nowhere else") {
    const std::string name = GENERATE("../x", "/tmp/x", "", ".hidden", "a/b", "a\nb");
    long_list_files files{directory.path()};
    CHECK_THAT(files.append(name, "1\n"), Catch::Matchers::Contains("is no name for a file"));
    CHECK(files.append(name, "2\n").empty());
    CHECK(files.close().size() == 1);
    CHECK(std::filesystem::is_empty(directory.path()));
  }
  SECTION("a file that is there is not touched") {
    std::ofstream{directory / "rows.jsonl"} << "mine";
    long_list_files files{directory.path()};
    CHECK(files.append("rows", "1\n")
          == "cannot create " + (directory / "rows.jsonl").string() + ": File exists");
    CHECK(lines_of(directory / "rows.jsonl") == std::vector<std::string>{"mine"});
  }
  SECTION("there are too many") {
    long_list_files files{directory.path()};
    for (std::size_t i = 0; i < list_files_max; ++i)
      REQUIRE(files.append("list" + std::to_string(i), "1\n").empty());
    CHECK(files.append("one more", "1\n") == "a run writes down at most 64 long lists");
    CHECK(files.append("another", "1\n").empty());
    CHECK(files.append("list0", "2\n").empty());
    CHECK(files.close().size() == 1);
    CHECK(lines_of(directory / "list0.jsonl").size() == 2);
  }
  SECTION("some have not come") {
    long_list_files files{directory.path()};
    files.append("rows", "1\n2\n");
    json result{{"rows", {1}},
                {"rows_cut", told_of_cut(1, 3, "rows")},
                {"order", {1}},
                {"order_cut", told_of_cut(1, 3, "rows")}};
    files.cut(result);
    CHECK(files.close()
          == std::vector{(directory / "rows.jsonl").string()
                         + " has 2 of 3 elements: the others have not come"});
  }
  SECTION("there is no room") {
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit little{.rlim_cur = 1000, .rlim_max = before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &little);
    long_list_files files{directory.path()};
    const std::string line = '"' + std::string(97, 'x') + "\"\n";
    std::string lines, told;
    for (int i = 0; i < 7; ++i)
      lines += line;
    told = files.append("rows", lines);
    const auto told_then = files.append("rows", lines), told_later = files.append("rows", lines);
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    CHECK(told.empty());
    CHECK_THAT(told_then, Catch::Matchers::StartsWith("cannot write " + (directory / "rows.jsonl").string()
                                                      + ": File too large"));
    CHECK(told_later.empty());
    CHECK(files.close() == std::vector<std::string>{told_then});
    CHECK(lines_of(directory / "rows.jsonl") == std::vector<std::string>(10, line.substr(0, 99)));
  }
}
