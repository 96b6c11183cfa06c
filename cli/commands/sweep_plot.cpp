// The picture of a sweep: speed-up over the first key.
#include "cli/commands/sweep_series.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>

namespace troupe::cli {
namespace {

constexpr double width = 760, height = 460, left = 64, right = 190, top = 44, bottom = 56;
constexpr std::array colours{"#3b6fd4", "#d4573b", "#2e9e6b", "#a04fc4", "#c99a1a", "#4a4a4a"};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

/// 1, 2 or 5 times a power of ten, so that about `count` of them cover `range`.
double tick_step(double range, double count) {
  const auto rough = range / count;
  const auto power = std::pow(10, std::floor(std::log10(rough)));
  for (const double digit : {1.0, 2.0, 5.0})
    if (digit * power >= rough) return digit * power;
  return 10 * power;
}

struct frame {
  double n_first, n_last, y_last;
  double x(double n) const {
    const auto share = n_last > n_first ? (n - n_first) / (n_last - n_first) : 0.5;
    return left + share * (width - left - right);
  }
  double y(double speedup) const { return height - bottom - speedup / y_last * (height - top - bottom); }
};

double n_of(const sweep_point& point) { return std::strtod(point.values.front().c_str(), nullptr); }

std::string axes(const frame& f, const std::string& key) {
  std::string out;
  for (double y = 0, step = tick_step(f.y_last, 6); y <= f.y_last * 1.0001; y += step)
    out += fmt::format("<line class=\"grid\" x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>"
                       "<text x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5:.3g}</text>\n",
                       left, width - right, f.y(y), left - 8, f.y(y) + 4, y);
  const auto range = std::max(f.n_last - f.n_first, 1e-9);
  const auto step = tick_step(range, 8);
  for (double n = std::ceil(f.n_first / step) * step; n <= f.n_last + step * 1e-6; n += step)
    out += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:.4g}</text>\n", f.x(n),
                       height - bottom + 20, n);
  return out
         + fmt::format(
             "<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n"
             "<text transform=\"translate(18 {:.1f}) rotate(-90)\" text-anchor=\"middle\">speed-up</text>\n",
             (left + width - right) / 2, height - 14, escaped(key), (top + height - bottom) / 2);
}

/// A curve over n, as a polyline that is clipped at the top of the frame.
template <class Speedup>
std::string curve(const frame& f, const std::string& style, Speedup speedup) {
  std::string points;
  constexpr int steps = 100;
  for (int i = 0; i <= steps; ++i) {
    const auto n = f.n_first + (f.n_last - f.n_first) * i / steps;
    const auto y = speedup(n);
    if (y >= 0 && y <= f.y_last) points += fmt::format("{:.1f},{:.1f} ", f.x(n), f.y(y));
  }
  return fmt::format("<polyline fill=\"none\" {} points=\"{}\"/>\n", style, points);
}

std::string dots(const frame& f, const sweep_series& series, const char* colour) {
  std::string out;
  const auto base = series.points.front().median_s;
  for (const auto& point : series.points) {
    if (point.speedup == 0) continue;
    const auto x = f.x(n_of(point));
    out += fmt::format("<line stroke=\"{0}\" x1=\"{1:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{3:.1f}\"/>"
                       "<circle fill=\"{0}\" r=\"4\" cx=\"{1:.1f}\" cy=\"{4:.1f}\"><title>{5}: {6:.4g} s, "
                       "speed-up {7:.3g}</title></circle>\n",
                       colour, x, f.y(std::min(base / point.min_s, f.y_last)), f.y(base / point.max_s),
                       f.y(point.speedup), escaped(point.values.front()), point.median_s, point.speedup);
  }
  return out;
}

std::string legend(const sweep_result& result) {
  std::string out;
  double y = top + 10;
  const auto line = [&](const std::string& style, const std::string& text) {
    out += fmt::format(
        "<line {0} x1=\"{1}\" x2=\"{2}\" y1=\"{3}\" y2=\"{3}\"/><text x=\"{4}\" y=\"{5}\">{6}</text>\n",
        style, width - right + 14, width - right + 38, y, width - right + 44, y + 4, escaped(text));
    y += 20;
  };
  line("stroke=\"#999\" stroke-dasharray=\"5 4\"", "ideal");
  for (std::size_t i = 0; i < result.series.size(); ++i) {
    const auto& series = result.series[i];
    std::string name;
    for (std::size_t k = 0; k < series.others.size(); ++k)
      name += (k > 0 ? ", " : "") + result.keys[k + 1].key + "=" + series.others[k];
    if (series.fit) name += fmt::format("{}serial {:.3g}", name.empty() ? "" : ": ", series.fit->serial);
    line(fmt::format("stroke=\"{}\" stroke-width=\"2\"", colours[i % colours.size()]),
         name.empty() ? "measured" : name);
  }
  return out;
}

} // namespace

std::string sweep_svg(const sweep_result& result) {
  frame f{1e300, -1e300, 1};
  for (const auto& series : result.series)
    for (const auto& point : series.points) {
      const auto n = n_of(point);
      if (n <= 0) return {};
      f.n_first = std::min(f.n_first, n);
      f.n_last = std::max(f.n_last, n);
      if (point.speedup > 0) f.y_last = std::max(f.y_last, series.points.front().median_s / point.min_s);
    }
  if (f.n_last <= 0) return {};
  f.y_last *= 1.15;
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
      "font-family=\"system-ui, sans-serif\" font-size=\"12\">\n"
      "<style>.grid{{stroke:#ddd}} text{{fill:#333}}</style>\n<rect width=\"100%\" height=\"100%\" "
      "fill=\"#fff\"/>\n"
      "<text x=\"{2}\" y=\"24\" font-size=\"15\" font-weight=\"600\">{3}</text>\n",
      width, height, left, escaped(result.scenario + ": speed-up over " + result.keys.front().key));
  out += axes(f, result.keys.front().key);
  out += curve(f, "stroke=\"#999\" stroke-dasharray=\"5 4\"", [&](double n) { return n / f.n_first; });
  for (std::size_t i = 0; i < result.series.size(); ++i) {
    const auto& series = result.series[i];
    const auto* colour = colours[i % colours.size()];
    if (series.fit && series.points.front().median_s > 0)
      out += curve(f, fmt::format("stroke=\"{}\" stroke-width=\"1.5\" opacity=\"0.6\"", colour),
                   [&](double n) { return series.points.front().median_s / series.fit->time_at(n); });
    out += dots(f, series, colour);
  }
  return out + legend(result) + "</svg>\n";
}

} // namespace troupe::cli
