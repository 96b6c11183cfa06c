// `troupe sweep`: one scenario file over the values of one parameter or several.
#include "base/durations.hpp"
#include "base/files.hpp"
#include "cli/commands/commands.hpp"
#include "cli/commands/sweep_series.hpp"
#include "cli/process/run_directory.hpp"

#include <fmt/format.h>

namespace troupe::cli {
namespace {

constexpr std::size_t runs_max = 100'000;

struct planned_point {
  sweep_values values;
  scenarios::plan plan;
};

std::string label_of(const std::vector<varied_key>& keys, const sweep_values& values) {
  std::string label;
  for (std::size_t i = 0; i < keys.size(); ++i)
    label += (i == 0 ? "" : ",") + keys[i].key + '=' + values[i];
  return label;
}

/// Checks the file with every combination of values before anything is started. Nothing,
/// if there are mistakes, which are told.
std::optional<std::vector<planned_point>> plan_all(const context& who, const sweep_arguments& arguments,
                                                   const std::vector<varied_key>& keys) {
  std::vector<planned_point> points;
  for (auto& values : all_combinations(keys)) {
    auto changes = arguments.changes;
    for (std::size_t i = 0; i < keys.size(); ++i)
      changes.vary.push_back(keys[i].key + '=' + values[i]);
    auto loaded = load(who, arguments.file, changes);
    if (!loaded.result) {
      tell_mistakes(who, loaded.mistakes);
      return std::nullopt;
    }
    points.push_back({std::move(values), std::move(*loaded.result)});
  }
  return points;
}

bool write_result(const context& who, const std::filesystem::path& file, const std::string& text) {
  try {
    write_file(file, text);
    return true;
  } catch (const file_error& e) {
    complain(who, e.what());
    return false;
  }
}

/// A directory below the sweep's, which keeps the trace of the run. May be missing afterwards.
std::filesystem::path directory_for(const context& who, const std::filesystem::path& sweep_dir,
                                    std::string label, std::int64_t repeat) {
  for (auto& c : label)
    if (c == '/' || c == ' ') c = '_';
  auto directory = sweep_dir / fmt::format("{}-{}", label.substr(0, 200), repeat);
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) complain(who, fmt::format("cannot make {}: {}", directory.string(), error.message()));
  return directory;
}

} // namespace

int sweep(const context& who, const sweep_arguments& arguments) {
  std::vector<varied_key> keys;
  std::string error;
  std::size_t combinations = 1;
  for (const auto& text : arguments.vary) {
    auto key = parse_varied_key(text, error);
    if (!key) {
      complain(who, "--vary: " + error);
      return exit_bad_usage;
    }
    combinations *= key->values.size();
    if (combinations * static_cast<std::size_t>(arguments.repeat) > runs_max) {
      complain(who, fmt::format("--vary: these are more than {} runs", runs_max));
      return exit_bad_usage;
    }
    keys.push_back(std::move(*key));
  }
  auto plans = plan_all(who, arguments, keys);
  if (!plans) return exit_bad_usage;
  std::filesystem::path directory;
  try {
    directory = make_run_directory(arguments.out, "sweep-" + plans->front().plan.scenario,
                                   std::chrono::system_clock::now());
  } catch (const run_directory_error& e) {
    complain(who, e.what());
    return exit_bad_usage;
  }

  std::vector<sweep_point> points(plans->size());
  int worst = 0;
  bool over = false;
  const auto total = plans->size() * static_cast<std::size_t>(arguments.repeat);
  // Repetitions go round over all points, so that a machine that grows slower slows all.
  for (std::int64_t repeat = 1, number = 1; repeat <= arguments.repeat && !over; ++repeat)
    for (std::size_t i = 0; i < plans->size() && !over; ++i, ++number) {
      const auto label = label_of(keys, (*plans)[i].values);
      points[i].values = (*plans)[i].values;
      const auto place = directory_for(who, directory, label, repeat);
      run_arguments quietly;
      quietly.quiet = true;
      int code = exit_bad_usage;
      const auto outcome = run_plan(who, quietly, (*plans)[i].plan, place, code);
      sweep_run run{"not started", 0, place.string(), false};
      if (outcome) {
        code = exit_code_of(*outcome);
        run = {std::string(to_string(outcome->result_verdict)), outcome->elapsed_s, place.string(),
               outcome->result_verdict == scenarios::verdict::passed};
      }
      if (!arguments.json)
        complain(who, fmt::format("{}/{}  {}: {} in {}", number, total, label, run.verdict,
                                  seconds_text(run.elapsed_s, 4)));
      over = !outcome || outcome->result_verdict == scenarios::verdict::interrupted;
      if (code != 0) worst = code;
      points[i].runs.push_back(std::move(run));
    }
  std::erase_if(points, [](const sweep_point& point) { return point.runs.empty(); });
  const auto result = evaluate(plans->front().plan.scenario, std::move(keys), std::move(points));
  bool written = write_result(who, directory / "sweep.csv", sweep_csv(result));
  if (const auto picture = sweep_svg(result); !picture.empty())
    written = write_result(who, directory / "sweep.svg", picture) && written;
  if (arguments.json)
    print(who, sweep_json(result));
  else
    print(who, say("\n{}\nsee {}/sweep.csv and sweep.svg\n", sweep_text(result), directory));
  return worst == 0 && !written ? exit_not_written : worst;
}

} // namespace troupe::cli
