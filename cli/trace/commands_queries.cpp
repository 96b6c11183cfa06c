#include "cli/trace/command_support.hpp"
#include "trace/check/check.hpp"
#include "trace/check/summary.hpp"
#include "trace/export/database.hpp"
#include "trace/merge/merge.hpp"
#include "trace/query/critical_path.hpp"
#include "trace/query/diff.hpp"
#include "trace/query/follow.hpp"
#include "trace/query/stats.hpp"

#include <fmt/format.h>

namespace troupe::trace {

int follow(const trace_query& q, output& out, output& err) {
  return guarded(err, [&] {
    auto m = load_for(q, err);
    std::string why;
    auto message = m.find_message(q.message, why);
    if (message == no_row) throw usage_error(why);
    auto report = follow_message(m, message, q.limit);
    put(
        out, q, [&] { return render_json(report); }, [&] { return render_text(report, q.width); });
    return 0;
  });
}

int critical_path(const trace_query& q, output& out, output& err) {
  return guarded(err, [&] {
    auto f = combined_filter(q);
    auto m = load_for(q, err);
    f.bind(m);
    auto report = find_critical_path(m, f);
    put(
        out, q, [&] { return render_json(report); }, [&] { return render_text(report, q.width); });
    return 0;
  });
}

int stats(const trace_query& q, output& out, output& err) {
  return guarded(err, [&] {
    auto f = combined_filter(q);
    auto m = load_for(q, err);
    f.bind(m);
    auto report = compute_stats(m, f);
    constexpr std::uint64_t rows_for_people = 20;
    put(
        out, q, [&] { return render_json(report); },
        [&] { return render_text(report, q.limit == 0 ? rows_for_people : q.limit, q.width); });
    return 0;
  });
}

int check(const trace_query& q, output& out, output& err) {
  return guarded(err, [&] {
    auto m = load_for(q, err, false);
    auto findings = check_trace(m);
    put(
        out, q, [&] { return render_json(m, findings); }, [&] { return render_text(m, findings, q.width); });
    return any_fault(findings) ? 1 : 0;
  });
}

int diff(const trace_query& q, output& out, output& err) {
  return guarded(err, [&] {
    if (q.against.empty()) throw usage_error("two runs are needed: which one should be compared with?");
    auto left = load(q.inputs), right = load(q.against);
    for (auto* m : {&left, &right})
      if (!q.json && !m->complete())
        err.show(say("{}: {}", m == &left ? "left" : "right", render_remarks(*m)));
    auto report = compare(left, right);
    put(
        out, q, [&] { return render_json(report, left, right); },
        [&] { return render_text(report, left, right, q.limit, q.width); });
    return report.same() ? 0 : 1;
  });
}

int query(const trace_query& q, output& out, output& err) {
  return guarded(err, [&] {
    auto m = load_for(q, err);
    database{m}.query(q.sql, q.json, q.width, out);
    return 0;
  });
}

} // namespace troupe::trace
