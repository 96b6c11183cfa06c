// A program whose one actor never comes back from its handler, whatever it is told.
#include "cli/program.hpp"
#include "runner/api/scenario.hpp"

#include <caf/all.hpp>
#include <unistd.h>

namespace {

caf::behavior mule(troupe::plain_actor* self, const caf::actor&) {
  self->send(self, std::int64_t{1});
  return {[](std::int64_t) {
    while (true)
      ::pause();
  }};
}

} // namespace

int main(int argc, char** argv) {
  troupe::scenarios::scenario stubborn{"stubborn", "An actor that does not move"};
  stubborn.role("mule", mule, troupe::scenarios::placement::main);
  stubborn.start([](troupe::scenarios::run& r) { r.spawn("mule", r.collector()); });
  return troupe::cli::run_program(argc, argv, {&stubborn});
}
