// What the program shows: nothing from outside as it is, and itself under its own name.
#include "tests/support/catch.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/text.hpp"

#include "base/utf8.hpp"

#include <nlohmann/json.hpp>

using namespace troupe::testing;
namespace fs = std::filesystem;

namespace {

/// An escape, C1, a direction, no UTF-8, and a line that is not the program's.
const std::string hostile = "a\x1b[31m\xc2\x9b\xe2\x80\xae\xff\ntroupe: passed";

/// Whether nothing in it steers a terminal, and no line but the program's own says that all is well.
bool is_clean(const std::string& text) {
  return troupe::printable(text, "\n\t") == text && !contains("\n" + text, "\ntroupe: passed");
}

void write(const fs::path& file, const std::string& text) { std::ofstream(file, std::ios::binary) << text; }

} // namespace

TEST_CASE("no command shows a word that it was given as it is", "[program]") {
  const temporary_directory directory;
  write(directory / "pool.toml", "scenario = 'worker_pool'\n[parameters]\ninputs = [2]\nworkers = 1\n");
  write(directory / (hostile + ".toml"), "scenario = 'worker_pool'\n'" + hostile.substr(0, 9) + "' = 1\n");
  const std::string file = (directory / (hostile + ".toml")).string(),
                    pool = (directory / "pool.toml").string();
  const std::vector<std::vector<std::string>> commands{
      {hostile},
      {"--" + hostile},
      {"run", hostile},
      {"run", file},
      {"check", file},
      {"check", file, "--json"},
      {"check", pool, "--set", hostile + "=1"},
      {"check", pool, "--set", "task=" + hostile},
      {"check", pool, "--nodes", hostile},
      {"run", pool, "--out", "/proc/" + hostile},
      {"run", pool, "--metrics", hostile},
      {"sweep", pool, "--vary", hostile},
      {"sweep", pool, "--vary", hostile + "=1,2"},
      {"list", hostile},
      {"node", "--join", hostile, "--name", hostile},
      {"node", "--join", "ipc:///nowhere/" + hostile, "--name", "w1"},
      {"node", "--join", "tcp://127.0.0.1:1|x", "--name", "w1", "--key", hostile},
      {"keygen", "-o", "/nowhere/" + hostile},
      {"trace", hostile},
      {"trace", "summary", hostile},
      {"trace", "show", hostile, "--where", hostile},
      {"trace", "show", "--out", hostile}};
  for (const auto& words : commands) {
    program troupe(TROUPE_PROGRAM, words, directory.path());
    CAPTURE(words, troupe.wait(), troupe.output, troupe.errors);
    CHECK(!troupe.errors.empty());
    CHECK(is_clean(troupe.output));
    CHECK(is_clean(troupe.errors));
  }
}

TEST_CASE("a run whose texts are hostile shows and keeps them so that they do no harm", "[program]") {
  const temporary_directory directory;
  write(directory / "pool.toml",
        "scenario = 'worker_pool'\n[parameters]\ntask = 'scrypt'\nscrypt_n = 2\nworkers = 1\n"
        "texts = [\"\\u009b31m\\u202e\\u001b[2J\\ntroupe: passed\"]\n[expect]\n\"\\u202e\" = \"\\u009b\"\n");
  program troupe(TROUPE_PROGRAM, {"run", "pool.toml", "--nodes", "1", "--trace", "payloads"},
                 directory.path());
  CHECK(troupe.wait() == 1); // nothing is found under that path
  CAPTURE(troupe.output, troupe.errors);
  CHECK(contains(troupe.output, "\\u202e"));
  CHECK(is_clean(troupe.output));
  CHECK(is_clean(troupe.errors));
  CHECK(is_clean(content_of(directory / "runs" / "latest" / "result.json")));
  CHECK(is_clean(content_of(directory / "runs" / "latest" / "plan.json")));
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"check", "pool.toml"},
        {"check", "pool.toml", "--json"},
        {"trace", "show"},
        {"trace", "show", "--json"},
        {"trace", "query", "SELECT * FROM payloads"},
        {"trace", "query", "--json", "SELECT content AS a, content AS a FROM payloads"}}) {
    program asked(TROUPE_PROGRAM, words, directory.path());
    CAPTURE(words, asked.wait(), asked.output, asked.errors);
    CHECK(!asked.output.empty());
    CHECK(is_clean(asked.output));
    CHECK(is_clean(asked.errors));
  }
}

TEST_CASE("an empty name of a run is a mistake, and not the latest run", "[program]") {
  const temporary_directory directory;
  program troupe(TROUPE_PROGRAM, {"trace", "summary", ""}, directory.path());
  CHECK(troupe.wait() == 2);
  CHECK(contains(troupe.errors, "the name of the run is empty; leave it out for the latest run"));
}

TEST_CASE("a user's program tells its own name where it says what to type, for every node", "[program]") {
  const temporary_directory directory;
  write(directory / "file.toml",
        "scenario = 'stubborn'\n[topology]\nnodes = 0\nexternal = ['far', 'farther']\n"
        "join_timeout = '50ms'\n");
  program stubborn(STUBBORN_PROGRAM, {"run", "file.toml"}, directory.path());
  CHECK(stubborn.wait() == 2);
  CAPTURE(stubborn.errors);
  CHECK(contains(stubborn.errors, ": stubborn_program node --join ipc://"));
  CHECK(contains(stubborn.errors, " --name far\n"));
  CHECK(contains(stubborn.errors, " --name farther\n"));
  CHECK(!contains(stubborn.errors, "troupe node"));
}
