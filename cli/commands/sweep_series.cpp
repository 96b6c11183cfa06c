#include "cli/commands/sweep_series.hpp"

#include "base/durations.hpp"
#include "base/table.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <set>

namespace troupe::cli {
namespace {

constexpr std::size_t values_max = 10'000;

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || at != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::string text_of(double value) {
  const auto whole = std::round(value);
  if (std::abs(value - whole) < 1e-9 && std::abs(whole) < 1e15) return fmt::format("{:.0f}", whole);
  return fmt::format("{:.12g}", value);
}

bool is_fraction(std::string_view text) { return text.find_first_of(".eE") != std::string_view::npos; }

/// FROM..TO with a step or a factor. An empty result: `error` says why.
std::vector<std::string> range_of(std::string_view from_text, std::string_view to_text,
                                  std::string_view step_text, std::string& error) {
  const bool factor = step_text.starts_with('*');
  if (factor) step_text.remove_prefix(1);
  const auto from = number_of(from_text), to = number_of(to_text);
  const auto step = step_text.empty() ? std::optional<double>{1} : number_of(step_text);
  if (!from || !to || !step) {
    error = "a range is FROM..TO, FROM..TO:STEP or FROM..TO:*FACTOR, in numbers";
    return {};
  }
  if (*to < *from) {
    error = fmt::format("the range ends at {}, before it begins", to_text);
    return {};
  }
  if (factor ? *step <= 1 || *from <= 0 : *step <= 0) {
    error = factor ? "a factor must be more than 1, and the range must begin above 0"
                   : "a step must be more than 0";
    return {};
  }
  std::vector<std::string> values;
  // Counted, not added up, so that ten steps of 0.1 end at 1.
  for (std::size_t i = 0; values.size() <= values_max; ++i) {
    const auto n = static_cast<double>(i);
    const auto value = factor ? *from * std::pow(*step, n) : *from + n * *step;
    if (value > *to * (1 + 1e-12) + 1e-12) break;
    values.push_back(text_of(value));
  }
  if (!is_fraction(from_text) && !is_fraction(step_text)) return values;
  for (auto& value : values) // a parameter that takes 0.5 takes 1.0, but not 1
    if (!is_fraction(value)) value += ".0";
  return values;
}

std::vector<std::string> list_of(std::string_view text) {
  std::vector<std::string> values;
  while (true) {
    const auto comma = text.find(',');
    values.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return values;
    text.remove_prefix(comma + 1);
  }
}

void measure(sweep_point& point) {
  std::vector<double> times;
  for (const auto& run : point.runs)
    if (run.passed) times.push_back(run.elapsed_s);
  if (times.empty()) return;
  std::sort(times.begin(), times.end());
  const auto middle = times.size() / 2;
  point.median_s = times.size() % 2 == 1 ? times[middle] : (times[middle - 1] + times[middle]) / 2;
  point.min_s = times.front();
  point.max_s = times.back();
}

void compare(sweep_series& series) {
  const auto& first = series.points.front();
  const auto first_n = number_of(first.values.front());
  std::vector<std::pair<double, double>> samples;
  bool numbers = true;
  for (auto& point : series.points) {
    const auto n = number_of(point.values.front());
    numbers = numbers && n;
    if (first.median_s > 0 && point.median_s > 0) point.speedup = first.median_s / point.median_s;
    if (n && first_n && *n > 0 && *first_n > 0) point.efficiency = point.speedup / (*n / *first_n);
    for (const auto& run : point.runs)
      if (n && run.passed) samples.emplace_back(*n, run.elapsed_s);
  }
  if (numbers) series.fit = fit_amdahl(samples);
}

std::string figure(double value, const char* unit = "") {
  return value == 0 ? "-" : fmt::format("{:.4g}{}", value, unit);
}

shown_text fit_text(const sweep_result& result, const sweep_series& series) {
  std::string where;
  for (std::size_t i = 0; i < series.others.size(); ++i)
    where += fmt::format("{}{}={}", i == 0 ? " for " : ", ", result.keys[i + 1].key, series.others[i]);
  if (!series.fit) return {};
  const auto& fit = *series.fit;
  const auto share = fit.exact ? fmt::format("{:.3g} (two runs: no error to tell)", fit.serial)
                               : fmt::format("{:.3g} ± {:.2g}", fit.serial, fit.serial_error);
  const auto limit = fit.serial > 0 ? fmt::format("{:.3g}", 1 / fit.serial) : std::string("none found");
  return say("Amdahl's law{}: serial share {}, T(1) = {}, limit of the speed-up {}, R² = {:.3f}\n", where,
             share, seconds_text(fit.t1_s, 4), limit, fit.r2);
}

} // namespace

namespace {

/// The first value that stands there before, 4 as 4.0 too; empty: none does.
std::string repeated_value(const std::vector<std::string>& values) {
  std::set<std::string> seen;
  for (const auto& value : values) {
    const auto number = number_of(value);
    if (!seen.insert(number ? text_of(*number) : value).second) return value;
  }
  return {};
}

} // namespace

std::optional<varied_key> parse_varied_key(std::string_view text, std::string& error) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0 || equals + 1 == text.size()) {
    error = fmt::format("`{}` is not KEY=FROM..TO, KEY=FROM..TO:STEP or KEY=A,B,C", text);
    return std::nullopt;
  }
  varied_key result{std::string(text.substr(0, equals)), {}};
  auto values = text.substr(equals + 1);
  const auto dots = values.find("..");
  if (dots == std::string_view::npos) {
    result.values = list_of(values);
  } else {
    const auto from = values.substr(0, dots);
    const auto rest = values.substr(dots + 2);
    const auto colon = rest.find(':');
    std::string why;
    result.values =
        range_of(from, rest.substr(0, colon),
                 colon == std::string_view::npos ? std::string_view{} : rest.substr(colon + 1), why);
    if (result.values.empty()) {
      error = fmt::format("`{}`: {}", text, why);
      return std::nullopt;
    }
  }
  if (result.values.size() > values_max) {
    error = fmt::format("`{}` has more than {} values", text, values_max);
    return std::nullopt;
  }
  if (const auto twice = repeated_value(result.values); !twice.empty()) {
    error = fmt::format("`{}`: {} is given twice; runs of one combination are repeated with --repeat", text,
                        twice);
    return std::nullopt;
  }
  return result;
}

std::vector<sweep_values> all_combinations(const std::vector<varied_key>& keys) {
  std::vector<sweep_values> result{{}};
  for (auto key = keys.rbegin(); key != keys.rend(); ++key) {
    std::vector<sweep_values> longer;
    for (const auto& tail : result)
      for (const auto& value : key->values) {
        longer.push_back({value});
        longer.back().insert(longer.back().end(), tail.begin(), tail.end());
      }
    result = std::move(longer);
  }
  return result;
}

std::optional<amdahl_fit> fit_amdahl(const std::vector<std::pair<double, double>>& samples) {
  // T = a + b * x with x = 1 / n: ordinary least squares.
  double count = 0, mean_x = 0, mean_t = 0;
  for (const auto& [n, t] : samples) {
    if (n <= 0) return std::nullopt;
    ++count;
    mean_x += 1 / n;
    mean_t += t;
  }
  if (count < 2) return std::nullopt;
  mean_x /= count;
  mean_t /= count;
  double xx = 0, xt = 0, tt = 0;
  for (const auto& [n, t] : samples) {
    xx += (1 / n - mean_x) * (1 / n - mean_x);
    xt += (1 / n - mean_x) * (t - mean_t);
    tt += (t - mean_t) * (t - mean_t);
  }
  if (xx < 1e-15) return std::nullopt;
  const auto b = xt / xx, a = mean_t - b * mean_x, t1 = a + b;
  if (t1 <= 0) return std::nullopt;
  amdahl_fit fit;
  fit.t1_s = t1;
  fit.serial = a / t1;
  double residual = 0;
  for (const auto& [n, t] : samples)
    residual += (t - a - b / n) * (t - a - b / n);
  fit.r2 = tt > 0 ? 1 - residual / tt : 1;
  fit.exact = count < 3;
  if (!fit.exact) {
    // How the errors of a and b, which depend on each other, reach a / (a + b).
    const auto variance = residual / (count - 2);
    const auto var_b = variance / xx, var_a = variance * (1 / count + mean_x * mean_x / xx);
    const auto cov = -mean_x * variance / xx;
    const auto by_a = b / (t1 * t1), by_b = -a / (t1 * t1);
    fit.serial_error =
        std::sqrt(std::max(0.0, by_a * by_a * var_a + by_b * by_b * var_b + 2 * by_a * by_b * cov));
  }
  return fit;
}

sweep_result evaluate(std::string scenario, std::vector<varied_key> keys, std::vector<sweep_point> points) {
  sweep_result result{std::move(scenario), std::move(keys), {}};
  std::map<sweep_values, std::size_t> at;
  for (auto& point : points) {
    measure(point);
    sweep_values others(point.values.begin() + 1, point.values.end());
    const auto [found, made] = at.emplace(others, result.series.size());
    if (made) result.series.push_back({std::move(others), {}, {}});
    result.series[found->second].points.push_back(std::move(point));
  }
  for (auto& series : result.series)
    compare(series);
  return result;
}

shown_text sweep_text(const sweep_result& result) {
  std::vector<std::string> head;
  for (const auto& key : result.keys)
    head.push_back(key.key);
  for (const char* column : {"runs", "median s", "min s", "max s", "speed-up", "efficiency", "verdict"})
    head.emplace_back(column);
  table out(table::by_content(head));
  shown_text fits;
  for (const auto& series : result.series) {
    for (const auto& point : series.points) {
      auto cells = point.values;
      std::string verdict = "passed";
      for (const auto& run : point.runs)
        if (!run.passed) verdict = run.verdict;
      for (auto& cell :
           {std::to_string(point.runs.size()), figure(point.median_s), figure(point.min_s),
            figure(point.max_s), figure(point.speedup), figure(point.efficiency * 100, " %"), verdict})
        cells.push_back(cell);
      out.row(std::move(cells));
    }
    fits += fit_text(result, series);
  }
  auto text = out.render(0, text_style::bold);
  return fits.empty() ? text : text + "\n" + fits;
}

std::string sweep_csv(const sweep_result& result) {
  std::string out;
  for (const auto& key : result.keys)
    out += csv_cell(key.key) + ',';
  out += "repeat,verdict,elapsed_s,run_dir\r\n";
  for (const auto& series : result.series)
    for (const auto& point : series.points)
      for (std::size_t i = 0; i < point.runs.size(); ++i) {
        for (const auto& value : point.values)
          out += csv_cell(value) + ',';
        out += fmt::format("{},{},{:.9g},{}\r\n", i + 1, point.runs[i].verdict, point.runs[i].elapsed_s,
                           csv_cell(point.runs[i].run_dir));
      }
  return out;
}

nlohmann::json sweep_json(const sweep_result& result) {
  using nlohmann::json;
  json out{{"scenario", result.scenario}, {"points", json::array()}, {"fits", json::array()}};
  for (const auto& series : result.series) {
    for (const auto& point : series.points) {
      json one{{"values", json::object()}, {"runs", json::array()}};
      for (std::size_t i = 0; i < point.values.size(); ++i)
        one["values"][result.keys[i].key] = point.values[i];
      for (const auto& run : point.runs)
        one["runs"].push_back(
            {{"verdict", run.verdict}, {"elapsed_s", run.elapsed_s}, {"run_dir", run.run_dir}});
      const auto known = [](double value) { return value == 0 ? json() : json(value); };
      one["median_s"] = known(point.median_s);
      one["speedup"] = known(point.speedup);
      one["efficiency"] = known(point.efficiency);
      out["points"].push_back(std::move(one));
    }
    if (!series.fit) continue;
    json fit{{"t1_s", series.fit->t1_s},
             {"serial_share", series.fit->serial},
             {"serial_share_error", series.fit->exact ? json() : json(series.fit->serial_error)},
             {"r2", series.fit->r2},
             {"values", json::object()}};
    for (std::size_t i = 0; i < series.others.size(); ++i)
      fit["values"][result.keys[i + 1].key] = series.others[i];
    out["fits"].push_back(std::move(fit));
  }
  return out;
}

} // namespace troupe::cli
