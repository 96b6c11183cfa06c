// From the clocks of single nodes to one time of the run.
#pragma once

#include "trace/merge/reader.hpp"

namespace troupe::trace {

/// Maps the recorded times of each node to run time: takes back what the hybrid clock
/// was pushed forward, then the offset of the node's host to the reference host, which is
/// that of the first node. Hosts are told apart by their boot id and time namespace.
class clock_map {
 public:
  /// Fills in the clock fields of each node's info.
  explicit clock_map(std::vector<node_trace>& nodes);

  /// `since_base` as in a record of node n. Wraps around instead of overflowing where a
  /// hostile file asks for it.
  run_time at(std::size_t n, std::uint64_t since_base) const {
    auto& c = nodes_[n];
    auto local = since_base - (c.skews.empty() ? 0 : skew(c, since_base));
    return static_cast<run_time>(local + c.shift);
  }

 private:
  struct skew_entry {
    std::uint64_t from = 0; ///< since base, on the hybrid clock
    std::uint64_t lead = 0;
  };
  struct node_clock {
    std::vector<skew_entry> skews; ///< empty also where the hybrid clock itself is the best there is
    std::uint64_t shift = 0;       ///< base - offset of the host - start of the run
  };
  struct measured {
    std::size_t from = 0, to = 0; ///< hosts
    std::uint64_t offset = 0;     ///< to's clock minus from's; wraps
    std::uint64_t uncertainty = 0;
  };
  struct host {
    std::uint64_t offset = 0; ///< to the reference host; wraps
    std::int64_t uncertainty = 0;
    bool known = false;
  };

  static std::uint64_t skew(const node_clock&, std::uint64_t since_base);
  void collect_skews(const std::vector<node_trace>&);
  static std::vector<measured> measurements(const std::vector<node_trace>&,
                                            const std::vector<std::size_t>& host_of);
  static std::vector<host> place_hosts(std::size_t count, const std::vector<measured>&);

  std::vector<node_clock> nodes_;
};

} // namespace troupe::trace
