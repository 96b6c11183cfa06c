#include "cli/watch/watch_picture.hpp"

#include "base/durations.hpp"
#include "base/table.hpp"
#include "base/text.hpp"
#include "cli/watch/styled_line.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <functional>
#include <numeric>

namespace troupe::cli {
namespace {

using seconds = std::chrono::duration<double>;

constexpr int name_width_max = 32;
constexpr std::size_t bar_width_max = 40;
constexpr std::size_t rows_beside_section = 2; ///< a blank line and its head

/// One part of the picture: rows under a head.
struct section {
  styled_line head;
  std::vector<styled_line> rows;
  bool all_known = true;      ///< false: there may be more rows than these
  bool newest_at_end = false; ///< then these stay, and nothing is counted
  std::size_t rows_shown = 0; ///< as many as it was given
};

section from_table(const table& cells) {
  const auto lines = cells.lines(text_style::bold);
  section made;
  made.head = styled_line(lines.front());
  for (std::size_t i = 1; i < lines.size(); ++i)
    made.rows.emplace_back(lines[i]);
  return made;
}

/// Widths are the least ones, so that the columns stand still while numbers grow.
table::column name_column(std::string head, std::size_t width_min) {
  return {std::move(head), table::align::left, width_min, name_width_max};
}
table::column number_column(std::string head, std::size_t width_min) {
  return {std::move(head), table::align::right, width_min, name_width_max};
}

/// "1,234", "1.5", or a dash where it is not known.
class rates {
 public:
  explicit rates(std::chrono::nanoseconds between) : seconds_(seconds(between).count()) {}
  std::string text(std::uint64_t now, std::uint64_t before) const {
    if (seconds_ <= 0) return "–";
    // A node that was started again counts from 0.
    const auto rate = now > before ? static_cast<double>(now - before) / seconds_ : 0.0;
    return rate > 0 && rate < 10 ? fmt::format("{:.1f}", rate)
                                 : grouped(static_cast<std::uint64_t>(std::llround(rate)));
  }

 private:
  double seconds_;
};

const trace::live_node* find_node(const trace::live_state& live, const std::string& name) {
  const auto found = std::ranges::find(live.nodes, name, &trace::live_node::name);
  return found == live.nodes.end() ? nullptr : &*found;
}

/// Those with files first, in their order; then those of which only the launcher knows.
std::vector<std::string> node_names(const run_snapshot& now) {
  std::vector<std::string> names;
  for (const auto& node : now.live.nodes)
    names.push_back(node.name);
  for (const auto& [name, presence] : now.nodes)
    if (!find_node(now.live, name)) names.push_back(name);
  return names;
}

bool is_up(const run_snapshot& now, const std::string& name) {
  const auto found = now.nodes.find(name);
  return found == now.nodes.end() || found->second.up;
}

/// The last cell of a node: why it is not there, or its links.
shown_text whereabouts(const run_snapshot& now, const std::string& name, const trace::live_node* node) {
  const auto presence = now.nodes.find(name);
  if (presence != now.nodes.end() && !presence->second.up) {
    const auto& why = presence->second.why;
    return shown_text{why.empty() ? "gone" : why}.in(why == "left" ? text_style::faint : text_style::red);
  }
  if (!node || !node->books) return say("its files are on another host").in(text_style::faint);
  std::string links;
  bool all_up = true;
  for (const auto& [peer, link] : node->links) {
    if (!links.empty()) links += " · ";
    links += peer;
    if (!link.up && !is_up(now, peer)) {
      links += " gone";
    } else if (!link.up) {
      links += " not connected";
      all_up = false;
    } else if (link.round_trip) {
      links += ' ' + duration_text(link.round_trip->count());
    }
  }
  return shown_text{links}.in(all_up ? text_style::plain : text_style::red);
}

section nodes_of(const run_snapshot& now, const run_snapshot& before, const rates& rate) {
  table cells({name_column("node", 8),
               number_column("actors", 6),
               number_column("waiting", 7),
               number_column("sent/s", 9),
               number_column("handled/s", 9),
               {"links and round trips"}});
  for (const auto& name : node_names(now)) {
    const auto* node = find_node(now.live, name);
    const auto* earlier = find_node(before.live, name);
    const bool up = is_up(now, name);
    std::vector<shown_text> row{shown_text{name}.in(up ? text_style::plain : text_style::red)};
    const bool counted = node && node->complete();
    row.emplace_back(counted ? grouped(node->actors) : "–");
    row.emplace_back(counted ? grouped(node->mailbox_total) : "–");
    if (node && node->books) {
      const auto books = earlier && earlier->books ? *earlier->books : trace::ledger_counts{};
      row.emplace_back(rate.text(node->books->sent, books.sent));
      row.emplace_back(rate.text(node->books->handled, books.handled));
    } else {
      row.insert(row.end(), 2, say("–"));
    }
    row.push_back(whereabouts(now, name, node));
    cells.styled_row(std::move(row));
  }
  return from_table(cells);
}

/// Why mailboxes and types of a node are not known; empty: they are.
std::string unknown_because(const trace::live_node& node) {
  if (!node.books || node.complete()) return {};
  if (!node.traced) return "no trace is recorded, so mailboxes, types and links are not known";
  if (node.sample_one_in > 1)
    return fmt::format("1 in {} causal trees is recorded, so mailboxes and types are not known",
                       node.sample_one_in);
  if (node.ended_early) return "its trace is full, so mailboxes and types are not known";
  return "its trace is damaged, so mailboxes and types are not known";
}

std::vector<styled_line> notes_of(const run_snapshot& now) {
  std::map<std::string, std::vector<std::string>> reasons;
  for (const auto& node : now.live.nodes)
    if (const auto reason = unknown_because(node); !reason.empty()) reasons[reason].push_back(node.name);
  std::vector<styled_line> notes;
  for (const auto& [reason, names] : reasons) {
    const bool all = names.size() == now.live.nodes.size() && names.size() > 1;
    const auto who =
        names.size() == 1 ? names.front() : fmt::format("{}{} nodes", all ? "all " : "", names.size());
    notes.emplace_back(fmt::format("{}: {}", who, reason), text_style::faint);
  }
  return notes;
}

section mailboxes_of(const run_snapshot& now, std::size_t columns) {
  table cells(
      {name_column("deepest mailboxes", 20), name_column("node", 8), number_column("waiting", 7), {}});
  std::vector<const trace::live_actor*> actors;
  for (const auto& actor : now.live.actors)
    if (const auto* node = find_node(now.live, actor.node); node && node->complete())
      actors.push_back(&actor);
  const auto deepest = actors.empty() ? 0.0 : static_cast<double>(actors.front()->depth);
  const std::size_t beside = 20 + 8 + 7 + 3 * 2;
  const auto bar_width = std::min(bar_width_max, columns > beside ? columns - beside : 0);
  for (const auto* actor : actors)
    cells.styled_row(
        {shown_text{actor->name()}, shown_text{actor->node}, shown_text{grouped(actor->depth)},
         shown_text{bar_text(static_cast<double>(actor->depth) / deepest, bar_width)}.in(text_style::green)});
  auto made = from_table(cells);
  made.all_known = now.live.actors.size() < trace::live_actors_max;
  auto notes = notes_of(now);
  if (actors.empty() && notes.empty()) notes.emplace_back("all are empty", text_style::faint);
  made.rows.insert(made.rows.begin(), notes.begin(), notes.end());
  return made;
}

std::map<std::string, trace::live_type> types_of(const run_snapshot& taken) {
  std::map<std::string, trace::live_type> sums;
  for (const auto& node : taken.live.nodes)
    if (node.complete())
      for (const auto& [name, counts] : node.types) {
        sums[name].sent += counts.sent;
        sums[name].handled += counts.handled;
      }
  return sums;
}

section messages_of(const run_snapshot& now, const run_snapshot& before, const rates& rate) {
  table cells({name_column("messages by type", 28),
               number_column("sent/s", 9),
               number_column("handled/s", 9),
               {"sent", table::align::right, 11}});
  const auto all = types_of(now);
  auto earlier = types_of(before);
  // By what was sent so far: by rate they would jump about.
  std::vector<std::pair<std::string, trace::live_type>> ordered(all.begin(), all.end());
  std::ranges::stable_sort(ordered, std::greater{}, [](const auto& entry) { return entry.second.sent; });
  for (const auto& [name, counts] : ordered)
    cells.row({name, rate.text(counts.sent, earlier[name].sent),
               rate.text(counts.handled, earlier[name].handled), grouped(counts.sent)});
  return from_table(cells);
}

section console_of(const run_snapshot& now) {
  section made;
  made.head = styled_line("console", text_style::bold);
  for (const auto& line : now.messages)
    made.rows.emplace_back(line, text_style::plain);
  made.newest_at_end = true;
  return made;
}

/// Title and progress.
std::vector<styled_line> top_of(const run_snapshot& now, std::size_t columns) {
  const auto names = node_names(now);
  const auto up = std::ranges::count_if(names, [&](const auto& name) { return is_up(now, name); });
  const auto right = fmt::format("{} up  {}",
                                 up == std::ssize(names) ? counted(names.size(), "node")
                                                         : fmt::format("{} of {} nodes", up, names.size()),
                                 clock_text(now.how_far.elapsed));
  styled_line title(now.scenario, text_style::bold);
  const auto wide = display_width(right);
  title.pad_to(columns > wide ? columns - wide : 0);
  title.add(right);
  std::vector<styled_line> lines{std::move(title)};
  if (now.how_far.done > 0 || now.how_far.total > 0)
    lines.emplace_back(progress_line(now.how_far, true), text_style::plain);
  return lines;
}

/// Gives each section a row in turn until all have enough, or nothing is left. Sections
/// that get none are taken away.
void share_out(std::vector<section>& sections, std::size_t rows) {
  std::erase_if(sections, [](const section& each) { return each.rows.empty(); });
  while (!sections.empty() && sections.size() * (rows_beside_section + 1) > rows)
    sections.pop_back();
  rows -= sections.size() * rows_beside_section;
  for (bool given = true; given;) {
    given = false;
    for (auto& each : sections) {
      if (rows == 0 || each.rows_shown == each.rows.size()) continue;
      ++each.rows_shown;
      --rows;
      given = true;
    }
  }
}

void add(const section& what, const picture_size& size, std::vector<shown_text>& lines) {
  const auto put = [&](const styled_line& line) { lines.push_back(line.text(size.columns)); };
  lines.emplace_back();
  put(what.head);
  const bool all = what.rows_shown == what.rows.size();
  if (what.newest_at_end) {
    std::for_each(what.rows.end() - static_cast<std::ptrdiff_t>(what.rows_shown), what.rows.end(), put);
    return;
  }
  const auto shown = all ? what.rows_shown : what.rows_shown - 1; // the last one counts the rest
  std::for_each_n(what.rows.begin(), shown, put);
  if (!all)
    put({fmt::format("… and {}{} more", what.all_known ? "" : "at least ", what.rows.size() - shown),
         text_style::faint});
}

} // namespace

std::vector<shown_text> picture(const run_snapshot& now, const run_snapshot& before, picture_size size) {
  const rates rate(now.taken - before.taken);
  auto top = top_of(now, size.columns);
  const styled_line bottom("q leaves this view, and the run goes on; Enter or Ctrl-C stops the run",
                           text_style::faint);
  std::vector<section> sections{nodes_of(now, before, rate), mailboxes_of(now, size.columns),
                                messages_of(now, before, rate), console_of(now)};
  const auto beside = top.size() + 2; // and the last line, after a blank one
  share_out(sections, size.rows > beside ? size.rows - beside : 0);
  std::vector<shown_text> lines;
  for (const auto& line : top)
    lines.push_back(line.text(size.columns));
  for (const auto& each : sections)
    add(each, size, lines);
  if (lines.size() < size.rows) {
    lines.resize(size.rows - 1);
    lines.push_back(bottom.text(size.columns));
  }
  lines.resize(std::min(lines.size(), size.rows));
  return lines;
}

} // namespace troupe::cli
