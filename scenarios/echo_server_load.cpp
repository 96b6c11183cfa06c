// What the loads of TCP and of ZeroMQ clients have in common.
#include "scenarios/echo_server_load.hpp"

#include <utility>

namespace troupe::scenarios::echo {

void line_load_counts::add(const line_load_counts& x) {
  sent += x.sent;
  echoed += x.echoed;
  wrong += x.wrong;
  unanswered += x.unanswered;
  lost += x.lost;
  latencies.add(x.latencies);
}

std::string load_text(const std::string& who, std::uint64_t number, std::uint64_t bytes) {
  auto text = who + " says " + std::to_string(number);
  if (text.size() < bytes) text.append(bytes - text.size(), '.');
  return text;
}

heard what_is(std::string_view line, std::string_view asked, const line_load_plan& plan) {
  if (line.starts_with(echo_prefix))
    return !asked.empty() && line.substr(echo_prefix.size()) == asked ? heard::echo : heard::wrong;
  if (line.starts_with("error: ")) return heard::last_words;
  return plan.ignores_notices ? heard::notice : heard::wrong;
}

void load_tally::echoed(std::chrono::nanoseconds latency) {
  counts_.latencies.add(latency);
  ++counts_.echoed;
}

void load_tally::lost(bool unanswered) {
  ++counts_.lost;
  if (unanswered) ++counts_.unanswered;
}

void load_tally::tell() {
  const auto now = clock::now();
  if (now - told_ < telling_interval || counts_.echoed == told_count_) return;
  told_ = now;
  tell_.on_progress(counts_.echoed - std::exchange(told_count_, counts_.echoed));
}

void load_tally::tell_end() {
  told_ = {};
  tell();
  tell_.on_done(counts_);
}

} // namespace troupe::scenarios::echo
