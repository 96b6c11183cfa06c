#include "scenarios/demos.hpp"

#include "scenarios/dining_philosophers/dining_philosophers.hpp"
#include "scenarios/echo_server/echo_server.hpp"
#include "scenarios/producer_consumer/producer_consumer.hpp"
#include "scenarios/reduction/reduction.hpp"
#include "scenarios/worker_pool/worker_pool.hpp"

namespace troupe::scenarios {

std::vector<const scenario*> demos() {
  static const scenario all[] = {dining_philosophers(), echo_server(), producer_consumer(), reduction(),
                                 worker_pool()};
  std::vector<const scenario*> result;
  for (auto& each : all)
    result.push_back(&each);
  return result;
}

} // namespace troupe::scenarios
