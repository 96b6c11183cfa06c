// docs/command-line.md tells every way in which a run can end; the table must stay true.
#include "runner/run/runner.hpp"

#include "tests/support/catch.hpp"

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

using namespace troupe::scenarios;

namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The names of all tests, those of several lines put together; each between quotes.
std::string names_of_tests() {
  std::string all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(TROUPE_SOURCE_DIR "/tests"))
    if (entry.path().extension() == ".cpp") all += text_of(entry.path());
  static const std::regex between_parts("\"\\s*\\n\\s*\"");
  return std::regex_replace(all, between_parts, "");
}

struct way_to_end {
  std::string verdict, code, test;
};

/// The rows of the table below the heading "How a run ends".
std::vector<way_to_end> ways_to_end() {
  std::istringstream in(text_of(TROUPE_SOURCE_DIR "/docs/command-line.md"));
  std::vector<way_to_end> rows;
  bool here = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("#")) here = line.ends_with("How a run ends");
    if (!here || !line.starts_with("| ") || line.starts_with("| how")) continue;
    std::vector<std::string> cells;
    std::istringstream parts(line.substr(1));
    for (std::string cell; std::getline(parts, cell, '|');) {
      const auto begin = cell.find_first_not_of(" `*"), end = cell.find_last_not_of(" `*");
      cells.push_back(begin == std::string::npos ? "" : cell.substr(begin, end - begin + 1));
    }
    REQUIRE(cells.size() == 4);
    rows.push_back({cells[1], cells[2], cells[3]});
  }
  return rows;
}

} // namespace

TEST_CASE("every way to end is in the documentation, with its exit code and its test", "[runtime][docs]") {
  const auto rows = ways_to_end();
  const auto tests = names_of_tests();
  std::map<std::string, std::string> codes;
  for (const auto& row : rows) {
    CAPTURE(row.verdict, row.code, row.test);
    CHECK(tests.find('"' + row.test + '"') != std::string::npos);
    // 2 is no verdict's: nothing was started, or a result is not where it belongs.
    if (row.verdict == "–" || row.code == "2") continue;
    CHECK(codes.try_emplace(row.verdict, row.code).first->second == row.code);
  }
  std::map<std::string, std::string> declared;
  for (int i = 0; to_string(static_cast<verdict>(i)) != "unknown"; ++i)
    declared[std::string(to_string(static_cast<verdict>(i)))] =
        std::to_string(exit_code(static_cast<verdict>(i)));
  CHECK(codes == declared);
}
