// The actors of the reduction scenario: the root deals groups of chunks, reducers fold the
// chunks and join what comes of them (actors/patterns/reducer.hpp), the root gets the result.
#pragma once

#include "actors/patterns/reducer.hpp"
#include "runner/api/scenario.hpp"
#include "scenarios/reduction/source.hpp"

namespace troupe::scenarios {

/// A JSON value that crosses the wire as its text.
struct reduction_value {
  nlohmann::json value;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, reduction_value& x) {
  std::string text;
  if constexpr (Inspector::reads_state) text = json_text(x.value);
  auto parse = [&]() -> caf::error {
    x.value = parse_foreign(text);
    return x.value.is_discarded() ? caf::error{caf::sec::invalid_argument} : caf::error{};
  };
  return f(caf::meta::type_name("reduction_value"), text, caf::meta::load_callback(parse));
}

using value_partial = tree_partial<reduction_value>;

/// Root -> reducer: the chunks of one group of leaves.
struct deal_group {
  std::uint64_t first_leaf = 0;
  std::vector<element_chunk> leaves;
};
TROUPE_MESSAGE(deal_group, first_leaf, leaves)

/// Reducer -> root: a group is folded, deal another one.
struct group_folded {
  std::uint64_t elements = 0;
  std::uint64_t chunks = 0;
};
TROUPE_MESSAGE(group_folded, elements, chunks)

/// Root -> itself: go on dealing.
struct deal_on {};
TROUPE_MESSAGE(deal_on)

void add_reduction_messages(message_catalog&);

/// Bytes of a value that may be sent; a frame must hold it.
inline constexpr std::size_t value_bytes_max = 8 << 20;
/// Groups dealt and not folded, for each reducer: what bounds the memory.
inline constexpr std::size_t groups_ahead = 2;

struct folding_state : reducer_state<reduction_value> {
  std::string file;
};
caf::behavior folding_reducer(actor_of<folding_state>* self, const caf::actor& root, std::uint64_t arity,
                              const std::string& file, const reduction_operator&);

struct root_settings {
  std::uint64_t arity = 2;
  std::uint64_t chunk = 1;
};
TROUPE_MESSAGE(root_settings, arity, chunk)

struct root_state {
  static inline const char* name = "root";
  caf::actor collector;
  root_settings settings;
  std::unique_ptr<element_source> source;
  reduction_operator op;
  std::vector<caf::actor> crew;
  std::uint64_t leaves = 0, dealt = 0, folded = 0;  ///< leaves and elements dealt; elements folded
  std::uint64_t groups_out = 0;                     ///< dealt and not folded
  std::uint64_t chunks_out = 0, chunks_out_max = 0; ///< in these
  bool deal_pending = false, all_dealt = false, reporting = false, stopped = false, ended = false;
  std::optional<value_partial> result;
  std::vector<reducer_report> reports;
  std::vector<message_token> reported;               ///< what the result waits for
  std::size_t reports_missing = 0, reports_lost = 0; ///< not yet there; of reducers whose node is lost
  caf::actor_clock::time_point began, told;
  caf::timespan took{0};
};
caf::behavior reduction_root(actor_of<root_state>* self, const caf::actor& collector, const root_settings&,
                             const source_settings&, const reduction_operator&);

} // namespace troupe::scenarios
