// What a sweep varies, and what its times say. No run is started here.
#pragma once

#include "base/shown_text.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::cli {

/// One `--vary KEY=VALUES`.
struct varied_key {
  std::string key;
  std::vector<std::string> values; ///< as they are written into the plan
};

/// KEY=FROM..TO, KEY=FROM..TO:STEP, KEY=FROM..TO:*FACTOR or KEY=A,B,C. `error` is a
/// sentence for the user where the text is none of these.
std::optional<varied_key> parse_varied_key(std::string_view text, std::string& error);

/// One value for each varied key, in their order.
using sweep_values = std::vector<std::string>;
/// All combinations; the first key varies fastest.
std::vector<sweep_values> all_combinations(const std::vector<varied_key>&);

struct sweep_run {
  std::string verdict;
  double elapsed_s = 0;
  std::string run_dir;
  bool passed = false;
};

/// One combination of values and its runs. The times are those of the runs that passed.
struct sweep_point {
  sweep_values values;
  std::vector<sweep_run> runs;
  double median_s = 0, min_s = 0, max_s = 0; ///< 0: no run passed
  double speedup = 0;                        ///< against the first point of its series; 0: unknown
  double efficiency = 0;                     ///< the speed-up by the growth of the first key; 0: unknown
};

/// T(n) = T(1) * (serial + (1 - serial) / n), fitted to the times of all passed runs by
/// least squares (G. Amdahl, AFIPS 1967). Linear in T(1) * serial and T(1) * (1 - serial).
struct amdahl_fit {
  double t1_s = 0;
  double serial = 0;
  double serial_error = 0; ///< one standard error; 0 with `exact`
  bool exact = false;      ///< as many runs as unknowns: nothing is left to tell an error from
  double r2 = 0;           ///< share of the variance that the law explains
  double time_at(double n) const { return t1_s * (serial + (1 - serial) / n); }
};

/// The points that differ in the first key only.
struct sweep_series {
  sweep_values others; ///< values of the second and later keys
  std::vector<sweep_point> points;
  std::optional<amdahl_fit> fit;
};

struct sweep_result {
  std::string scenario;
  std::vector<varied_key> keys;
  std::vector<sweep_series> series;
};

/// Nothing for fewer than two different numbers n, or where one is not positive.
/// `samples`: n and the time in seconds.
std::optional<amdahl_fit> fit_amdahl(const std::vector<std::pair<double, double>>& samples);
/// Medians, speed-up, efficiency and the fit, from the runs.
sweep_result evaluate(std::string scenario, std::vector<varied_key>, std::vector<sweep_point>);

shown_text sweep_text(const sweep_result&);
/// One line a run, RFC 4180.
std::string sweep_csv(const sweep_result&);
nlohmann::json sweep_json(const sweep_result&);
/// Speed-up over the first key: points, their spread, the fitted law and the ideal. Empty
/// if the first key's values are not positive numbers.
std::string sweep_svg(const sweep_result&);

} // namespace troupe::cli
