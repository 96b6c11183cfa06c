#include "cli/program.hpp"
#include "scenarios/dining_philosophers.hpp"
#include "scenarios/echo_server.hpp"
#include "scenarios/producer_consumer.hpp"
#include "scenarios/reduction.hpp"
#include "scenarios/worker_pool.hpp"

int main(int argc, char** argv) {
  const auto dining_philosophers = troupe::scenarios::dining_philosophers();
  const auto echo_server = troupe::scenarios::echo_server();
  const auto producer_consumer = troupe::scenarios::producer_consumer();
  const auto reduction = troupe::scenarios::reduction();
  const auto worker_pool = troupe::scenarios::worker_pool();
  return troupe::cli::run_program(
      argc, argv, {&dining_philosophers, &echo_server, &producer_consumer, &reduction, &worker_pool});
}
