#include "cli/report.hpp"

#include "cli/table.hpp"
#include "scenarios/json_text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::cli {
namespace {

using nlohmann::json;

constexpr std::size_t list_items_max = 16;

std::string paint(std::string_view text, int code, bool colour) {
  return colour ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}
constexpr int red = 31, green = 32, bold = 1;

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

std::string table_of(const std::string& title, const json& rows, const whole_list& all, bool colour) {
  const auto columns = columns_of(rows);
  table out(columns);
  for (const auto& row : rows) {
    if (out.size() == rows_shown_max) break;
    std::vector<std::string> cells;
    for (const auto& column : columns)
      cells.push_back(row.contains(column) ? text_of(row[column]) : "");
    out.row(std::move(cells));
  }
  std::string text = fmt::format("\n{}\n{}", paint(title, bold, colour), out.text(false));
  if (all.length > out.size())
    text += trace::printable(fmt::format("\u2026 {} more, see {}", all.length - out.size(), all.file)) + '\n';
  return text;
}

void flatten(const json& value, const std::string& prefix,
             std::vector<std::pair<std::string, std::string>>& lines, std::string& tables, bool colour) {
  for (const auto& [key, member] : value.items()) {
    const auto name = prefix.empty() ? key : prefix + '.' + key;
    if (tells_of_cut(value, key)) continue;
    if (member.is_object()) {
      flatten(member, name, lines, tables, colour);
    } else if (is_table(member)) { // what was asked for comes before who did it
      const auto table = table_of(name, member, whole(value, key), colour);
      tables = name == "results" ? table + tables : tables + table;
    } else if (member.is_array()) {
      lines.emplace_back(name, trace::printable(list_of(member, whole(value, key))));
    } else {
      lines.emplace_back(name, trace::printable(text_of(member)));
    }
  }
}

std::string nodes_of(const scenarios::outcome& run, bool colour) {
  table out({"node", "pid", "ended"});
  for (const auto& node : run.nodes)
    out.row({node.name, std::to_string(node.pid), node.ended});
  return fmt::format("\n{}\n{}", paint("nodes", bold, colour), out.text(false));
}

std::string messages_of(const scenarios::outcome& run, bool colour) {
  const auto& m = run.messages;
  const auto accounted = m.handled + m.dropped_total() + m.dead_lettered + run.lost;
  std::string text = fmt::format(
      "\n{}\nsent {} {} handled {} + dropped {} + dead-lettered {} + lost in crashes {}: {}\n",
      paint("messages", bold, colour), m.sent, m.sent == accounted ? "=" : "\u2260", m.handled,
      m.dropped_total(), m.dead_lettered, run.lost,
      m.sent == accounted ? paint("the books balance", green, colour)
                          : paint(fmt::format("{} unaccounted for",
                                              m.sent > accounted ? m.sent - accounted : accounted - m.sent),
                                  red, colour));
  for (std::size_t i = 0; i < m.dropped.size(); ++i)
    if (m.dropped[i] > 0)
      text +=
          fmt::format("dropped {}: {}\n", m.dropped[i], trace::to_string(static_cast<trace::drop_reason>(i)));
  return text;
}

std::string checks_of(const scenarios::outcome& run, bool colour) {
  if (run.checks.empty()) return {};
  std::size_t width = 0;
  for (const auto& check : run.checks)
    width = std::max(width, width_of(check.name));
  std::string text = fmt::format("\n{}\n", paint("checks", bold, colour));
  for (const auto& check : run.checks)
    text += fmt::format("{}  {}{}  {}\n",
                        check.passed ? paint("ok  ", green, colour) : paint("FAIL", red, colour), check.name,
                        std::string(width - width_of(check.name), ' '), trace::printable(check.detail));
  return text;
}

} // namespace

std::string render_result(const json& result, bool colour) {
  std::vector<std::pair<std::string, std::string>> lines;
  std::string tables;
  if (result.is_object())
    flatten(result, "", lines, tables, colour);
  else if (is_table(result))
    tables = table_of("result", result, {result.size(), "result.json"}, colour);
  else if (!result.is_null())
    lines.emplace_back("result", trace::printable(text_of(result)));
  std::size_t width = 0;
  for (const auto& [name, text] : lines)
    width = std::max(width, width_of(name));
  std::string out;
  for (const auto& [name, text] : lines)
    out += fmt::format("{}{}  {}\n", name, std::string(width - width_of(name), ' '), text);
  return tables + (tables.empty() || out.empty() ? "" : "\n") + out;
}

std::string render(const scenarios::outcome& run, bool colour) {
  const bool passed = run.result_verdict == scenarios::verdict::passed;
  std::string out = render_result(run.result, colour);
  if (!out.empty() && out.front() == '\n') out.erase(0, 1);
  out += nodes_of(run, colour) + messages_of(run, colour) + checks_of(run, colour);
  out +=
      fmt::format("\n{}: {} in {:.3g} s", paint(to_string(run.result_verdict), passed ? green : red, colour),
                  run.scenario, run.elapsed_s);
  if (!run.reason.empty() && run.reason != to_string(run.result_verdict))
    out += fmt::format("; {}", trace::printable(run.reason));
  // Nobody shall look for it where it is not.
  return out
         + (run.not_kept.empty() ? fmt::format("; see {}\n", run.run_dir.string())
                                 : std::string("; the result could not be kept\n"));
}

} // namespace troupe::cli
