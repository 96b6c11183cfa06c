#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "trace/check/check.hpp"
#include "trace/check/summary.hpp"
#include "trace/query/show.hpp"

#include <fmt/format.h>

namespace troupe::trace {

shown_text render_text(const model& m, const std::vector<finding>& findings, int width) {
  auto out = render_remarks(m) + "\n";
  if (findings.empty()) return out + "nothing is wrong\n";
  std::size_t faults = 0;
  for (auto& f : findings) {
    bool fault = f.how == severity::fault;
    faults += fault;
    auto mark = fault ? say("fault").in(text_style::red) : say("note ").in(text_style::yellow);
    out += say("{}  {}  {}\n", mark, to_string(f.what), f.sentence);
    std::size_t shown = 0;
    for (auto e : f.events) {
      if (++shown > 8) break;
      out += event_line(m, e, width) + "\n";
    }
    if (f.events.size() > 8) out += say("{:>16}{} more\n", "", counted(f.events.size() - 8, "event"));
  }
  return out + say("\n{}, {}\n", counted(faults, "fault"), counted(findings.size() - faults, "note"));
}

std::string render_json(const model& m, const std::vector<finding>& findings) {
  std::string out;
  json_writer j{out};
  j.object().member("complete", m.complete()).key("remarks").array();
  for (auto& r : m.remarks)
    j.object().member("missing", r.missing).member("text", r.text).end();
  j.end().member("ok", !any_fault(findings)).key("findings").array();
  for (auto& f : findings) {
    j.object()
        .member("rule", to_string(f.what))
        .member("severity", f.how == severity::fault ? "fault" : "note");
    j.member("times", f.times).member("text", f.sentence).key("messages").array();
    for (auto i : f.messages)
      j.value(m.message_name(i));
    j.end().key("events").array();
    for (auto e : f.events)
      j.raw(event_json(m, e));
    j.end().end();
  }
  j.end().end();
  return out + "\n";
}

} // namespace troupe::trace
