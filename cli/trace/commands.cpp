#include "cli/trace/commands.hpp"

#include "base/files.hpp"
#include "base/text.hpp"
#include "cli/trace/command_support.hpp"
#include "trace/check/summary.hpp"
#include "trace/export/database.hpp"
#include "trace/merge/merge.hpp"
#include "trace/query/filter_fields.hpp"
#include "trace/query/show.hpp"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>

namespace troupe::trace {
namespace {

std::string quoted(const std::string& text) {
  // A filter has no escapes inside quotes, but two kinds of quotes.
  auto quote = text.find('"') == std::string::npos ? '"' : '\'';
  return quote + text + quote;
}

void check_time(const std::string& text, const char* option) {
  if (!text.empty() && !filters::time_of(text))
    throw usage_error(fmt::format(
        "{}: \"{}\" is no time since the start of the run; write a number and a unit: 1.5s, 200ms", option,
        text));
}

} // namespace

filter combined_filter(const trace_query& q) {
  filter{q.where}; // on its own first, so that a caret points into what the user wrote
  check_time(q.from, "--from");
  check_time(q.to, "--to");
  std::vector<std::string> parts;
  if (q.where.find_first_not_of(" \t\n") != std::string::npos) parts.push_back("(" + q.where + ")");
  if (!q.actor.empty()) parts.push_back(fmt::format("(actor~{0} or peer~{0})", quoted(q.actor)));
  if (!q.node.empty()) parts.push_back("node~" + quoted(q.node));
  if (!q.type.empty()) parts.push_back("type~" + quoted(q.type));
  if (!q.from.empty()) parts.push_back("time>=" + quoted(q.from));
  if (!q.to.empty()) parts.push_back("time<=" + quoted(q.to));
  return filter{fmt::format("{}", fmt::join(parts, " and "))};
}

bool to_file(const std::filesystem::path& output) { return !output.empty() && output != "-"; }

void write_to(const std::filesystem::path& output_file, output& out,
              const std::function<void(output&)>& write) {
  if (!to_file(output_file)) {
    try {
      write(out);
    } catch (const file_error&) {
      // See above.
    }
    return;
  }
  whole_file file{output_file};
  output to{file.stream()};
  try {
    write(to);
  } catch (const file_error& e) {
    file.fail(e.code());
  }
  if (!to.flush()) file.fail(to.error());
  file.keep();
}

int guarded(output& err, const std::function<int()>& command) {
  try {
    return command();
  } catch (const filter_error& e) {
    err.show(say("there is a mistake in the filter:\n{}\n", e.render()));
  } catch (const sql_error& e) {
    err.show(say("there is a mistake in the SQL:\n{}\n", e.render()));
  } catch (const std::runtime_error& e) {
    err.show(say("{}\n", e.what()));
  }
  return 2;
}

model load_for(const trace_query& q, output& err, bool tell) {
  auto m = load(q.inputs);
  if (tell && !q.json && !m.remarks.empty()) err.show(render_remarks(m));
  return m;
}

void put(output& out, const trace_query& q, const std::function<std::string()>& json,
         const std::function<shown_text()>& text) {
  q.json ? out.json(json()) : out.show(text());
}

int summary(const trace_query& q, output& out, output& err) {
  return guarded(err, [&] {
    auto m = load_for(q, err, false);
    auto report = summarize(m);
    put(
        out, q, [&] { return render_json(report); }, [&] { return render_text(report, q.width); });
    return 0;
  });
}

int show(const trace_query& q, output& out, output& err) {
  return guarded(err, [&] {
    auto f = combined_filter(q);
    auto m = load_for(q, err);
    f.bind(m);
    auto result = each_event(m, f, q.limit, [&](row i) {
      return q.json ? out.json(event_json(m, i) + "\n") : out.show(event_line(m, i, q.width) + "\n");
    });
    if (result.left_out > 0 && !q.json)
      err.show(say("{} more; --limit {} was reached\n", counted(result.left_out, "event"), q.limit));
    if (result.shown == 0 && !q.json) err.show(say("no event matches\n"));
    return 0;
  });
}

} // namespace troupe::trace
