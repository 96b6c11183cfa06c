#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "trace/export/export.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>

// ShiViz takes the first line of a file as a regular expression with the groups host,
// clock and event, the second as a delimiter of executions (none here), and asks that
// the own entry of each host begins at 1 and rises by exactly 1.

namespace troupe::trace {
namespace {

using clock = std::map<std::uint32_t, std::uint64_t>;

void merge_into(clock& into, const clock& from) {
  for (auto& [host, n] : from) {
    auto& mine = into[host];
    mine = std::max(mine, n);
  }
}

class shiviz {
 public:
  shiviz(const model& m, const selection& wanted, output& out)
      : m_{m}, wanted_{wanted}, out_{out, text_sink::kind::text} {}

  void run() {
    check_hosts();
    out_ += "(?<host>\\S+) (?<clock>\\{[^}]*\\}) (?<event>.*)\n\n";
    auto& e = m_.events;
    for (row i = 0; i < e.size(); ++i) {
      auto message = e.message[i];
      if (message == no_row || !wanted_[message]) continue;
      switch (e.kind[i]) {
      case event_kind::sent:
        step(i, message, "send", false);
        if (m_.messages.sent[message] == i) in_flight_[message] = clocks_[e.actor[i]];
        break;
      case event_kind::handled:
      case event_kind::unfinished:
        step(i, message, "handle", true);
        break;
      case event_kind::dropped:
        step(i, message, "drop", true);
        break;
      case event_kind::dead_lettered:
        step(i, message, "dead letter", true);
        break;
      default:
        break;
      }
    }
    out_.flush();
  }

 private:
  void check_hosts() {
    std::vector<bool> seen(m_.actors.size());
    std::size_t hosts = 0;
    for (row i = 0; i < m_.events.size(); ++i) {
      auto message = m_.events.message[i];
      if (message == no_row || !wanted_[message] || seen[m_.events.actor[i]]) continue;
      seen[m_.events.actor[i]] = true;
      ++hosts;
    }
    if (hosts > shiviz_hosts_max)
      throw export_error(fmt::format(
          "ShiViz draws a column an actor, and these are {}; at most {} are exported: choose some "
          "with --where",
          grouped(hosts), shiviz_hosts_max));
  }

  std::string host(std::uint32_t actor) const {
    auto name = printable(m_.actor_name(actor));
    for (char& c : name)
      if (c == ' ' || c == '{' || c == '}' || c == '"') c = '_';
    return name;
  }

  void step(row i, row message, std::string_view what, bool received) {
    auto who = m_.events.actor[i];
    auto& mine = clocks_[who];
    if (received)
      if (auto it = in_flight_.find(message); it != in_flight_.end()) {
        merge_into(mine, it->second);
        in_flight_.erase(it);
      }
    ++mine[who];
    std::string entries;
    for (auto& [h, n] : mine)
      entries += fmt::format("{}{}:{}", entries.empty() ? "" : ",", json_quoted(host(h)), n);
    auto other = received ? m_.messages.sender[message] : m_.messages.receiver[message];
    out_ += fmt::format("{} {{{}}} {} {} {} {} {}\n", host(who), entries, what,
                        printable(m_.text(m_.messages.type[message])), m_.message_name(message),
                        received ? "from" : "to", printable(m_.actor_name(other)));
  }

  const model& m_;
  const selection& wanted_;
  text_sink out_;
  std::map<std::uint32_t, clock> clocks_;
  std::map<row, clock> in_flight_;
};

} // namespace

void export_shiviz(const model& m, const selection& wanted, output& out, std::vector<std::string>&) {
  shiviz{m, wanted, out}.run();
}

} // namespace troupe::trace
