// A run of the worker pool in which a node takes part that is not C++.
#pragma once

#include "tests/support/catch.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/text.hpp"

#include <nlohmann/json.hpp>

#include <csignal>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace troupe::testing {

/// One C++ node that the run starts, and one that joins by hand. Needs TROUPE_PROGRAM.
struct mixed_run {
  /// `name`: of the one that joins; `work`: lines of [parameters]; `more`: what follows [topology]'s own.
  mixed_run(std::string name, const std::string& work, const std::string& more = {})
      : directory(std::make_unique<temporary_directory>()), name(std::move(name)) {
    std::ofstream{path() / "pool.toml"} << "scenario = \"worker_pool\"\ndeadline = \"10m\"\n[parameters]\n"
                                        << work << "\n[topology]\nnodes = 1\nexternal = [\"" << this->name
                                        << "\"]\njoin_timeout = \"60s\"\n"
                                        << more;
  }

  const std::filesystem::path& path() const { return directory->path(); }

  /// Starts the run, and the node with the endpoint and its name after its own arguments; returns when it
  /// has joined.
  void begin(const std::string& node, std::vector<std::string> arguments,
             const std::vector<std::string>& last_arguments = {}) {
    troupe = std::make_unique<program>(TROUPE_PROGRAM,
                                       std::vector<std::string>{"run", "pool.toml", "--out", "runs"}, path());
    REQUIRE(troupe->says("--name " + name));
    const auto from = troupe->errors.find("--join ") + 7;
    endpoint = troupe->errors.substr(from, troupe->errors.find(' ', from) - from);
    std::erase(endpoint, '\''); // as it is quoted for a shell
    arguments.insert(arguments.end(), {endpoint, name});
    arguments.insert(arguments.end(), last_arguments.begin(), last_arguments.end());
    foreigner = std::make_unique<program>(node, arguments, path());
    REQUIRE(troupe->says("running"));
  }

  nlohmann::json result() const {
    std::ifstream file(path() / "runs" / "latest" / "result.json");
    return nlohmann::json::parse(file);
  }
  std::string ask(const std::vector<std::string>& question) const {
    program asked(TROUPE_PROGRAM, question, path());
    CHECK(asked.wait() == 0);
    return asked.output;
  }

  std::unique_ptr<temporary_directory> directory;
  std::string name;
  std::string endpoint;
  std::unique_ptr<program> troupe, foreigner;
};

inline std::string ending_of(const nlohmann::json& result, const std::string& node) {
  for (const auto& each : result["nodes"])
    if (each["name"] == node) return each["ended"];
  return "not there";
}

inline nlohmann::json check_of(const nlohmann::json& result, const std::string& name) {
  for (const auto& each : result["checks"])
    if (each["name"] == name) return each;
  return {};
}

/// How many of the pool's tasks that node's workers did.
inline std::size_t tasks_of(const nlohmann::json& result, const std::string& node) {
  std::size_t done = 0;
  for (const auto& each : result["result"]["per_worker"])
    if (each["node"] == node) done += each["tasks"].get<std::size_t>();
  return done;
}

/// The run ends well, with the other node's share done, told and booked. Its result.
inline nlohmann::json passes_with_both(mixed_run& run) {
  const int code = run.troupe->wait();
  CAPTURE(run.troupe->output, run.troupe->errors);
  REQUIRE(code == 0);
  CHECK(run.foreigner->wait() == 0);
  CAPTURE(run.foreigner->output, run.foreigner->errors);
  CHECK(contains(run.foreigner->output, run.name + ": told to leave"));
  CHECK(run.foreigner->errors.empty());
  const auto result = run.result();
  CHECK(result["verdict"] == "passed");
  CHECK(result["messages"]["lost"] == 0);
  CHECK(result["result"]["redelivered"] == 0);
  CHECK(check_of(result, "the books balance")["passed"] == true);
  CHECK(ending_of(result, run.name) == "left");
  const auto done = tasks_of(result, run.name);
  CHECK(done > 0);
  CHECK(times_in(run.foreigner->output, ": is_prime of ") == done);
  // Nobody looks for a trace of it, since it told that it keeps none.
  const auto summary = run.ask({"trace", "summary"});
  CAPTURE(summary);
  CHECK(summary.starts_with("the trace is complete"));
  CHECK(contains(summary, run.name + " keeps no trace; of what it did, "));
  return result;
}

/// Sends the other node that signal while it is at the task of that input; the run ends well without it.
inline nlohmann::json passes_without(mixed_run& run, const std::string& input, int signal) {
  while (!contains(run.foreigner->output, "is_prime of " + input))
    REQUIRE(run.foreigner->hears());
  run.foreigner->signal(signal);
  CHECK(run.foreigner->wait() == (signal == SIGKILL ? 128 + SIGKILL : 130));
  const int code = run.troupe->wait();
  CAPTURE(run.troupe->output, run.troupe->errors);
  CHECK(code == 0);
  auto result = run.result();
  CHECK(result["verdict"] == "passed");
  CHECK(result["result"]["redelivered"].get<int>() >= 1);
  CHECK(check_of(result, "every task has one result")["passed"] == true);
  CHECK(check_of(result, "the books balance")["passed"] == true);
  if (signal == SIGKILL) {
    CHECK(ending_of(result, run.name).starts_with("lost: "));
  } else {
    CHECK(ending_of(result, run.name) == "left");
    CHECK(result["messages"]["lost"] == 0);
  }
  return result;
}

} // namespace troupe::testing
