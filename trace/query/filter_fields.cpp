#include "trace/query/filter_fields.hpp"
#include "base/units.hpp"
#include "base/words.hpp"

#include "base/text.hpp"
#include "trace/query/filter.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>

namespace troupe::trace::filters {
namespace {

constexpr field_info fields[] = {
    {field::actor, "actor", value_type::text, "at which it happened: worker-3"},
    {field::peer, "peer", value_type::text,
     "at the other end: receiver of a send, sender of what is handled"},
    {field::sender, "sender", value_type::text, "of the event's message"},
    {field::receiver, "receiver", value_type::text, "of the event's message"},
    {field::role, "role", value_type::text, "of the actor: worker"},
    {field::node, "node", value_type::text, "that recorded it: w1"},
    {field::type, "type", value_type::text, "of the message: assign_task"},
    {field::kind, "kind", value_type::kind, "of event: sent, handled, dropped ..."},
    {field::reason, "reason", value_type::text,
     "of an exit, a drop, a dead letter, a node or link that went down"},
    {field::note, "note", value_type::text, "what a note says"},
    {field::payload, "payload", value_type::text, "content of the event's message, with --trace payloads"},
    {field::id, "id", value_type::message, "of the event's message: w1:1234"},
    {field::cause, "cause", value_type::message, "first cause of the event's message"},
    {field::time, "time", value_type::duration, "since the start of the run"},
    {field::wait, "wait", value_type::duration, "of the message in the mailbox"},
    {field::handle, "handle", value_type::duration, "how long the handler of the message ran"},
    {field::network, "network", value_type::duration, "of the message between nodes"},
    {field::latency, "latency", value_type::duration, "from the send to the handler"},
    {field::bytes, "bytes", value_type::size, "of the message on the wire"},
    {field::delay, "delay", value_type::duration, "of a timer"},
};

constexpr std::pair<std::string_view, comparison> comparisons[] = {
    {"=", comparison::equal},    {"==", comparison::equal},  {"!=", comparison::unequal},
    {"~", comparison::like},     {"!~", comparison::unlike}, {"<", comparison::less},
    {"<=", comparison::at_most}, {">", comparison::more},    {">=", comparison::at_least},
};

bool negative(comparison how) { return how == comparison::unequal || how == comparison::unlike; }

bool fits(const test& t, std::string_view name) {
  bool pattern = t.how == comparison::like || t.how == comparison::unlike;
  return pattern ? glob_match(t.text, name) : t.text == name;
}

bool compare(std::int64_t value, const test& t) {
  switch (t.how) {
  case comparison::equal:
    return value == t.number;
  case comparison::unequal:
    return value != t.number;
  case comparison::less:
    return value < t.number;
  case comparison::at_most:
    return value <= t.number;
  case comparison::more:
    return value > t.number;
  case comparison::at_least:
    return value >= t.number;
  case comparison::like:
  case comparison::unlike:
    return false;
  }
  return false;
}

/// Which entry of test::matching concerns the event; negative: it has no such text.
std::int64_t text_index(field what, const model& m, row i) {
  auto& e = m.events;
  auto message = e.message[i];
  switch (what) {
  case field::actor:
  case field::role:
    return e.actor[i];
  case field::peer:
    return e.peer[i];
  case field::sender:
    return message == no_row ? -1 : std::int64_t{m.messages.sender[message]};
  case field::receiver:
    return message == no_row ? -1 : std::int64_t{m.messages.receiver[message]};
  case field::node:
    return e.node[i];
  case field::type:
    if (message != no_row) return m.messages.type[message];
    return e.kind[i] == event_kind::fault || e.kind[i] == event_kind::told_to_end ? std::int64_t{e.type[i]}
                                                                                  : -1;
  case field::kind:
    return static_cast<std::int64_t>(e.kind[i]);
  case field::reason:
    return has_reason(e.kind[i]) ? e.value[i] : -1;
  case field::note:
    return e.kind[i] == event_kind::noted ? e.value[i] : -1;
  case field::payload:
    return message == no_row ? -1 : std::int64_t{m.payload_index(message)};
  default:
    return -1;
  }
}

/// Negative: the event has no such number.
std::int64_t number_of(field what, const model& m, row i) {
  auto& e = m.events;
  if (what == field::time) return e.time[i];
  if (what == field::delay) return e.kind[i] == event_kind::timer_set ? e.value[i] : -1;
  auto message = e.message[i];
  if (message == no_row) return -1;
  switch (what) {
  case field::wait:
    return m.wait_ns(message);
  case field::handle:
    return m.handling_ns(message);
  case field::network:
    return m.network_ns(message);
  case field::bytes:
    return m.bytes(message);
  case field::latency: {
    auto sent = m.messages.sent[message], handled = m.messages.handled[message];
    return sent == no_row || handled == no_row ? -1 : e.time[handled] - e.time[sent];
  }
  default:
    return -1;
  }
}

} // namespace

const field_info* find_field(std::string_view name) {
  auto it = std::ranges::find(fields, name, &field_info::name);
  return it == std::end(fields) ? nullptr : it;
}

std::optional<std::int64_t> time_of(std::string_view text) {
  if (text == "0") return 0; // of no unit at all
  if (const auto read = parse_duration(text).value) return read->count();
  return std::nullopt;
}

std::optional<std::int64_t> size_of(std::string_view text) {
  const auto read = parse_size(text).value;
  if (!read || !std::in_range<std::int64_t>(*read)) return std::nullopt;
  return static_cast<std::int64_t>(*read);
}

std::vector<std::string_view> field_names() {
  std::vector<std::string_view> out;
  for (auto& f : fields)
    out.push_back(f.name);
  return out;
}

std::string_view expectation(value_type type) {
  switch (type) {
  case value_type::text:
    return "a name, or a pattern after ~";
  case value_type::kind:
    return "a kind of event such as handled";
  case value_type::duration:
    return "a duration such as 2ms";
  case value_type::size:
    return "a size such as 64KiB";
  case value_type::number:
    return "a number";
  case value_type::message:
    return "a message such as w1:1234";
  }
  return "a value";
}

std::optional<comparison> parse_comparison(std::string_view text) {
  for (auto& [name, how] : comparisons)
    if (name == text) return how;
  return {};
}

std::string set_value(test& t, const std::string& text) {
  t.text = text;
  switch (t.type) {
  case value_type::text:
    return {};
  case value_type::kind: {
    if (t.how == comparison::like || t.how == comparison::unlike) return {};
    std::vector<std::string_view> names;
    for (std::size_t k = 0; k < event_kind_count; ++k)
      names.push_back(to_string(static_cast<event_kind>(k)));
    if (std::ranges::find(names, text) != names.end()) return {};
    auto near = nearest(text, names);
    if (!near.empty()) return fmt::format("there is no kind \"{}\"; did you mean \"{}\"?", text, near);
    return fmt::format("there is no kind \"{}\"; kinds are {}", text, fmt::join(names, ", "));
  }
  case value_type::duration: {
    auto value = time_of(text);
    if (!value)
      return fmt::format("\"{}\" is no duration; write a number and a unit: 250us, 2ms, 1.5s", text);
    t.number = *value;
    return {};
  }
  case value_type::size:
  case value_type::number: {
    auto value = size_of(text);
    if (!value)
      return fmt::format("\"{}\" is no size; write a number, with a unit if you like: 100, 64KiB", text);
    t.number = *value;
    return {};
  }
  case value_type::message: {
    auto digits = std::string_view{text}.substr(text.rfind(':') + 1);
    std::uint64_t number = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc{} && end == digits.data() + digits.size()) {
      t.number = static_cast<std::int64_t>(number);
      return {};
    }
    return fmt::format("\"{}\" names no message; write NODE:NUMBER, as in w1:1234, or a number", text);
  }
  }
  return {};
}

void bind(test& t, const model& m) {
  t.matching.clear();
  auto fill = [&](std::size_t count, auto&& name) {
    for (std::size_t i = 0; i < count; ++i)
      t.matching.push_back(fits(t, name(i)));
  };
  switch (t.field) {
  case field::actor:
  case field::peer:
  case field::sender:
  case field::receiver:
    fill(m.actors.size(), [&](auto i) { return m.actor_name(static_cast<std::uint32_t>(i)); });
    break;
  case field::role:
    fill(m.actors.size(), [&](auto i) { return m.role_name(static_cast<std::uint32_t>(i)); });
    break;
  case field::node:
    fill(m.nodes.size(), [&](auto i) { return m.node_name(static_cast<std::uint16_t>(i)); });
    break;
  case field::type:
  case field::reason:
    fill(m.strings.size(), [&](auto i) -> std::string_view { return m.strings[i]; });
    break;
  case field::note:
    fill(m.notes.size(), [&](auto i) -> std::string_view { return m.notes[i]; });
    break;
  case field::payload:
    fill(m.payloads.size(), [&](auto i) { return m.payload(m.payloads[i]); });
    break;
  case field::kind:
    fill(event_kind_count, [](auto i) { return to_string(static_cast<event_kind>(i)); });
    break;
  default:
    break;
  }
}

bool holds(const test& t, const model& m, row i) {
  switch (t.type) {
  case value_type::text:
  case value_type::kind: {
    auto index = text_index(t.field, m, i);
    if (index < 0) return false;
    bool fit =
        static_cast<std::size_t>(index) < t.matching.size() && t.matching[static_cast<std::size_t>(index)];
    return fit != negative(t.how);
  }
  case value_type::message: {
    auto message = m.events.message[i];
    if (message != no_row && t.field == field::cause) message = m.messages.cause[message];
    if (message == no_row) return false;
    auto colon = t.text.rfind(':');
    bool same = m.messages.number[message] == static_cast<std::uint64_t>(t.number)
                && (colon == std::string::npos
                    || t.text.compare(0, colon, m.node_name(m.messages.node[message])) == 0);
    return same != negative(t.how);
  }
  case value_type::duration:
  case value_type::size:
  case value_type::number: {
    auto value = number_of(t.field, m, i);
    // Events can lie before time 0 by a clock's uncertainty; other numbers cannot be negative.
    return (value >= 0 || t.field == field::time) && compare(value, t);
  }
  }
  return false;
}

} // namespace troupe::trace::filters

namespace troupe::trace {

std::string filter_help() {
  std::string out;
  for (auto name : filters::field_names()) {
    auto* f = filters::find_field(name);
    out += fmt::format("  {:<9} {}\n", f->name, f->about);
  }
  return out;
}

} // namespace troupe::trace
