// make_trace DIRECTORY EVENTS: a run of two nodes with about that many events, for the
// viewer's tests. A client asks a pool's coordinator, which hands tasks to workers on the
// other node; every task has the same chain of causes. Message 1 of node main is "start".
#include "trace/record/recorder.hpp"

#include <cstdio>
#include <cstdlib>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace troupe::trace;
constexpr std::size_t worker_count = 12;

/// One node's recorder and what it calls the others.
struct side {
  recorder rec;
  node_index other;
  actor_index coordinator;
  std::vector<actor_index> workers;
  string_index start, assign, done, lost;

  side(const std::string& directory, const std::string& name, std::uint64_t incarnation,
       const std::string& peer, std::uint64_t peer_incarnation)
      : rec{{.directory = directory, .node = name, .incarnation = incarnation, .what = level::payloads}},
        other{rec.add_node(peer, peer_incarnation)},
        coordinator{rec.add_actor(name == "main" ? node_index{0} : other, 1, "coordinator")},
        start{rec.intern("start")}, assign{rec.intern("assign_task")}, done{rec.intern("task_done")},
        lost{rec.intern("no_handler")} {
    for (std::size_t w = 0; w < worker_count; ++w)
      workers.push_back(rec.add_actor(name == "main" ? other : node_index{0}, 10 + w, "worker"));
    rec.link_up(other);
  }
  message_id from_other(message_id id) const { return message_id::make(other, id.number()); }
};

/// Really waits: invented times would contradict the clock that the recorders read.
timestamp wait_until(const recorder& rec, timestamp when) {
  for (;;)
    if (auto now = rec.now(); now >= when) return now;
}

/// Six events: assigned, arrived, handled, answered, arrived, handled.
void one_task(side& main, side& w1, std::size_t w, message_id cause, timestamp busy) {
  auto assign = main.rec.next_message(cause);
  auto sent = main.rec.now();
  main.rec.sent(assign, cause, main.coordinator, main.workers[w], main.assign, sent, message_role::request);
  w1.rec.observe(sent);
  w1.rec.delivered(w1.from_other(assign), w1.workers[w], w1.assign, 120, sent);
  auto began = w1.rec.now();
  auto half = wait_until(w1.rec, began + busy / 2);
  auto answer = w1.rec.next_message(w1.from_other(assign));
  w1.rec.sent(answer, w1.from_other(assign), w1.workers[w], w1.coordinator, w1.done, half,
              message_role::response);
  w1.rec.handled(w1.from_other(assign), w1.workers[w], w1.assign, began, wait_until(w1.rec, began + busy));
  main.rec.observe(half);
  main.rec.delivered(main.from_other(answer), main.coordinator, main.done, 80, half);
  auto back = main.rec.now();
  main.rec.handled(main.from_other(answer), main.coordinator, main.done, back,
                   wait_until(main.rec, back + 300));
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: make_trace DIRECTORY EVENTS\n", stderr);
    return 2;
  }
  auto events = std::strtoull(argv[2], nullptr, 10);
  side main{argv[1], "main", 1, "w1", 2}, w1{argv[1], "w1", 2, "main", 1};
  std::mt19937 random{7};
  main.rec.spawned(main.coordinator, 0, {});
  for (auto worker : w1.workers)
    w1.rec.spawned(worker, 0, {});
  auto start = main.rec.next_message();
  auto now = main.rec.now();
  main.rec.sent(start, {}, 0, main.coordinator, main.start, now);
  main.rec.payload(start, std::as_bytes(std::span{"(start(42))", 11}));
  main.rec.handled(start, main.coordinator, main.start, now, wait_until(main.rec, now + 900));
  for (std::uint64_t i = 0; i < events / 6; ++i)
    one_task(main, w1, random() % worker_count, start, 500 + random() % 4000);
  auto stray = main.rec.next_message(start);
  main.rec.sent(stray, start, main.coordinator, main.workers[0], main.assign, main.rec.now());
  main.rec.dropped(stray, main.workers[0], main.assign, main.lost);
  return 0;
}
