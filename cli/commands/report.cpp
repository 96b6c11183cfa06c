#include "cli/commands/report.hpp"

#include "base/durations.hpp"
#include "base/table.hpp"
#include "runner/plan/json_text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::cli {
namespace {

using nlohmann::json;

constexpr std::size_t list_items_max = 16;

/// How long a list is, and where all of it can be seen.
struct whole_list {
  std::uint64_t length;
  std::string file;
};
constexpr std::string_view cut_suffix = "_cut";

whole_list whole(const json& object, const std::string& key) {
  const auto told = object.find(key + std::string(cut_suffix));
  if (told == object.end() || !told->is_object()) return {object.at(key).size(), "result.json"};
  return {told->value("of", std::uint64_t{0}), told->value("all_in", std::string("result.json"))};
}

/// Whether this member only says what another one does not show.
bool tells_of_cut(const json& object, const std::string& key) {
  return key.ends_with(cut_suffix) && object.at(key).is_object() && object.at(key).contains("all_in")
         && object.contains(key.substr(0, key.size() - cut_suffix.size()));
}

std::string text_of(const json& value);

std::string list_of(const json& values, const whole_list& all) {
  std::string out;
  std::size_t shown = 0;
  for (const auto& value : values) {
    if (shown == list_items_max) break;
    out += (shown++ > 0 ? ", " : "") + text_of(value);
  }
  if (all.length > shown) out += fmt::format(", \u2026 {} more, see {}", all.length - shown, all.file);
  return out;
}

std::string text_of(const json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return fmt::format("{:.6g}", value.get<double>());
  if (value.is_array()) return list_of(value, {value.size(), "result.json"});
  return scenarios::json_text(value);
}

bool is_table(const json& value) {
  return value.is_array() && !value.empty()
         && std::all_of(value.begin(), value.end(), [](const json& row) { return row.is_object(); });
}

// Names come before figures: JSON objects have no order of their own.
std::vector<std::string> columns_of(const json& rows) {
  std::vector<std::string> names, figures;
  for (const auto& row : rows)
    for (const auto& [key, value] : row.items()) {
      auto& where = value.is_string() ? names : figures;
      if (std::find(names.begin(), names.end(), key) == names.end()
          && std::find(figures.begin(), figures.end(), key) == figures.end())
        where.push_back(key);
    }
  names.insert(names.end(), figures.begin(), figures.end());
  return names;
}

shown_text heading(std::string_view title) { return say("{}\n", shown_text{title}.in(text_style::bold)); }

/// One below the other with a blank line between; nothing takes none.
shown_text stacked(const shown_text& above, const shown_text& below) {
  return above.empty() ? below : below.empty() ? above : above + "\n" + below;
}

shown_text table_of(const std::string& title, const json& rows, const whole_list& all) {
  const auto columns = columns_of(rows);
  table out(table::by_content(columns));
  for (const auto& row : rows) {
    if (out.size() == rows_shown_max) break;
    std::vector<std::string> cells;
    for (const auto& column : columns)
      cells.push_back(row.contains(column) ? text_of(row[column]) : "");
    out.row(std::move(cells));
  }
  auto text = heading(title) + out.render(0, text_style::plain);
  if (all.length > out.size()) text += say("\u2026 {} more, see {}\n", all.length - out.size(), all.file);
  return text;
}

void flatten(const json& value, const std::string& prefix, table& lines, shown_text& tables) {
  for (const auto& [key, member] : value.items()) {
    const auto name = prefix.empty() ? key : prefix + '.' + key;
    if (tells_of_cut(value, key)) continue;
    if (member.is_object()) {
      flatten(member, name, lines, tables);
    } else if (is_table(member)) { // what was asked for comes before who did it
      const auto table = table_of(name, member, whole(value, key));
      tables = name == "results" ? stacked(table, tables) : stacked(tables, table);
    } else if (member.is_array()) {
      lines.row({name, list_of(member, whole(value, key))});
    } else {
      lines.row({name, text_of(member)});
    }
  }
}

shown_text nodes_of(const scenarios::outcome& run) {
  table out(table::by_content({"node", "pid", "ended"}));
  for (const auto& node : run.nodes)
    out.row({node.name, std::to_string(node.pid), node.ended});
  return heading("nodes") + out.render(0, text_style::plain);
}

shown_text messages_of(const scenarios::outcome& run) {
  const auto& m = run.messages;
  const auto accounted = m.handled + m.dropped_total() + m.dead_lettered + run.lost;
  const auto open = m.sent > accounted ? m.sent - accounted : accounted - m.sent;
  auto text =
      heading("messages")
      + say("sent {} {} handled {} + dropped {} + dead-lettered {} + lost in crashes {}: {}\n", m.sent,
            open == 0 ? "=" : "\u2260", m.handled, m.dropped_total(), m.dead_lettered, run.lost,
            open == 0 ? say("the books balance").in(text_style::green)
                      : say("{} unaccounted for", open).in(text_style::red));
  for (std::size_t i = 0; i < m.dropped.size(); ++i)
    if (m.dropped[i] > 0)
      text += say("dropped {}: {}\n", m.dropped[i], trace::to_string(static_cast<trace::drop_reason>(i)));
  return text;
}

shown_text checks_of(const scenarios::outcome& run) {
  if (run.checks.empty()) return {};
  std::vector<table::column> columns(3);
  columns[0].width_min = 4; // also where nothing failed
  table lines(columns);
  for (const auto& check : run.checks)
    lines.styled_row({check.passed ? say("ok").in(text_style::green) : say("FAIL").in(text_style::red),
                      shown_text{check.name}, shown_text{check.detail}});
  return heading("checks") + lines.render(0, text_style::plain);
}

} // namespace

shown_text render_result(const json& result) {
  table lines(std::vector<table::column>(2));
  shown_text tables;
  if (result.is_object())
    flatten(result, "", lines, tables);
  else if (is_table(result))
    tables = table_of("result", result, {result.size(), "result.json"});
  else if (!result.is_null())
    lines.row({"result", text_of(result)});
  return stacked(tables, lines.render(0, text_style::plain));
}

shown_text render(const scenarios::outcome& run) {
  const bool passed = run.result_verdict == scenarios::verdict::passed;
  auto last = say("{}: {} in {}",
                  shown_text{to_string(run.result_verdict)}.in(passed ? text_style::green : text_style::red),
                  run.scenario, seconds_text(run.elapsed_s));
  if (!run.reason.empty() && run.reason != to_string(run.result_verdict)) last += say("; {}", run.reason);
  // Nobody shall look for it where it is not.
  last += run.not_kept.empty() ? say("; see {}\n", run.run_dir) : say("; the result could not be kept\n");
  shown_text out;
  for (const auto& part : {render_result(run.result), nodes_of(run), messages_of(run), checks_of(run), last})
    out = stacked(out, part);
  return out;
}

} // namespace troupe::cli
