#include "base/text.hpp"
#include "trace/export/export.hpp"
#include "trace/merge/ledger_view.hpp"

#include <fmt/format.h>

namespace troupe::trace {
namespace {

class csv_file {
 public:
  csv_file(const std::filesystem::path& path, std::string_view head)
      : file_{path}, to_{file_.stream()}, out_{to_, text_sink::kind::csv, path.string()} {
    out_ += head;
    out_ += "\r\n";
  }
  csv_file& text(std::string_view v) {
    separate();
    out_ += csv_cell(v);
    return *this;
  }
  csv_file& number(std::int64_t v) {
    separate();
    out_ += std::to_string(v);
    return *this;
  }
  /// Negative: not known, an empty field.
  csv_file& known(std::int64_t v) { return v < 0 ? text("") : number(v); }
  void end() {
    out_ += "\r\n";
    first_ = true;
  }
  void keep() {
    out_.flush();
    file_.keep();
  }

 private:
  void separate() {
    if (!first_) out_ += ",";
    first_ = false;
  }
  whole_file file_;
  output to_;
  text_sink out_;
  bool first_ = true;
};

void write_nodes(const model& m, const std::filesystem::path& dir) {
  csv_file f{dir / "nodes.csv", "node,incarnation,host,pid,began_ns,last_ns,closed,events,missed"};
  for (std::uint16_t n = 0; n < m.nodes.size(); ++n) {
    auto& i = m.nodes[n];
    f.text(m.node_name(n))
        .text(fmt::format("{:016x}", i.incarnation))
        .text(i.host)
        .number(i.pid)
        .number(i.began)
        .number(i.last);
    f.text(i.closed ? "true" : "false")
        .number(static_cast<std::int64_t>(i.events))
        .number(static_cast<std::int64_t>(i.missed))
        .end();
  }
  f.keep();
}

void write_actors(const model& m, const std::filesystem::path& dir) {
  csv_file f{dir / "actors.csv", "actor,role,node,id,spawned_ns,exited_ns,exit_reason"};
  for (std::uint32_t a = 1; a < m.actors.size(); ++a) {
    auto& i = m.actors[a];
    f.text(m.actor_name(a))
        .text(m.role_name(a))
        .text(m.node_name(i.node))
        .number(static_cast<std::int64_t>(i.id));
    i.spawned == no_row ? f.text("") : f.number(m.events.time[i.spawned]);
    if (i.exited == no_row)
      f.text("").text("");
    else
      f.number(m.events.time[i.exited]).text(m.text(static_cast<std::uint32_t>(m.events.value[i.exited])));
    f.end();
  }
  f.keep();
}

void write_messages(const model& m, const selection& wanted, const std::filesystem::path& dir) {
  csv_file f{dir / "messages.csv",
             "message,type,sender,receiver,sent_ns,network_ns,wait_ns,handling_ns,bytes,fate,reason,payload"};
  csv_file causes{dir / "causes.csv", "message,cause"};
  for (row i = 0; i < m.messages.size(); ++i) {
    if (!wanted[i]) continue;
    auto name = m.message_name(i);
    f.text(name)
        .text(m.text(m.messages.type[i]))
        .text(m.actor_name(m.messages.sender[i]))
        .text(m.actor_name(m.messages.receiver[i]));
    auto sent = m.messages.sent[i];
    sent == no_row ? f.text("") : f.number(m.events.time[sent]);
    f.known(m.network_ns(i))
        .known(m.wait_ns(i))
        .known(m.handling_ns(i))
        .known(m.bytes(i))
        .text(to_string(fate_of(m, i)));
    auto d = m.messages.discarded[i];
    f.text(d == no_row ? std::string_view{} : m.text(static_cast<std::uint32_t>(m.events.value[d])))
        .text(m.payload(i))
        .end();
    for (auto c : m.causes(i)) {
      causes.text(name).text(m.message_name(c)).end();
    }
  }
  f.keep();
  causes.keep();
}

void write_events(const model& m, const selection& wanted, const std::filesystem::path& dir) {
  csv_file f{dir / "events.csv", "time_ns,node,kind,actor,peer,type,message,value,text"};
  auto& e = m.events;
  for (row i = 0; i < e.size(); ++i) {
    if (e.message[i] != no_row && !wanted[e.message[i]]) continue;
    bool link = e.kind[i] >= event_kind::node_up && e.kind[i] <= event_kind::clock_offset;
    f.number(e.time[i]).text(m.node_name(e.node[i])).text(to_string(e.kind[i]));
    if (link)
      f.text("").text(e.cause[i] == no_row ? "" : m.node_name(static_cast<std::uint16_t>(e.cause[i])));
    else
      f.text(m.actor_name(e.actor[i])).text(e.peer[i] == 0 ? "" : m.actor_name(e.peer[i]));
    f.text(m.text(e.type[i])).text(e.message[i] == no_row ? "" : m.message_name(e.message[i]));
    if (has_reason(e.kind[i]))
      f.text("").text(m.text(static_cast<std::uint32_t>(e.value[i])));
    else if (e.kind[i] == event_kind::noted)
      f.text("").text(m.notes[static_cast<std::size_t>(e.value[i])]);
    else
      f.number(e.value[i]).text("");
    f.end();
  }
  f.keep();
}

} // namespace

void export_csv(const model& m, const selection& wanted, const std::filesystem::path& directory,
                std::vector<std::string>&) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    throw export_error(fmt::format("cannot make the directory {}: {}", directory.string(), error.message()));
  write_nodes(m, directory);
  write_actors(m, directory);
  write_messages(m, wanted, directory);
  write_events(m, wanted, directory);
}

} // namespace troupe::trace
