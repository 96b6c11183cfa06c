#include "base/durations.hpp"
#include "base/json_writer.hpp"
#include "base/table.hpp"
#include "base/text.hpp"
#include "trace/query/stats.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::trace {
namespace {

std::string rate_text(double per_second) {
  if (per_second <= 0) return "";
  return per_second < 100 ? fmt::format("{:.1f}/s", per_second)
                          : grouped(static_cast<std::uint64_t>(per_second)) + "/s";
}

shown_text section(std::string_view what, const std::vector<stats_row>& rows, std::int64_t length,
                   std::uint64_t limit, int width) {
  using align = table::align;
  std::vector<table::column> columns{
      {std::string{what}}, {"handled", align::right}, {"rate", align::right}, {"busy", align::right}};
  for (auto name : {"handling p50", "p95", "p99", "max", "wait p50", "p95", "p99", "max", "network p50",
                    "p95", "p99", "max"})
    columns.push_back({name, align::right});
  table t{columns};
  std::uint64_t shown = 0;
  for (auto& r : rows) {
    if (limit != 0 && shown == limit) break;
    ++shown;
    std::vector<std::string> cells{
        r.name.empty() ? "?" : r.name, grouped(r.messages), rate_text(r.per_second),
        length <= 0
            ? ""
            : fmt::format("{:.1f} %", 100.0 * static_cast<double>(r.busy_ns) / static_cast<double>(length))};
    for (auto* d : {&r.handling, &r.wait, &r.network})
      for (auto v : {d->p50, d->p95, d->p99, d->max})
        cells.push_back(d->count == 0 ? "" : duration_text(v));
    t.row(std::move(cells));
  }
  auto out = t.render(width);
  if (shown < rows.size()) out += say("{} more\n", counted(rows.size() - shown, "row"));
  return out + "\n";
}

std::string sparkline(const std::vector<std::uint32_t>& depth) {
  constexpr std::string_view bars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  auto top = std::max<std::uint32_t>(1, *std::max_element(depth.begin(), depth.end()));
  std::string out;
  // What is not empty shows, however small.
  for (auto d : depth)
    out += bars[(std::uint64_t{d} * 8 + top - 1) / top];
  return out;
}

void json_distribution(json_writer& j, std::string_view name, const distribution& d) {
  j.key(name);
  if (d.count == 0) {
    j.null();
    return;
  }
  j.object()
      .member("count", d.count)
      .member("p50_ns", d.p50)
      .member("p95_ns", d.p95)
      .member("p99_ns", d.p99)
      .member("max_ns", d.max)
      .end();
}

void json_rows(json_writer& j, std::string_view name, const std::vector<stats_row>& rows) {
  j.key(name).array();
  for (auto& r : rows) {
    j.object().member("name", r.name).member("handled", r.messages).member("per_second", r.per_second);
    j.member("busy_ns", r.busy_ns);
    json_distribution(j, "network", r.network);
    json_distribution(j, "wait", r.wait);
    json_distribution(j, "handling", r.handling);
    j.end();
  }
  j.end();
}

} // namespace

shown_text render_text(const stats_report& s, std::uint64_t limit, int width) {
  auto& m = *s.of;
  if (s.actors.empty()) return say("no handled message matches\n");
  auto length = m.end_of_run();
  auto out = section("message", s.types, length, limit, width);
  out += section("role", s.roles, length, limit, width);
  out += section("node", s.nodes, length, limit, width);
  out += section("hottest actor", s.actors, length, limit, width);
  if (s.mailboxes.empty()) return out + "no mailbox ever held more than one message\n";
  using align = table::align;
  table t{{{"mailbox"},
           {"deepest", align::right},
           {"at", align::right},
           {"mean", align::right},
           {"over the run"}}};
  std::uint64_t shown = 0;
  for (auto& b : s.mailboxes) {
    if (limit != 0 && shown++ == limit) break;
    t.row({m.actor_name(b.actor), grouped(b.deepest), time_text(b.deepest_at), fmt::format("{:.1f}", b.mean),
           sparkline(b.depth)});
  }
  return out + t.render(width);
}

std::string render_json(const stats_report& s) {
  auto& m = *s.of;
  std::string out;
  json_writer j{out};
  j.object().member("length_ns", m.end_of_run());
  json_rows(j, "types", s.types);
  json_rows(j, "roles", s.roles);
  json_rows(j, "nodes", s.nodes);
  json_rows(j, "actors", s.actors);
  j.key("mailboxes").array();
  for (auto& b : s.mailboxes) {
    j.object()
        .member("actor", m.actor_name(b.actor))
        .member("deepest", b.deepest)
        .member("deepest_at_ns", b.deepest_at);
    j.member("mean", b.mean).key("depth").array();
    for (auto d : b.depth)
      j.value(d);
    j.end().end();
  }
  j.end().end();
  return out + "\n";
}

} // namespace troupe::trace
