// A user's program whose actors print and throw, on the launcher and elsewhere.
#include "cli/program.hpp"
#include "runner/api/scenario.hpp"

#include <caf/all.hpp>

#include <iostream>

using namespace troupe;

namespace {

struct poke {
  std::int32_t times = 0;
};
TROUPE_MESSAGE(poke, times)

struct nervous_state {
  static inline const char* name = "nervous";
};
caf::behavior nervous(caf::stateful_actor<nervous_state>*) {
  std::cout << "an actor says hello on stdout" << std::endl;
  return {[](const poke&) { throw std::runtime_error("cannot stand to be poked"); }};
}

struct poker_state {
  static inline const char* name = "poker";
  int gone = 0;
};
/// Brings an actor of plain CAF that nobody knows, pokes everybody, and ends the run when that was too much
/// for both.
caf::behavior poker(actor_of<poker_state>* self, const caf::actor& collector, const caf::actor& victim) {
  self->set_down_handler([=](const caf::down_msg&) {
    // The launcher hears of a failure elsewhere by another way than this actor.
    if (++self->state.gone == 2) self->delayed_send(self, std::chrono::seconds{1}, poke{});
  });
  for (const auto& each : {victim, self->spawn(nervous)}) {
    self->monitor(each);
    self->send(each, poke{1});
  }
  return {[=](const poke&) { scenarios::finish(self, collector, {{"poked", 2}}); }};
}

} // namespace

int main(int argc, char** argv) {
  scenarios::scenario made("nerves", "Actors that throw");
  made.message<poke>();
  made.role("nervous", nervous, scenarios::placement::workers)
      .role("poker", poker, scenarios::placement::main);
  made.start([](scenarios::run& r) { r.spawn("poker", r.collector(), r.spawn("nervous")); });
  return cli::run_program(argc, argv, {&made});
}
