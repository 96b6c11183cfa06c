// `troupe trace show`: one line an event, in causal order over all nodes.
#pragma once

#include "base/shown_text.hpp"
#include "trace/merge/model.hpp"
#include "trace/query/filter.hpp"

#include <functional>
#include <string>

namespace troupe::trace {

/// One event as a sentence: "worker-3 handled assign_task w1:17 from main-1 in 1.2 ms ...".
std::string describe(const model&, row event);
/// One line of `show`: time, node, sentence.
shown_text event_line(const model&, row event, int width);
/// The same as a JSON object on one line, with numbers where the sentence has words.
std::string event_json(const model&, row event);

struct show_result {
  std::uint64_t shown = 0;
  std::uint64_t left_out = 0; ///< matching events beyond the limit
};

/// Calls `line` for each matching event, until it returns false (nobody reads on).
show_result each_event(const model&, const filter&, std::uint64_t limit,
                       const std::function<bool(row)>& line);

} // namespace troupe::trace
