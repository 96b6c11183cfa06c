// The three systems that bench_remote compares, seen from the measuring process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

/// One way: messages per second, sent by `pairs` senders to as many receivers.
struct load {
  std::size_t bytes = 0;
  int pairs = 1;
  std::uint64_t messages = 0; ///< of each pair
  std::uint64_t window = 0;   ///< messages under way, where the system has no limit of its own
};

double raw_one_way(const load&);
std::vector<double> raw_round_trips_us(std::uint64_t rounds);

/// The other process: `bench_remote --child KIND [ARGUMENT]`.
int run_child(const std::string& kind, const std::string& argument);

} // namespace bench
