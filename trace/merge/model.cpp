#include "trace/merge/model.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace troupe::trace {

std::string_view to_string(event_kind kind) {
  constexpr std::string_view names[] = {
      "spawned",       "exited",       "sent",        "delivered", "handled",     "unfinished", "dropped",
      "dead_lettered", "timer_set",    "redelivered", "node_up",   "node_down",   "link_up",    "link_down",
      "link_resumed",  "clock_offset", "fault",       "noted",     "told_to_end", "stood_still"};
  static_assert(std::size(names) == event_kind_count);
  auto i = static_cast<std::size_t>(kind);
  return i < event_kind_count ? names[i] : "unknown";
}

bool has_reason(event_kind kind) {
  switch (kind) {
  case event_kind::exited:
  case event_kind::dropped:
  case event_kind::dead_lettered:
  case event_kind::node_down:
  case event_kind::link_down:
  case event_kind::fault:
  case event_kind::told_to_end:
    return true;
  default:
    return false;
  }
}

bool model::complete() const {
  return std::ranges::none_of(remarks, [](const remark& r) { return r.missing; });
}

std::string_view model::role_name(std::uint32_t actor) const {
  if (actor == 0 || actor >= actors.size()) return "outside";
  auto role = text(actors[actor].role);
  return role.empty() ? "actor" : role;
}

std::string model::actor_name(std::uint32_t actor) const {
  if (actor == 0 || actor >= actors.size()) return "outside";
  return fmt::format("{}-{}", role_name(actor), actors[actor].number);
}

std::string model::node_name(std::uint16_t node) const {
  if (node >= nodes.size()) return "?";
  // Later starts under the same name are told apart.
  int nth = 1;
  for (std::uint16_t i = 0; i < node; ++i)
    if (nodes[i].name == nodes[node].name) ++nth;
  return nth == 1 ? nodes[node].name : fmt::format("{}#{}", nodes[node].name, nth);
}

std::string model::message_name(row message) const {
  if (message >= messages.size()) return "-";
  return fmt::format("{}:{}", node_name(messages.node[message]), messages.number[message]);
}

row model::find_message(std::string_view name, std::string& why) const {
  auto colon = name.rfind(':');
  auto digits = colon == std::string_view::npos ? name : name.substr(colon + 1);
  std::uint64_t number = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size()) {
    why = fmt::format("\"{}\" names no message; expected NODE:NUMBER as in \"{}\", or a number", name,
                      messages.size() > 0 ? message_name(0) : "main:17");
    return no_row;
  }
  row found = no_row;
  for (row m = 0; m < messages.size(); ++m) {
    if (messages.number[m] != number) continue;
    if (colon != std::string_view::npos && node_name(messages.node[m]) != name.substr(0, colon)) continue;
    if (found != no_row) {
      why = fmt::format("several nodes sent a message {}: {} and {}; name the node", number,
                        message_name(found), message_name(m));
      return no_row;
    }
    found = m;
  }
  if (found == no_row) why = fmt::format("the trace has no message {}", name);
  return found;
}

std::int64_t model::network_ns(row m) const {
  auto sent = messages.sent[m], delivered = messages.delivered[m];
  return sent == no_row || delivered == no_row ? -1 : events.time[delivered] - events.time[sent];
}

std::int64_t model::delay_ns(row m) const {
  if (!messages.delayed[m]) return 0;
  auto it = std::ranges::lower_bound(delays, m, {}, &std::pair<row, std::int64_t>::first);
  return it == delays.end() || it->first != m ? 0 : it->second;
}

std::pair<row, run_time> model::arrival(row m) const {
  if (auto d = messages.delivered[m]; d != no_row) return {d, events.time[d]};
  auto sent = messages.sent[m];
  if (sent == no_row) return {no_row, 0};
  // Sent by another node and no arrival recorded: the wait cannot be told from the network.
  auto end = messages.handled[m] != no_row ? messages.handled[m] : messages.discarded[m];
  if (end != no_row && events.node[end] != events.node[sent]) return {no_row, 0};
  if (end == no_row && actors[messages.receiver[m]].node != events.node[sent]) return {no_row, 0};
  return {sent, events.time[sent] + delay_ns(m)};
}

std::int64_t model::wait_ns(row m) const {
  auto handled = messages.handled[m];
  if (handled == no_row) return -1;
  auto [event, time] = arrival(m);
  return event == no_row ? -1 : std::max<std::int64_t>(0, events.time[handled] - time);
}

std::int64_t model::handling_ns(row m) const {
  auto handled = messages.handled[m];
  return handled == no_row || events.kind[handled] != event_kind::handled ? -1 : events.value[handled];
}

std::int64_t model::bytes(row m) const {
  auto delivered = messages.delivered[m];
  return delivered == no_row ? -1 : events.value[delivered];
}

std::vector<row> model::causes(row m) const {
  std::vector<row> out;
  if (messages.cause[m] != no_row) out.push_back(messages.cause[m]);
  auto more = std::lower_bound(more_causes.begin(), more_causes.end(), std::pair<row, row>{m, 0});
  for (; more != more_causes.end() && more->first == m; ++more)
    if (std::find(out.begin(), out.end(), more->second) == out.end()) out.push_back(more->second);
  return out;
}

std::ptrdiff_t model::payload_index(row m) const {
  auto it = std::ranges::lower_bound(payloads, m, {}, &payload_info::message);
  return it == payloads.end() || it->message != m ? -1 : it - payloads.begin();
}

std::string_view model::payload(row m) const {
  const auto index = payload_index(m);
  return index < 0 ? std::string_view{} : payload(payloads[static_cast<std::size_t>(index)]);
}

std::string_view model::payload(const payload_info& p) const {
  return {reinterpret_cast<const char*>(payload_bytes.data() + p.offset), p.bytes};
}

effects_index::effects_index(const model& m) : first_(m.messages.size() + 1) {
  auto each = [&](auto&& visit) {
    for (row i = 0; i < m.messages.size(); ++i)
      if (m.messages.cause[i] != no_row) visit(m.messages.cause[i], i);
    for (auto& [message, cause] : m.more_causes)
      if (m.messages.cause[message] != cause) visit(cause, message);
  };
  each([&](row cause, row) { ++first_[cause + 1]; });
  for (std::size_t i = 1; i < first_.size(); ++i)
    first_[i] += first_[i - 1];
  effects_.resize(first_.back());
  auto next = first_;
  each([&](row cause, row effect) { effects_[next[cause]++] = effect; });
  for (std::size_t i = 0; i + 1 < first_.size(); ++i)
    std::sort(effects_.begin() + first_[i], effects_.begin() + first_[i + 1]);
}

} // namespace troupe::trace
