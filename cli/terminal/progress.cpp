#include "cli/terminal/progress.hpp"

#include "base/durations.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::cli {
namespace {

constexpr std::size_t bar_width = 24;

std::string bar_of(double share) {
  const auto filled = static_cast<std::size_t>(share * bar_width);
  std::string bar(filled, '=');
  if (filled < bar_width) bar += '>';
  return fmt::format("[{:<{}}]  ", bar, bar_width);
}

std::string rate_text(double rate) {
  return rate >= 100 ? fmt::format("{:.0f}/s", rate) : fmt::format("{:.2g}/s", rate);
}

} // namespace

std::string progress_line(const progress& now, bool bar) {
  const auto seconds = std::chrono::duration<double>(now.elapsed).count();
  const auto done = static_cast<double>(now.done);
  const auto rate = seconds > 0 ? done / seconds : 0.0;
  std::string line;
  if (now.total > 0) {
    const auto share = std::min(1.0, done / static_cast<double>(now.total));
    if (bar) line += bar_of(share);
    line += fmt::format("{}/{}  {:.0f} %", now.done, now.total, share * 100);
  } else {
    line += fmt::format("{} done", now.done);
  }
  line += "  " + rate_text(rate);
  if (now.total > now.done && rate > 0)
    line += fmt::format("  {} left", estimate_text((static_cast<double>(now.total) - done) / rate));
  for (const auto& [node, count] : now.per_node)
    line += fmt::format("  {} {}", node, count);
  return line;
}

void progress_display::update(std::uint64_t done, std::uint64_t total,
                              const std::map<std::string, std::uint64_t>& per_node, clock::time_point now) {
  const std::lock_guard lock(mutex_);
  const bool bar = out_.terminal();
  const auto due = bar ? (any_ ? shown_ + bar_interval : shown_) : shown_ + line_interval;
  if (now < due) return;
  shown_ = now;
  any_ = true;
  const shown_text line{progress_line({done, total, per_node, now - start_}, bar)};
  bar ? out_.status(line) : out_.message(line);
}

} // namespace troupe::cli
