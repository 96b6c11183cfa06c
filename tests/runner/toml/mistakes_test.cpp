// Every mistake in a scenario file: where it is pointed at, and in which words.
#include "tests/runner/fixture.hpp"

#include "tests/support/catch.hpp"

using namespace scenario_tests;

namespace {

std::string in_parameters(std::string_view line) {
  return mistakes("[parameters]\n" + std::string(line) + "\n");
}

std::string in_topology(std::string_view lines) {
  return mistakes("[topology]\n" + std::string(lines) + "\n");
}

} // namespace

TEST_CASE("a mistake is shown with its place, its line, a caret and what was expected",
          "[scenarios][mistakes]") {
  CHECK(mistakes_of("[parameters]\nwrokers = 3\n")
        == "pool.toml:3:1: error: unknown parameter `wrokers` of worker_pool\n"
           "    3 | wrokers = 3\n"
           "      | ^~~~~~~\n"
           "      = help: did you mean `workers`?\n");
  SECTION("behind a tab, which is shown as four blanks") {
    CHECK(mistakes_of("[parameters]\n\tworkers =\t0 # none\n")
          == "pool.toml:3:12: error: `workers` = 0 is out of range\n"
             "    3 |     workers =    0 # none\n"
             "      |                  ^\n"
             "      = help: expected an integer from 1 to 10000\n");
  }
  SECTION("behind letters of several bytes and of double width") {
    CHECK(mistakes_of("topology = { 'ü日本' = 1, node = 2 }\n")
              .find("    2 | topology = { 'ü日本' = 1, node = 2 }\n"
                    "      |                           ^~~~\n")
          != std::string::npos);
  }
  SECTION("in a long line, of which the part around the caret is shown") {
    const std::string blanks(3'000, ' ');
    const auto text = mistakes_of("topology = {" + blanks + "node = 2," + blanks + "threads = 1 }\n");
    CHECK(text.find("2:3013: error: unknown key `node` in [topology]") != std::string::npos);
    CHECK(text.find("node = 2,") != std::string::npos);
    CHECK(text.size() < 700);
  }
  SECTION("in colour on a terminal") {
    const auto l = load_text("scenario = 3");
    CHECK(render(l.mistakes.at(0)).text(true).find("\x1b[1;31merror:\x1b[0m") != std::string::npos);
  }
  SECTION("without the control characters that somebody put into the file") {
    const auto text = told(load_text("scenario = \"worker_pool\"\nx\x1b[31m = 1\n"));
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find("2:2: error:") != std::string::npos);
  }
}

TEST_CASE("unknown keys are told in every table, with the nearest or the right place",
          "[scenarios][mistakes]") {
  CHECK(mistakes("sed = 1") == "2:1+3 unknown key `sed` | did you mean `seed`?");
  CHECK(mistakes("Deadline = '1s'") == "2:1+8 unknown key `Deadline` | did you mean `deadline`?");
  CHECK(mistakes("zzz = 1")
        == "2:1+3 unknown key `zzz` | known here: scenario, seed, deadline, parameters, topology, faults, "
           "trace, expect");
  CHECK(mistakes("workers = 1")
        == "2:1+7 unknown key `workers` | `workers` is a parameter: it belongs under [parameters]");
  CHECK(mistakes("nodes = 1") == "2:1+5 unknown key `nodes` | `nodes` belongs under [topology]");
  CHECK(in_topology("seed = 1")
        == "3:1+4 unknown key `seed` in [topology] | `seed` belongs at the top of the file, before the first "
           "[table]");
  CHECK(in_topology("level = 'off'")
        == "3:1+5 unknown key `level` in [topology] | `level` belongs under [trace]");
  CHECK(in_topology("timeout = '1s'")
        == "3:1+7 unknown key `timeout` in [topology] | did you mean `join_timeout`?");
  CHECK(in_topology("security.plain_text = true")
        == "3:10+10 unknown key `plain_text` in [topology.security] | did you mean `plaintext`?");
  CHECK(mistakes("[trace]\nlevels = 'off'")
        == "3:1+6 unknown key `levels` in [trace] | did you mean `level`?");
  CHECK(in_topology("nodes = 1\n[[faults]]\naction='kill'\nnode='w1'\nat='1s'\nfor = '1s'")
        == "8:1+3 unknown key `for` in [[faults]] | known here: action, node, at, lasting");
  CHECK(in_parameters("nodes = 1")
        == "3:1+5 unknown parameter `nodes` of worker_pool | `nodes` belongs under [topology]");
  CHECK(in_parameters("quite_another = 1")
        == "3:1+13 unknown parameter `quite_another` of worker_pool | worker_pool has: task, inputs, "
           "workers, prefetch, limit, "
           "time_out, slices, ratio, title, names, flags, weights");
  CHECK(mistakes("[expect]\nresult.sum = { mni = 1 }")
        == "3:16+3 unknown rule `mni` for `result.sum` | did you mean `min`?");
  CHECK(mistakes("[expect]\nresult = { sum = 1 }")
        == "3:12+3 unknown rule `sum` for `result` | rules are equals, min, max and contains; to go deeper "
           "write result.sum = …");
}

TEST_CASE("the scenario itself may be wrong", "[scenarios][mistakes]") {
  const auto whole = [](std::string_view text) { return brief(load_text(text)); };
  CHECK(whole("scenario = 'worker_pol'")
        == "1:12+12 there is no scenario \"worker_pol\" | did you mean \"worker_pool\"?");
  CHECK(whole("scenario = 'x'")
        == "1:12+3 there is no scenario \"x\" | known are \"worker_pool\" or \"echo_server\"");
  CHECK(whole("scenario = 3")
        == "1:12+1 `scenario` cannot be 3 | expected a scenario's name; write it in quotes: \"3\"");
  CHECK(
      whole("# nothing\nseed = 1")
      == "1:1+1 there is no `scenario` | begin the file with scenario = \"worker_pool\" or \"echo_server\"");
  CHECK(whole("scenaro = 'echo_server'")
        == "1:1+7 there is no `scenario` | did you mean `scenario` instead of `scenaro`?");
  // The nearest scenario explains the rest, so that all is told at once.
  CHECK(whole("scenario = 'worker_pol'\n[parameters]\nwrokers = 1")
        == "1:12+12 there is no scenario \"worker_pol\" | did you mean \"worker_pool\"?\n"
           "3:1+7 unknown parameter `wrokers` of worker_pool | did you mean `workers`?");
  CHECK(brief(load_text("scenario = 'worker_pool'", set({"scenario=eco_server"})))
        == "--set 0:10+10 there is no scenario \"eco_server\" | did you mean \"echo_server\"?");
}

TEST_CASE("a value of the wrong type is told with the right one", "[scenarios][mistakes]") {
  CHECK(in_parameters("workers = '4'")
        == "3:11+3 `workers` cannot be the text \"4\" | expected an integer from 1 to 10000; write "
           "it without quotes");
  CHECK(in_parameters("workers = 'four'")
        == "3:11+6 `workers` cannot be the text \"four\" | expected an integer from 1 to 10000");
  CHECK(in_parameters("workers = 4.0")
        == "3:11+3 `workers` cannot be 4.0 | expected an integer from 1 to 10000; write 4, without "
           "a point");
  CHECK(in_parameters("workers = true")
        == "3:11+4 `workers` cannot be true | expected an integer from 1 to 10000");
  CHECK(in_parameters("workers = [4]")
        == "3:11+3 `workers` cannot be a list | expected an integer from 1 to 10000");
  CHECK(in_parameters("workers = 1979-05-27")
        == "3:11+10 `workers` cannot be a date or time | expected an integer from 1 to 10000");
  CHECK(in_parameters("slices = 1") == "3:10+1 `slices` cannot be 1 | expected true or false");
  CHECK(in_parameters("slices = 'true'")
        == "3:10+6 `slices` cannot be the text \"true\" | expected true or false; write it without quotes");
  CHECK(in_parameters("ratio = 'x'")
        == "3:9+3 `ratio` cannot be the text \"x\" | expected a number from 0 to 1");
  CHECK(in_parameters("title = 5")
        == "3:9+1 `title` cannot be 5 | expected a text; write it in quotes: \"5\"");
  CHECK(in_parameters("title = ['a']") == "3:9+5 `title` cannot be a list | expected a text");
  CHECK(in_parameters("task = 1")
        == "3:8+1 `task` cannot be 1 | expected one of \"is_prime\" or \"factors\"");
  CHECK(in_parameters("task = 'isprime'")
        == "3:8+9 `task` cannot be \"isprime\" | did you mean \"is_prime\"? expected one of \"is_prime\" or "
           "\"factors\"");
  CHECK(in_parameters("inputs = 5")
        == "3:10+1 `inputs` cannot be 5 | expected a list of integers, in brackets: [5]");
  CHECK(in_parameters("names = 'a'")
        == "3:9+3 `names` cannot be the text \"a\" | expected a list of texts, in brackets: [\"a\"]");
  CHECK(in_parameters("flags = [true, 0]") == "3:16+1 `flags[1]` cannot be 0 | expected true or false");
  CHECK(in_parameters("inputs = [1,\n  'two',\n  3.5]")
        == "4:3+5 `inputs[1]` cannot be the text \"two\" | expected an integer\n5:3+3 `inputs[2]` cannot be "
           "3.5 | expected an integer");
  CHECK(mistakes("topology = 3") == "2:12+1 `topology` cannot be 3 | expected a table: [topology]");
  CHECK(mistakes("trace = 'off'")
        == "2:9+5 `trace` cannot be the text \"off\" | expected a table: [trace] with level = \"off\"");
  CHECK(mistakes("[parameters.workers]\n")
        == "2:1+20 `workers` cannot be a table | expected an integer from 1 to 10000");
  CHECK(mistakes("[faults]\naction = 'kill'")
        == "2:1+8 `faults` is a list of tables | write [[faults]] with two brackets, once for each");
  CHECK(mistakes("faults = [1]")
        == "2:11+1 a fault cannot be an integer | for example { action = \"kill\", node = \"w1\", at = "
           "\"500ms\" }");
  CHECK(mistakes("seed = 'x'")
        == "2:8+3 `seed` cannot be the text \"x\" | expected an integer from 0 to 18446744073709551615");
  CHECK(mistakes("[expect]\na = 1979-05-27")
        == "3:5+10 `a` cannot be a date or time: a result holds none | write it in quotes");
}

TEST_CASE("durations need a unit and quotes", "[scenarios][mistakes]") {
  CHECK(mistakes("deadline = 5")
        == "2:12+1 `deadline` cannot be 5 | a duration needs a unit and quotes: \"5s\" or \"5ms\"");
  CHECK(mistakes("deadline = 1.5")
        == "2:12+3 `deadline` cannot be 1.5 | a duration needs a unit and quotes: \"1.5s\" or \"1.5ms\"");
  CHECK(mistakes("deadline = '5'")
        == "2:12+3 `deadline`: \"5\" has no unit | write a unit: \"5s\" or \"5ms\"");
  const std::string help =
      " | expected a duration of more than \"0s\", at most 10 years; units are d, h, m, s, ms, us, ns";
  CHECK(mistakes("deadline = 'soon'") == "2:12+6 `deadline`: \"soon\" is not a duration" + help);
  CHECK(mistakes("deadline = '5 sec'") == "2:12+7 `deadline`: \"5 sec\" has the unknown unit `sec`" + help);
  CHECK(mistakes("deadline = '1s2m'")
        == "2:12+6 `deadline`: \"1s2m\" does not go from large units to small ones" + help);
  CHECK(mistakes("deadline = ''") == "2:12+2 `deadline`: \"\" is empty" + help);
  CHECK(mistakes("deadline = '0.1ns'") == "2:12+7 `deadline`: \"0.1ns\" is finer than a nanosecond" + help);
  CHECK(mistakes("deadline = '300000d'") == "2:12+9 `deadline`: \"300000d\" is longer than 292 years" + help);
  const std::string range = " is out of range | expected a duration of more than \"0s\", at most 10 years";
  CHECK(mistakes("deadline = '0s'") == "2:12+4 `deadline` = \"0s\"" + range);
  CHECK(mistakes("deadline = '-5s'") == "2:12+5 `deadline` = \"-5s\"" + range);
  CHECK(mistakes("deadline = '20000d'") == "2:12+8 `deadline` = \"20000d\"" + range);
  CHECK(in_parameters("time_out = '2h'")
        == "3:12+4 `time_out` = \"2h\" is out of range | expected a duration such as \"500ms\" or \"1m30s\" "
           "from \"1ms\" to \"1h\"");
}

TEST_CASE("numbers out of range and absurd sizes are refused before anything is made of them",
          "[scenarios][mistakes]") {
  const std::string workers = " is out of range | expected an integer from 1 to 10000";
  CHECK(in_parameters("workers = 1000000000") == "3:11+10 `workers` = 1000000000" + workers);
  CHECK(in_parameters("workers = 0") == "3:11+1 `workers` = 0" + workers);
  CHECK(in_parameters("workers = -9223372036854775808")
        == "3:11+20 `workers` = -9223372036854775808" + workers);
  CHECK(in_parameters("workers = 9223372036854775808")
        == "3:11+19 `9223372036854775808` does not fit into 64 bits | an integer lies between "
           "-9223372036854775808 and "
           "9223372036854775807");
  CHECK(in_parameters("ratio = 1e999")
        == "3:9+5 `1e999` is too large for a number | the largest number is about 1.8e308");
  CHECK(in_parameters("ratio = 1.5")
        == "3:9+3 `ratio` = 1.5 is out of range | expected a number from 0 to 1");
  CHECK(in_parameters("ratio = nan")
        == "3:9+3 `ratio` = nan is out of range | expected a number from 0 to 1");
  CHECK(in_parameters("ratio = -inf")
        == "3:9+4 `ratio` = -inf is out of range | expected a number from 0 to 1");
  CHECK(in_parameters("weights = [1, 10.5]")
        == "3:15+4 `weights[1]` = 10.5 is out of range | expected a number from 0 to 10");
  CHECK(in_parameters("weights = [1, 2, 3, 4, 5]")
        == "3:11+15 `weights` has 5 elements | at most 4 are allowed");
  CHECK(in_parameters("title = '" + std::string(41, 'x') + "'")
        == "3:9+43 `title` is 41 bytes long | at most 40 bytes are allowed");
  CHECK(in_topology("nodes = 1000000000")
        == "3:9+10 `nodes` = 1000000000 is out of range | expected an integer from 0 to 1000");
  CHECK(in_topology("nodes = -1")
        == "3:9+2 `nodes` = -1 is out of range | expected an integer from 0 to 1000");
  CHECK(in_topology("threads = 100000")
        == "3:11+6 `threads` = 100000 is out of range | expected an integer from 0 (one a core) to 1024");
  CHECK(
      in_topology("cores = 'spilt'")
      == "3:9+7 `cores` cannot be \"spilt\" | did you mean \"split\"? expected one of \"all\" or \"split\"");
  CHECK(in_topology("join_timeout = '0s'")
        == "3:16+4 `join_timeout` = \"0s\" is out of range | expected a duration from \"1ms\" to 10 years");
  CHECK(in_topology("stall = 'always'")
        == "3:9+8 `stall`: \"always\" is not a duration | expected a duration from \"1ms\" to 10 years, or "
           "\"never\"; "
           "units are d, h, m, s, ms, us, ns");
  CHECK(mistakes("seed = -1")
        == "2:8+2 `seed` = -1 is out of range | expected an integer from 0 to 18446744073709551615");
  const std::string bytes = "expected a size from 1MiB to 16TiB, such as \"512MiB\"";
  CHECK(mistakes("[trace]\nbytes_max = 10") == "3:13+2 `bytes_max` = 10 is out of range | " + bytes);
  CHECK(mistakes("[trace]\nbytes_max = '100PB'")
        == "3:13+7 `bytes_max`: \"100PB\" has the unknown unit `PB` | " + bytes
               + "; units are B, KiB, MiB, GiB, TiB, kB, MB, GB, TB");
  CHECK(mistakes("[trace]\nbytes_max = '99999999TiB'")
            .starts_with("3:13+13 `bytes_max`: \"99999999TiB\" is too large | "));
}

TEST_CASE("what stands twice is told with the first place", "[scenarios][mistakes]") {
  CHECK(in_topology("nodes = 1\nthreads = 1\nnodes = 2")
        == "5:1+5 `nodes` is given twice | the first is in line 3; remove one of them");
  CHECK(mistakes("seed = 1\n[trace]\nlevel = 'off'\n[trace]\nlevel = 'off'")
        == "5:1+7 `[trace]` is opened twice | put its keys under the first one, in line 3");
  CHECK(mistakes("topology.nodes = 1\n[topology]\nthreads = 2")
            .starts_with("3:1+10 `[topology]` is opened twice | "));
  CHECK(mistakes("topology = { nodes = 1, nodes = 2 }")
        == "2:25+5 `nodes` is given twice in this inline table | remove one of them");
  CHECK(mistakes("topology = 1\ntopology.nodes = 2")
        == "2:12+1 `topology` cannot be 1 | expected a table: [topology]\n3:1+14 `topology.nodes` "
           "contradicts what was written before | `topology` is an integer since "
           "line 2");
  CHECK(mistakes("[expect]\na.b = 1\n'a.b' = 2")
        == "4:1+5 `a.b` is expected twice | use one inline table: { min = 1, max = 2 }");
}

TEST_CASE("what is no TOML is told in the same words, and does not hide the rest", "[scenarios][mistakes]") {
  CHECK(mistakes("seed: 3") == "2:5+1 there is no `=` after this key | TOML writes `key = value`");
  CHECK(mistakes("seed 3").starts_with("2:6+1 there is no `=` after this key"));
  CHECK(mistakes("seed =\n") == "2:7+1 there is no value after `=` | a text needs quotes: \"…\"");
  CHECK(mistakes("= 3")
        == "2:1+1 a key was expected here | a key is made of letters, digits, _ and -; anything else needs "
           "quotes");
  CHECK(mistakes("schlüssel = 3") == "2:5+1 `ü` needs quotes in a key | write \"schlüssel\"");
  CHECK(in_topology("endpoint = ipc") == "3:12+3 `ipc` is not a value | a text needs quotes: \"ipc\"");
  CHECK(in_topology("endpoint = “ipc”").starts_with("3:12+5 `“ipc”` is not a value"));
  CHECK(mistakes("seed =\u00a03") == "2:7+1 this is no ordinary blank | type it again with the space bar");
  CHECK(mistakes("[tröpologie]\nx = 1").starts_with("2:4+1 `ö` needs quotes in a key"));
  CHECK(in_parameters("inputs = [1, ü,\n 2]\nworkers = 0")
            .starts_with("3:14+1 `ü` is not a value | a text needs quotes: \"ü\"\n5:11+1 "));
  CHECK(mistakes("[(x]\nx = 1")
        == "2:1+1 this is no statement | a statement is `key = value` or a `[header]`");
  CHECK(mistakes("deadline = 5s")
        == "2:12+2 `5s` is not a number | a duration or any other text needs quotes: \"5s\"");
  CHECK(in_parameters("slices = True") == "3:10+4 `True` is not a boolean | write true, in lower case");
  CHECK(in_parameters("workers = 007")
        == "3:11+3 `007` begins with 0 | write the number without leading zeroes");
  CHECK(in_parameters("workers = 1__0")
            .starts_with("3:11+4 `1__0` has an underscore that does not stand between two digits"));
  CHECK(in_topology("nodes = 1 threads = 2")
        == "3:11+7 `threads` follows where the line must end | one `key = value` a line; a text with blanks "
           "needs quotes");
  CHECK(in_topology("endpoint = \"ipc").starts_with("3:12+4 this text is not closed before the line ends"));
  CHECK(in_topology("endpoint = 'ipc").starts_with("3:12+4 this text is not closed before the line ends"));
  CHECK(in_topology("endpoint = \"\"\"ipc") == "3:12+3 this text is never closed | end it with \"\"\"");
  CHECK(in_parameters("title = \"C:\\dir\"").starts_with("3:12+2 this escape is unknown"));
  CHECK(in_parameters("inputs = [1, 2\nworkers = 0")
        == "3:10+1 this `[` is never closed | close the list with `]`\n"
           "4:11+1 `workers` = 0 is out of range | expected an integer from 1 to 10000");
  CHECK(in_parameters("inputs = [1 2]").starts_with("3:13+1 a comma or `]` is missing here"));
  CHECK(mistakes("[trace\nlevel = 'off'")
        == "2:7+1 this header is not closed | write `[name]`, or `[[name]]` for one of several");
  CHECK(mistakes("[]") == "2:2+1 a header needs a name | for example [topology]");
  const std::string one_line =
      "2:12+1 an inline table must stand on one line | use a `[header]` with one key a line instead";
  CHECK(mistakes("topology = { nodes = 1,\nthreads = 2 }") == one_line);
  CHECK(mistakes("topology = {\n  place = { worker = 'w1' }, # }\n\n  nodes = 1\n}\nseed = 1") == one_line);
  CHECK(mistakes("topology = { nodes = 1,\nhost = '}' }\nsed = 1")
        == one_line + "\n4:1+3 unknown key `sed` | did you mean `seed`?");
  CHECK(mistakes("topology = { nodes = 1,\nthreads = 2\n[trace]\nlevel = 'off'")
            .starts_with("2:12+1 this `{` is never closed"));
  CHECK(mistakes("topology = { external = [\n'a',\n'b'] }").empty()); // lists may
  CHECK(mistakes("topology = { nodes = 1, }")
        == "2:25+1 an inline table must not end with a comma | remove the comma");
  SECTION("several at once, with the mistakes of what could be read") {
    CHECK(mistakes("seed: 3\ndeadline = 5\n[topology]\nnodes =\nthreads = 1, 2\nendpoint = 'icp'")
          == "2:5+1 there is no `=` after this key | TOML writes `key = value`\n"
             "3:12+1 `deadline` cannot be 5 | a duration needs a unit and quotes: \"5s\" or \"5ms\"\n"
             "5:8+1 there is no value after `=` | a text needs quotes: \"…\"\n"
             "6:12+1 `,` follows where the line must end | one `key = value` a line; a text with blanks "
             "needs quotes\n"
             "7:12+5 `endpoint` cannot be \"icp\" | did you mean \"ipc\"? expected one of \"ipc\", \"tcp\" "
             "or \"inproc\"");
  }
  SECTION("a scenario that could not be read is not missing, too") {
    CHECK(brief(load_text("scenario = worker_pool\n"))
          == "1:12+11 `worker_pool` is not a value | a text needs quotes: \"worker_pool\"");
  }
}

TEST_CASE("a file that is wrong everywhere is not told so 10,000 times", "[scenarios][mistakes]") {
  std::string text;
  for (int i = 0; i < 10'000; ++i)
    text += "key" + std::to_string(i) + " = 1\n";
  const auto l = load_text("scenario = 'worker_pool'\n" + text);
  REQUIRE(l.mistakes.size() <= 51);
  CHECK(l.mistakes.front().line == 2);
  std::string list = "[parameters]\ninputs = [";
  for (int i = 0; i < 10'000; ++i)
    list += "'x', ";
  CHECK(load_text("scenario = 'worker_pool'\n" + list + "]\nwrokers = 1\n").mistakes.size() == 4);
}

TEST_CASE("nesting is bounded before a parser could recurse into it", "[scenarios][mistakes]") {
  const auto times = [](std::size_t n, std::string_view part) {
    std::string text;
    for (std::size_t i = 0; i < n; ++i)
      text += part;
    return text;
  };
  CHECK(
      in_parameters("inputs = " + times(100'000, "[")).starts_with("3:42+1 values nested more than 32 deep"));
  CHECK(in_parameters("inputs = " + times(50'000, "{a="))
            .starts_with("3:106+1 values nested more than 32 deep"));
  CHECK(mistakes(times(100'000, "a.") + "a = 1").find("a key of more than 32 parts") != std::string::npos);
  CHECK(mistakes("[" + times(100'000, "a.") + "a]").find("a key of more than 32 parts") != std::string::npos);
  CHECK(mistakes("expect." + times(30, "a.") + "a = 1").empty());
  CHECK(mistakes("", set({times(100, "a.") + "a=1"})).find("is not a key") != std::string::npos);
}
