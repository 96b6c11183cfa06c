#include "runner/run/trace_endings.hpp"

#include "base/durations.hpp"
#include "base/host_identity.hpp"
#include "base/text.hpp"
#include "trace/merge/collect.hpp"

#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>

namespace troupe::scenarios {

using std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds look_every{1};
constexpr std::size_t names_shown_max = 8;

std::string reason_of(const trace::file_identity& x) {
  using trace::format::end_reason;
  const auto text = x.ended_error != 0 ? std::strerror(x.ended_error) : "it could not be written";
  switch (x.ended) {
  case end_reason::none:
    break;
  case end_reason::size_limit:
    return fmt::format("at its limit, bytes_max = {} in [trace]", bytes_text(x.bytes_max));
  case end_reason::disk_full:
  case end_reason::io_error:
    return text;
  }
  return {};
}

/// Nodes whose traces ended for the same reason.
struct ended_together {
  std::vector<std::string> nodes;
  std::chrono::nanoseconds first = std::chrono::nanoseconds::max(); ///< CLOCK_MONOTONIC
};

std::string sentence_of(const std::string& why, const ended_together& x, steady_clock::time_point started) {
  const auto shown = std::min(x.nodes.size(), names_shown_max);
  std::string names = fmt::format(
      "{}", fmt::join(x.nodes.begin(), x.nodes.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (shown < x.nodes.size()) names += fmt::format(" and {} more", x.nodes.size() - shown);
  const auto into = x.first - started.time_since_epoch();
  const bool known = started != steady_clock::time_point{} && into > into.zero()
                     && x.first <= steady_clock::now().time_since_epoch();
  return fmt::format(
      "the {} of {} ended{}: {}; the run goes on, and what it does from there on is not recorded",
      x.nodes.size() == 1 ? "trace" : "traces", names,
      known ? fmt::format(" {} into the run", duration_text(into.count())) : "", why);
}

} // namespace

std::vector<std::string> trace_endings::look(when how_often, steady_clock::time_point started) {
  const auto now = steady_clock::now();
  if (how_often == when::due && now < next_) return {};
  next_ = now + look_every;
  const auto here = boot_id();
  std::map<std::string, ended_together> by_reason;
  for (const auto& [start, segments] : trace::traces_in(run_dir_))
    for (const auto& [number, file] : segments) {
      const auto& x = file.identity;
      const auto why = reason_of(x);
      if (why.empty() || !told_.insert(file.path).second) continue;
      auto& together = by_reason[why];
      together.nodes.push_back(printable(x.node));
      // Of another host's clock nothing is known here.
      if (x.boot_id == here)
        together.first = std::min(together.first, std::chrono::nanoseconds{x.ended_at_ns});
    }
  std::vector<std::string> sentences;
  for (const auto& [why, together] : by_reason)
    sentences.push_back(sentence_of(why, together, started));
  return sentences;
}

} // namespace troupe::scenarios
