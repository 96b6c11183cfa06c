#include "cli/program.hpp"
#include "scenarios/worker_pool.hpp"

int main(int argc, char** argv) {
  const auto worker_pool = troupe::scenarios::worker_pool();
  return troupe::cli::run_program(argc, argv, {&worker_pool});
}
