// `troupe trace diff`: what one run has that the other has not. Structure, not times:
// actors by name, messages by sender, receiver and type, what became of them, and for
// each actor the order in which it handled what from whom.
#pragma once

#include "base/shown_text.hpp"
#include "trace/merge/model.hpp"

#include <optional>
#include <string>
#include <vector>

namespace troupe::trace {

struct count_difference {
  std::string what;
  std::uint64_t left = 0, right = 0;
};

/// Where an actor did something else for the first time.
struct parting {
  std::string actor;
  std::uint64_t nth = 0;             ///< its how-maniest handled message, from 1
  row left = no_row, right = no_row; ///< the events; no_row: it handled no further message
  std::string left_did, right_did;
};

struct diff_report {
  std::vector<count_difference> nodes, actors, messages, fates;
  std::vector<parting> partings; ///< the earliest first, by the left run's order
  bool same() const {
    return nodes.empty() && actors.empty() && messages.empty() && fates.empty() && partings.empty();
  }
};

diff_report compare(const model& left, const model& right);
/// `rows` bounds each list; 0: all.
shown_text render_text(const diff_report&, const model& left, const model& right, std::uint64_t rows,
                       int width);
std::string render_json(const diff_report&, const model& left, const model& right);

} // namespace troupe::trace
