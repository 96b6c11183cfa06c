// A run with everything that an export has to cope with, and exports as texts.
#pragma once

#include "tests/trace/builder.hpp"
#include "tests/trace/commands.hpp"
#include "tests/trace/support.hpp"
#include "trace/export/export.hpp"
#include "trace/query/graph.hpp"

namespace troupe::tests {

/// Everything that an export has to cope with: two nodes, a join, sends from outside, a
/// handler that never ended, drops, awkward names, times before the start.
inline trace::model awkward_run() {
  ping_pong p;
  auto odd = p.main.actor(9, "odd; \"name\" #1 {x}");
  p.main.spawned(3, odd);
  p.main.sent(4, id(20), 0, odd, "from, \"outside\"\n").handled(6, 30, id(20), odd, "from, \"outside\"\n");
  p.main.sent(7, id(21), odd, p.client, "a").sent(8, id(22), odd, p.client, "b", id(20));
  p.main.handled(9, 10, id(21), p.client, "a").handled(11, 12, id(22), p.client, "b");
  p.main.sent(70, id(23), p.client, odd, "join", id(22)).also_caused_by(70, id(23), id(21));
  p.main.also_caused_by(70, id(23), id(5, p.w1_at_main)).handled(71, 72, id(23), odd, "join");
  p.main.sent(73, id(24), p.client, odd, "gone").dropped(74, id(24), odd, "gone", "queue_full");
  p.main.noted(75, odd, 0, "a note\nof two lines").exited(76, odd, "normal");
  p.main.sent(77, id(25), p.client, p.server_there, "ping");
  p.w1.delivered(80, id(25, p.main_at_w1), p.server, "ping", 10)
      .killed_in(81, id(25, p.main_at_w1), p.server, "ping");
  p.w1.sent(90, id(6), p.server, p.client_there, "last words", id(25, p.main_at_w1));
  p.main.invariant("never kind=dropped").invariant("each ping: one pong");
  p.main.payload(78, id(25), std::string("\0binary\xff", 8));
  return p.merge();
}

inline std::string
exported(void (*write)(const trace::model&, const trace::selection&, output&, std::vector<std::string>&),
         const trace::model& m, const char* where = "", std::vector<std::string>* notes = nullptr) {
  trace::filter f{where};
  f.bind(m);
  captured_stream out;
  std::vector<std::string> ignored;
  write(m, trace::matching_messages(m, f), out.to(), notes ? *notes : ignored);
  return out.text();
}

} // namespace troupe::tests
