// Runs a scenario from the text of a file, in this process: as `troupe run` does, without
// worker processes (nodes = 0, or endpoint = "inproc").
#pragma once

#include "scenarios/runner.hpp"
#include "scenarios/scenario.hpp"
#include "scenarios/scenario_file.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

#include <atomic>

namespace troupe::testing {

/// Throws std::runtime_error with the mistakes of a text that is refused.
inline scenarios::outcome run_text(const scenarios::scenario& what, const std::string& text,
                                   const std::atomic<int>* interrupts = nullptr) {
  const auto loaded = scenarios::parse(text, "test.toml", {&what}, {}, {});
  std::string mistakes;
  for (auto& mistake : loaded.mistakes)
    mistakes += render(mistake, false);
  if (!loaded.result) throw std::runtime_error(mistakes);
  if (auto why = what.why_invalid(loaded.result->values); !why.empty()) throw std::runtime_error(why);
  const temporary_directory directory;
  scenarios::run_options options;
  options.what = *loaded.result;
  options.run_dir = directory.path();
  options.interrupts = interrupts;
  return execute(what, options);
}

/// The sentence that refuses the text; empty if it is not refused.
inline std::string refusal(const scenarios::scenario& what, const std::string& text) {
  const auto loaded = scenarios::parse(text, "test.toml", {&what}, {}, {});
  if (!loaded.result) return loaded.mistakes.front().message;
  return what.why_invalid(loaded.result->values);
}

inline std::string failures(const scenarios::outcome& run) {
  std::string text = run.reason;
  for (auto& check : run.checks)
    if (!check.passed) text += "\n" + check.name + ": " + check.detail;
  return text;
}

} // namespace troupe::testing
