// docs/scenario-file.md shows files and what is said of them; both must stay true.
#include "tests/runner/fixture.hpp"

#include "tests/support/catch.hpp"

#include <fstream>
#include <sstream>

using namespace scenario_tests;

namespace {

struct block {
  std::string language, text;
};

std::vector<block> blocks_of(const std::string& path) {
  std::ifstream in(path);
  REQUIRE(in);
  std::vector<block> blocks;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) {
      inside = !inside;
      if (inside) blocks.push_back({line.substr(3), {}});
    } else if (inside) {
      blocks.back().text += line + '\n';
    }
  }
  return blocks;
}

/// "$ NAME=value troupe check pool.toml --set key=value" as overrides and environment.
std::string run_as(std::string_view file, const std::string& command) {
  overrides over;
  variables env;
  std::istringstream words(command);
  for (std::string word; words >> word;) {
    if (word == "--set") {
      words >> word;
      over.set.push_back(word);
    } else if (const auto equals = word.find('='); equals != std::string::npos) {
      env[word.substr(0, equals)] = word.substr(equals + 1);
    }
  }
  return told(load_text(file, over, env));
}

} // namespace

TEST_CASE("the files in the documentation load, and its mistakes are told as it says", "[scenarios][docs]") {
  const auto blocks = blocks_of(TROUPE_SOURCE_DIR "/docs/scenario-file.md");
  std::size_t files = 0, answers = 0;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (blocks[i].language != "toml") continue;
    const bool answered = i + 1 < blocks.size() && blocks[i + 1].language == "text";
    auto expected = answered ? blocks[i + 1].text : std::string();
    std::string command;
    if (expected.starts_with("$ ")) {
      command = expected.substr(0, expected.find('\n'));
      expected.erase(0, command.size() + 1);
    }
    INFO(blocks[i].text);
    CHECK(run_as(blocks[i].text, command) == expected);
    ++(answered ? answers : files);
  }
  CHECK(files >= 2);
  CHECK(answers >= 5);
}
