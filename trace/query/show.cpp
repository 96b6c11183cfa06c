#include "trace/query/show.hpp"

#include "base/durations.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "trace/record/recorder.hpp"

#include <fmt/format.h>

namespace troupe::trace {
namespace {

constexpr int content_columns_max = 200;

std::string type_text(const model& m, std::uint32_t type) {
  auto text = m.text(type);
  return std::string{text.empty() ? "?" : text};
}

std::string reason_text(const model& m, row i) {
  auto text = m.text(static_cast<std::uint32_t>(m.events.value[i]));
  return text.empty() ? "" : fmt::format(": {}", text);
}

std::string peer_node(const model& m, row i) {
  auto node = m.events.cause[i];
  return node == no_row ? "?" : m.node_name(static_cast<std::uint16_t>(node));
}

std::string describe_sent(const model& m, row i) {
  auto& e = m.events;
  auto role = static_cast<message_role>(e.value[i]);
  auto out = fmt::format("{} {} {} {} to {}", m.actor_name(e.actor[i]),
                         role == message_role::request    ? "requested"
                         : role == message_role::response ? "answered"
                                                          : "sent",
                         type_text(m, e.type[i]), m.message_name(e.message[i]), m.actor_name(e.peer[i]));
  auto causes = m.causes(e.message[i]);
  for (std::size_t c = 0; c < causes.size(); ++c)
    out += fmt::format("{} {}", c == 0 ? ", because of" : ",", m.message_name(causes[c]));
  // The beginning of a long one, for which no more than these bytes can be needed; all is in the JSON.
  if (auto content = m.payload(e.message[i]).substr(0, 4 * (content_columns_max + 1)); !content.empty())
    out += "; content " + shown_text{content}.cut(content_columns_max).plain();
  return out;
}

std::string describe_handling(const model& m, row i) {
  auto& e = m.events;
  auto message = e.message[i];
  auto what =
      fmt::format("{} {} from {}", type_text(m, e.type[i]), m.message_name(message), m.actor_name(e.peer[i]));
  auto wait = m.messages.handled[message] == i ? m.wait_ns(message) : -1;
  auto waited = wait < 0 ? "" : fmt::format(", waited {}", duration_text(wait));
  if (e.kind[i] == event_kind::unfinished)
    return fmt::format(
        "{} began to handle {}{}, and was still at it {} later when its node was last heard of",
        m.actor_name(e.actor[i]), what, waited, duration_text(e.value[i]));
  return fmt::format("{} handled {} in {}{}", m.actor_name(e.actor[i]), what, duration_text(e.value[i]),
                     waited);
}

std::string describe_message_event(const model& m, row i) {
  auto& e = m.events;
  auto who = m.actor_name(e.actor[i]);
  auto message = m.message_name(e.message[i]), type = type_text(m, e.type[i]);
  switch (e.kind[i]) {
  case event_kind::delivered: {
    auto network = m.network_ns(e.message[i]);
    return fmt::format("{} {} from {} arrived for {}, {}{}", type, message, m.actor_name(e.peer[i]), who,
                       bytes_text(static_cast<std::uint64_t>(e.value[i])),
                       network < 0 ? "" : fmt::format(", {} on the way", duration_text(network)));
  }
  case event_kind::dropped:
    return fmt::format("{} {} for {} was dropped{}", type, message, who, reason_text(m, i));
  case event_kind::dead_lettered:
    return fmt::format("{} {} for {} became a dead letter{}", type, message, who, reason_text(m, i));
  case event_kind::timer_set:
    return fmt::format("{} set a timer of {}: {}", who, duration_text(e.value[i]), message);
  default:
    return fmt::format("{} delivered {} again as {}", who, m.message_name(e.cause[i]), message);
  }
}

std::string_view value_name(event_kind kind) {
  switch (kind) {
  case event_kind::delivered:
    return "bytes";
  case event_kind::handled:
    return "handling_ns";
  case event_kind::unfinished:
    return "running_ns";
  case event_kind::timer_set:
    return "delay_ns";
  case event_kind::link_resumed:
    return "frames_sent_again";
  case event_kind::clock_offset:
    return "offset_ns";
  case event_kind::stood_still:
    return "stood_still_ns";
  default:
    return {};
  }
}

text_style style_of(event_kind kind) {
  switch (kind) {
  case event_kind::dropped:
  case event_kind::dead_lettered:
  case event_kind::unfinished:
  case event_kind::node_down:
  case event_kind::fault:
  case event_kind::told_to_end:
  case event_kind::stood_still:
    return text_style::red;
  case event_kind::sent:
    return text_style::cyan;
  case event_kind::handled:
    return text_style::green;
  case event_kind::spawned:
  case event_kind::exited:
    return text_style::magenta;
  case event_kind::noted:
    return text_style::yellow;
  default:
    return text_style::plain;
  }
}

} // namespace

std::string describe(const model& m, row i) {
  auto& e = m.events;
  auto who = [&] { return m.actor_name(e.actor[i]); };
  switch (e.kind[i]) {
  case event_kind::spawned:
    return fmt::format("{} spawned {}", m.actor_name(e.peer[i]), who());
  case event_kind::exited:
    return fmt::format("{} exited{}", who(), reason_text(m, i));
  case event_kind::sent:
    return describe_sent(m, i);
  case event_kind::handled:
  case event_kind::unfinished:
    return describe_handling(m, i);
  case event_kind::delivered:
  case event_kind::dropped:
  case event_kind::dead_lettered:
  case event_kind::timer_set:
  case event_kind::redelivered:
    return describe_message_event(m, i);
  case event_kind::node_up:
    return fmt::format("{} is up", peer_node(m, i));
  case event_kind::node_down:
    return fmt::format("{} is down{}", peer_node(m, i), reason_text(m, i));
  case event_kind::link_up:
    return fmt::format("the link to {} is up", peer_node(m, i));
  case event_kind::link_down:
    return fmt::format("the link to {} is down{}", peer_node(m, i), reason_text(m, i));
  case event_kind::link_resumed:
    return fmt::format("the link to {} resumed, {} sent again", peer_node(m, i),
                       counted(static_cast<std::uint64_t>(e.value[i]), "frame"));
  case event_kind::clock_offset:
    return fmt::format("the clock of {} is {} ahead of ours", peer_node(m, i), duration_text(e.value[i]));
  case event_kind::fault:
    return fmt::format("fault {}{}", type_text(m, e.type[i]), reason_text(m, i));
  case event_kind::told_to_end:
    return fmt::format("the run is told to end, {}{}", type_text(m, e.type[i]), reason_text(m, i));
  case event_kind::stood_still:
    return fmt::format("it had not run for {}: it was stopped, or its machine stood still",
                       duration_text(e.value[i]));
  case event_kind::noted:
    return fmt::format("{} noted: {}", who(), m.notes[static_cast<std::size_t>(e.value[i])]);
  }
  return "?";
}

shown_text event_line(const model& m, row i, int width) {
  auto& e = m.events;
  auto head = say("{:>14}  {:<8}  ", time_text(e.time[i]), m.node_name(e.node[i]));
  return (head + shown_text{describe(m, i)}.in(style_of(e.kind[i]))).cut(width);
}

std::string event_json(const model& m, row i) {
  auto& e = m.events;
  std::string out;
  json_writer j{out};
  j.object()
      .member("time_ns", e.time[i])
      .member("node", m.node_name(e.node[i]))
      .member("kind", to_string(e.kind[i]));
  if (about_node(e.kind[i])) {
    j.member("peer_node", peer_node(m, i));
  } else {
    if (!about_no_actor(e.kind[i])) j.member("actor", m.actor_name(e.actor[i]));
    if (e.peer[i] != 0)
      j.member(e.kind[i] == event_kind::spawned ? "parent" : "peer", m.actor_name(e.peer[i]));
    if (e.type[i] != 0) j.member("type", m.text(e.type[i]));
    if (e.message[i] != no_row) j.member("message", m.message_name(e.message[i]));
  }
  if (e.kind[i] == event_kind::sent) {
    j.key("causes").array();
    for (auto c : m.causes(e.message[i]))
      j.value(m.message_name(c));
    j.end();
    if (e.value[i] == 1) j.member("role", "request");
    if (e.value[i] == 2) j.member("role", "response");
    if (auto content = m.payload(e.message[i]); !content.empty()) j.member("payload", content);
  } else if ((e.kind[i] == event_kind::spawned || e.kind[i] == event_kind::redelivered)
             && e.cause[i] != no_row) {
    j.member("cause", m.message_name(e.cause[i]));
  }
  if (auto name = value_name(e.kind[i]); !name.empty()) j.member(name, e.value[i]);
  if (has_reason(e.kind[i])) j.member("reason", m.text(static_cast<std::uint32_t>(e.value[i])));
  if (e.kind[i] == event_kind::noted) j.member("text", m.notes[static_cast<std::size_t>(e.value[i])]);
  if (e.kind[i] == event_kind::handled && m.messages.handled[e.message[i]] == i)
    if (auto wait = m.wait_ns(e.message[i]); wait >= 0) j.member("wait_ns", wait);
  if (e.kind[i] == event_kind::delivered)
    if (auto network = m.network_ns(e.message[i]); network >= 0) j.member("network_ns", network);
  j.end();
  return out;
}

show_result each_event(const model& m, const filter& f, std::uint64_t limit,
                       const std::function<bool(row)>& line) {
  show_result out;
  for (row i = 0; i < m.events.size(); ++i) {
    if (!f.matches(i)) continue;
    if (limit != 0 && out.shown == limit) {
      ++out.left_out;
      continue;
    }
    if (!line(i)) break;
    ++out.shown;
  }
  return out;
}

} // namespace troupe::trace
