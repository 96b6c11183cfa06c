// What the loads of TCP and of ZeroMQ clients have in common.
#include "scenarios/echo_server/load.hpp"

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

namespace {

heard what_is(std::string_view line, std::string_view asked, const line_load_plan& plan) {
  if (line.starts_with(echo_prefix))
    return !asked.empty() && line.substr(echo_prefix.size()) == asked ? heard::echo : heard::wrong;
  if (line.starts_with("error: ")) return heard::last_words;
  return plan.ignores_notices ? heard::notice : heard::wrong;
}

} // namespace

void load_tally::says_next(load_client& who, std::size_t index) {
  who.asked = load_text("client " + std::to_string(index + 1), ++who.said, plan_.bytes);
  who.asked_at = clock::now();
  ++counts_.sent;
}

heard load_tally::reads(load_client& who, std::string_view line) {
  const auto what = what_is(line, who.asked, plan_);
  if (what == heard::wrong) ++counts_.wrong;
  if (what == heard::echo) {
    counts_.latencies.add(clock::now() - who.asked_at);
    ++counts_.echoed;
    who.asked.clear();
  }
  return what;
}

void load_tally::lost(load_client& who) {
  ++counts_.lost;
  if (!std::exchange(who.asked, {}).empty()) ++counts_.unanswered;
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
