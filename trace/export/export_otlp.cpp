#include "base/json_writer.hpp"
#include "trace/export/export.hpp"

#include <algorithm>
#include <fmt/format.h>

// opentelemetry-proto's JSON mapping, one ExportTraceServiceRequest a line: ids in
// hexadecimal, 64-bit numbers as strings, names in lowerCamelCase, enums as numbers.

namespace troupe::trace {
namespace {

constexpr int kind_producer = 4, kind_consumer = 5, status_error = 2;

class otlp {
 public:
  otlp(const model& m, const selection& wanted, output& out)
      : m_{m}, wanted_{wanted}, out_{out, text_sink::kind::json} {
    // The trace a message belongs to is its root cause. Causes come first in a sound
    // trace, so one pass finds all roots.
    for (row i = 0; i < m.messages.size(); ++i) {
      auto cause = m.messages.cause[i];
      root_.push_back(cause != no_row && cause < i ? root_[cause] : i);
    }
  }

  void run() {
    constexpr std::size_t spans_a_line = 1'000;
    for (std::uint16_t n = 0; n < m_.nodes.size(); ++n) {
      std::size_t count = 0;
      std::string spans;
      json_writer j{spans};
      auto begin = [&] { j.array(); };
      auto end = [&] {
        j.end();
        if (count > 0) line(n, spans);
        spans.clear();
        count = 0;
      };
      begin();
      for (row i = 0; i < m_.messages.size(); ++i) {
        if (!wanted_[i]) continue;
        count += producer(j, n, i) + consumer(j, n, i);
        if (count < spans_a_line) continue;
        end();
        begin();
      }
      end();
    }
    out_.flush();
  }

 private:
  void line(std::uint16_t node, const std::string& spans) {
    std::string text;
    json_writer j{text};
    j.object().key("resourceSpans").array().object().key("resource").object().key("attributes").array();
    attribute(j, "service.name", m_.nodes[node].name);
    attribute(j, "service.namespace", "troupe");
    attribute(j, "service.instance.id", fmt::format("{:016x}", m_.nodes[node].incarnation));
    if (!m_.nodes[node].host.empty()) attribute(j, "host.name", m_.nodes[node].host);
    if (m_.nodes[node].pid != 0) number(j, "process.pid", m_.nodes[node].pid);
    j.end().end().key("scopeSpans").array().object().key("scope").object().member("name", "troupe").end();
    j.key("spans").raw(spans).end().end().end().end().end();
    out_ += text;
    out_ += "\n";
  }

  static void attribute(json_writer& j, std::string_view name, std::string_view value) {
    j.object().member("key", name).key("value").object().member("stringValue", value).end().end();
  }
  static void number(json_writer& j, std::string_view name, std::int64_t value) {
    j.object()
        .member("key", name)
        .key("value")
        .object()
        .member("intValue", std::to_string(value))
        .end()
        .end();
  }

  std::string trace_id(row message) const {
    // Ids must not be zero; the start of the run keeps those of different runs apart.
    return fmt::format("{:016x}{:016x}", m_.started_unix_ns, std::uint64_t{root_[message]} + 1);
  }
  static std::string send_id(row message) { return fmt::format("{:016x}", std::uint64_t{message} * 2 + 1); }
  static std::string process_id(row message) {
    return fmt::format("{:016x}", std::uint64_t{message} * 2 + 2);
  }
  std::string unix_time(run_time t) const {
    return std::to_string(static_cast<std::int64_t>(m_.started_unix_ns) + t);
  }

  void head(json_writer& j, row i, const std::string& id, const std::string& parent,
            std::string_view operation, int kind, run_time from, run_time to) {
    auto receiver = m_.actor_name(m_.messages.receiver[i]);
    j.object().member("traceId", trace_id(i)).member("spanId", id);
    if (!parent.empty()) j.member("parentSpanId", parent);
    j.member("name", fmt::format("{} {}", operation, m_.text(m_.messages.type[i]))).member("kind", kind);
    j.member("startTimeUnixNano", unix_time(from)).member("endTimeUnixNano", unix_time(std::max(from, to)));
    j.key("attributes").array();
    attribute(j, "messaging.system", "troupe");
    attribute(j, "messaging.operation.type", operation);
    attribute(j, "messaging.operation.name", operation);
    attribute(j, "messaging.destination.name", receiver);
    attribute(j, "messaging.message.id", m_.message_name(i));
    attribute(j, "troupe.message.type", m_.text(m_.messages.type[i]));
    attribute(j, "troupe.sender", m_.actor_name(m_.messages.sender[i]));
    if (auto content = m_.payload(i); !content.empty()) attribute(j, "troupe.payload", content);
    if (auto bytes = m_.bytes(i); bytes >= 0) number(j, "messaging.message.body.size", bytes);
    if (auto wait = m_.wait_ns(i); wait >= 0) number(j, "troupe.wait_ns", wait);
    j.end();
  }

  /// What sent the message is a handler's span, if there is one: the parent of the send.
  std::string parent_of(row i) const {
    auto cause = m_.messages.cause[i];
    return cause != no_row && wanted_[cause] && m_.messages.handled[cause] != no_row ? process_id(cause)
                                                                                     : std::string{};
  }

  bool producer(json_writer& j, std::uint16_t node, row i) {
    auto sent = m_.messages.sent[i];
    if (sent == no_row || m_.events.node[sent] != node) return false;
    head(j, i, send_id(i), parent_of(i), "send", kind_producer, m_.events.time[sent], m_.events.time[sent]);
    j.key("links").array();
    for (auto cause : m_.causes(i)) {
      if (cause == m_.messages.cause[i] || !wanted_[cause] || m_.messages.handled[cause] == no_row) continue;
      j.object().member("traceId", trace_id(cause)).member("spanId", process_id(cause)).end();
    }
    j.end();
    if (auto d = m_.messages.discarded[i]; d != no_row && m_.messages.handled[i] == no_row)
      j.key("status")
          .object()
          .member("code", status_error)
          .member("message", fmt::format("{}: {}", to_string(m_.events.kind[d]),
                                         m_.text(static_cast<std::uint32_t>(m_.events.value[d]))))
          .end();
    j.end();
    return true;
  }

  bool consumer(json_writer& j, std::uint16_t node, row i) {
    auto handled = m_.messages.handled[i];
    if (handled == no_row || m_.events.node[handled] != node) return false;
    auto parent = m_.messages.sent[i] == no_row ? std::string{} : send_id(i);
    head(j, i, process_id(i), parent, "process", kind_consumer, m_.events.time[handled],
         m_.handler_end(handled));
    if (m_.events.kind[handled] == event_kind::unfinished)
      j.key("status")
          .object()
          .member("code", status_error)
          .member("message", "the handler never ended")
          .end();
    j.end();
    return true;
  }

  const model& m_;
  const selection& wanted_;
  text_sink out_;
  std::vector<row> root_;
};

} // namespace

void export_otlp(const model& m, const selection& wanted, output& out, std::vector<std::string>&) {
  otlp{m, wanted, out}.run();
}

} // namespace troupe::trace
