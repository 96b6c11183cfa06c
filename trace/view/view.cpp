#include "trace/view/view.hpp"

#include "base/json_writer.hpp"
#include "base/utf8.hpp"
#include "trace/check/check.hpp"
#include "trace/merge/ledger_view.hpp"
#include "trace/view/view_columns.hpp"

#include <algorithm>

namespace troupe::trace {
namespace {

/// More would not fit into a string of the page.
constexpr std::uint64_t payload_bytes_max = 64ULL << 20;
constexpr std::size_t evidence_max = 1000;
constexpr std::uint64_t exact_max = (1ULL << 53) - 1;

std::uint64_t plus_one(std::uint32_t n) { return n == no_row ? 0 : std::uint64_t{n} + 1; }

class page_data {
 public:
  explicit page_data(std::string& out) : out_{out} {}
  void put(std::string_view name, const packed_column& column) { put(name, column.bytes()); }
  void put(std::string_view name, std::span<const std::byte> bytes) {
    out_ += "<script type=\"text/plain\" id=\"column-";
    out_ += name;
    out_ += "\">";
    append_base64(out_, bytes);
    out_ += "</script>\n";
  }

 private:
  std::string& out_;
};

void put_events(page_data& page, const model& m) {
  auto& e = m.events;
  packed_column time, value, actor, peer, type, message, cause, node, kind;
  for (row i = 0; i < e.size(); ++i) {
    time.add_delta(e.time[i]);
    value.add(std::min(zigzag(e.value[i]), exact_max));
    actor.add(e.actor[i]);
    message.add_delta(static_cast<std::int64_t>(plus_one(e.message[i])));
    node.add(e.node[i]);
    kind.add(static_cast<std::uint64_t>(e.kind[i]));
    // What the message says already is not said again for each of its events.
    bool own = e.message[i] == no_row;
    peer.add(own ? e.peer[i] : 0);
    type.add(own ? e.type[i] : 0);
    cause.add(own || e.kind[i] == event_kind::redelivered ? plus_one(e.cause[i]) : 0);
  }
  page.put("time", time);
  page.put("value", value);
  page.put("actor", actor);
  page.put("peer", peer);
  page.put("type", type);
  page.put("message", message);
  page.put("cause", cause);
  page.put("node", node);
  page.put("kind", kind);
}

void put_messages(page_data& page, const model& m) {
  auto& all = m.messages;
  packed_column number, node, sender, receiver, type, cause, role, more;
  for (row i = 0; i < all.size(); ++i) {
    number.add_delta(static_cast<std::int64_t>(all.number[i]));
    node.add(all.node[i]);
    sender.add(all.sender[i]);
    receiver.add(all.receiver[i]);
    type.add(all.type[i]);
    cause.add(all.cause[i] == no_row ? 0 : zigzag(std::int64_t{i} - std::int64_t{all.cause[i]}));
    role.add(all.role[i]);
  }
  for (auto& [message, further] : m.more_causes) {
    more.add(message);
    more.add(further);
  }
  page.put("m-number", number);
  page.put("m-node", node);
  page.put("m-sender", sender);
  page.put("m-receiver", receiver);
  page.put("m-type", type);
  page.put("m-cause", cause);
  page.put("m-role", role);
  page.put("more-causes", more);
}

void put_payloads(page_data& page, const model& m, view_report& report) {
  packed_column index;
  std::vector<std::byte> bytes;
  for (auto& p : m.payloads) {
    if (bytes.size() + p.bytes > payload_bytes_max) {
      report.payload_bytes_left_out += p.bytes;
      continue;
    }
    index.add(p.message);
    index.add(p.bytes);
    index.add(p.bytes_whole);
    auto from = m.payload_bytes.begin() + static_cast<std::ptrdiff_t>(p.offset);
    bytes.insert(bytes.end(), from, from + static_cast<std::ptrdiff_t>(p.bytes));
  }
  page.put("payload-index", index);
  page.put("payloads", bytes);
}

void write_nodes(json_writer& json, const model& m) {
  json.key("nodes").array();
  for (std::uint16_t n = 0; n < m.nodes.size(); ++n) {
    auto& node = m.nodes[n];
    json.object().member("name", printable(m.node_name(n))).member("recorded", node.recorded);
    json.member("host", printable(node.host)).member("pid", node.pid).member("closed", node.closed);
    json.member("endedEarly", node.ended != 0).member("missed", node.missed);
    json.member("events", node.events).member("sampleOneIn", node.sample_one_in);
    json.member("clockOffset", node.clock_offset_ns).member("clockUncertainty", node.clock_uncertainty_ns);
    json.end();
  }
  json.end();
}

void write_ledger(json_writer& json, const model& m) {
  auto books = balance(m);
  json.key("ledger").object().member("sent", books.sent).member("unsent", books.unsent);
  json.member("balanced", books.balanced());
  json.key("fates").array();
  for (std::size_t f = 0; f < fate_count; ++f)
    json.array().value(to_string(static_cast<fate>(f))).value(books.counts[f]).end();
  json.end();
  auto reasons = [&](std::string_view name, const std::map<std::string, std::uint64_t>& all) {
    json.key(name).array();
    for (auto& [reason, n] : all)
      json.array().value(printable(reason)).value(n).end();
    json.end();
  };
  reasons("dropped", books.dropped);
  reasons("deadLettered", books.dead_lettered);
  json.end();
}

void write_findings(json_writer& json, const model& m) {
  json.key("findings").array();
  for (auto& f : check_trace(m)) {
    json.object().member("rule", to_string(f.what)).member("fault", f.how == severity::fault);
    json.member("sentence", printable(f.sentence)).member("times", f.times);
    auto rows = [&](std::string_view name, const std::vector<row>& all) {
      json.key(name).array();
      for (std::size_t i = 0; i < std::min(all.size(), evidence_max); ++i)
        json.value(all[i]);
      json.end();
    };
    rows("events", f.events);
    rows("messages", f.messages);
    json.end();
  }
  json.end();
}

/// Texts are as they may be shown; contents of messages the page makes so.
std::string meta_json(const model& m, std::string_view title) {
  std::string out;
  json_writer json{out};
  json.object().member("title", printable(title)).member("complete", m.complete());
  json.member("startedUnixMs", m.started_unix_ns / 1'000'000).member("end", m.end_of_run());
  json.member("events", m.events.size()).member("messages", m.messages.size());
  json.key("kinds").array();
  for (std::size_t k = 0; k < event_kind_count; ++k)
    json.value(to_string(static_cast<event_kind>(k)));
  json.end();
  auto texts = [&](std::string_view name, const std::vector<std::string>& all) {
    json.key(name).array();
    for (auto& text : all)
      json.value(printable(text, "\n\t"));
    json.end();
  };
  texts("strings", m.strings);
  texts("notes", m.notes);
  texts("invariants", m.invariants);
  write_nodes(json, m);
  json.key("actors").array();
  for (std::uint32_t a = 0; a < m.actors.size(); ++a)
    json.array()
        .value(printable(m.actor_name(a)))
        .value(printable(m.role_name(a)))
        .value(m.actors[a].node)
        .end();
  json.end();
  json.key("remarks").array();
  for (auto& r : m.remarks)
    json.object().member("missing", r.missing).member("text", printable(r.text)).end();
  json.end();
  write_ledger(json, m);
  write_findings(json, m);
  json.end();
  // Inside a script element, "</script" and "<!--" must not appear.
  std::string safe;
  safe.reserve(out.size());
  for (char c : out) {
    if (c == '<')
      safe += "\\u003c";
    else
      safe += c;
  }
  return safe;
}

} // namespace

std::string render_view(const model& m, std::string_view title, view_report& report) {
  constexpr std::string_view place = "<!--DATA-->";
  auto at = view_template.find(place);
  report = {.events = m.events.size(), .messages = m.messages.size()};
  std::string out;
  out.reserve(view_template.size() + m.events.size() * 24);
  out += view_template.substr(0, at);
  out += "<script type=\"application/json\" id=\"meta\">" + meta_json(m, title) + "</script>\n";
  page_data page{out};
  put_events(page, m);
  put_messages(page, m);
  put_payloads(page, m, report);
  out += view_template.substr(at + place.size());
  return out;
}

} // namespace troupe::trace
