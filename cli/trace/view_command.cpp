#include "base/files.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cli/trace/command_support.hpp"
#include "trace/view/view.hpp"

#include <fmt/format.h>

namespace troupe::trace {
namespace {

namespace fs = std::filesystem;

/// Beyond that, browsers have been seen to need more than a few seconds.
constexpr std::uint64_t comfortable_events = 3'000'000;

fs::path default_output(const fs::path& input) {
  std::error_code ignored;
  return fs::is_directory(input, ignored) ? input / "trace.html" : fs::path{input}.replace_extension("html");
}

std::string title_of(const std::vector<fs::path>& inputs) {
  std::error_code ignored;
  auto real = fs::canonical(inputs.front(), ignored); // "latest" is a link to a run with a name
  return (real.empty() ? inputs.front() : real).filename().string();
}

} // namespace

int view(const trace_query& q, output& out, output& err) {
  return guarded(err, [&] {
    if (q.inputs.empty()) throw usage_error("view wants a run directory or trace files");
    auto m = load_for(q, err);
    view_report report;
    auto page = render_view(m, title_of(q.inputs), report);
    if (report.payload_bytes_left_out > 0)
      err.show(say("{} of payloads left out: a page holds 64 MiB of them\n",
                   bytes_text(report.payload_bytes_left_out)));
    if (report.events > comfortable_events)
      err.show(say("{}: a browser will take its time to open that\n", counted(report.events, "event")));
    if (q.output == "-") {
      out.text(page);
      return 0;
    }
    auto file = q.output.empty() ? default_output(q.inputs.front()) : q.output;
    write_file(file, page);
    if (!q.json) {
      out.show(say("{}\n", file));
      err.show(say("{}, {}, {}; open it in a browser\n", counted(report.events, "event"),
                   counted(report.messages, "message"), bytes_text(page.size())));
      return 0;
    }
    std::string text;
    json_writer json{text};
    json.object().member("file", file.string()).member("bytes", page.size());
    json.member("events", report.events).member("messages", report.messages);
    json.member("payload_bytes_left_out", report.payload_bytes_left_out).end();
    out.json(text + "\n");
    return 0;
  });
}

} // namespace troupe::trace
