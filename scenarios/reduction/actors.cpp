#include "scenarios/reduction/actors.hpp"

#include "runner/plan/times.hpp"

#include <algorithm>

namespace troupe::scenarios {

using nlohmann::json;

void add_reduction_messages(message_catalog& catalog) {
  add_reducer_messages<reduction_value>(catalog, "reduction_value");
  catalog.add<root_settings, source_settings, deal_group, group_folded, deal_on>();
}

// -- the reducer ------------------------------------------------------------------------

namespace {

using folding_actor = actor_of<folding_state>;

/// What is too large for a message would be dropped on the way, and waited for.
void check_size(const json& value) {
  constexpr std::size_t surely_small = 10'000; // entries; to look closer costs as much as to send it
  if (!value.is_structured() || value.size() < surely_small) return;
  if (json_text(value).size() > value_bytes_max)
    throw std::runtime_error("a partial result has " + std::to_string(value.size())
                             + " entries and takes more bytes than a message may have ("
                             + std::to_string(value_bytes_max) + ")");
}

void on_deal(folding_actor* self, const reduction_operator& op, deal_group& what) {
  auto& state = self->state;
  std::uint64_t elements = 0;
  const std::uint64_t chunks = what.leaves.size();
  try {
    for (auto& chunk : what.leaves) {
      value_partial leaf{0, what.first_leaf++, {fold(op, chunk, state.file)}, chunk.count, 0};
      for (std::uint64_t i = 0; i < chunk.count; ++i)
        leaf.marks += tree_mark(chunk.first + i);
      elements += chunk.count;
      reducer_accept<reduction_value>(self, state, std::move(leaf));
    }
    self->send(state.root, group_folded{elements, chunks});
  } catch (const std::exception& e) {
    self->send(state.root, tree_failed{e.what()});
  }
}

} // namespace

caf::behavior folding_reducer(folding_actor* self, const caf::actor& root, std::uint64_t arity,
                              const std::string& file, const reduction_operator& op) {
  auto& state = self->state;
  state.root = root;
  state.file = file;
  state.nodes.emplace(arity, [join = op.join](reduction_value a, const reduction_value& b) {
    a.value = join(std::move(a.value), b.value);
    check_size(a.value);
    return a;
  });
  return caf::message_handler{[self, op](deal_group& what) { on_deal(self, op, what); }}.or_else(
      reducer_handlers<reduction_value>(self, static_cast<reducer_state<reduction_value>&>(state)));
}

// -- the root -----------------------------------------------------------------------------

namespace {

using root_actor = actor_of<root_state>;

json tree_of(const root_state& state, const std::vector<std::uint64_t>& joins) {
  const tree_shape shape{state.leaves, state.settings.arity};
  json rows = json::array();
  for (std::uint32_t level = 1; level <= joins.size(); ++level)
    rows.push_back({{"level", level}, {"partials", shape.width(level - 1)}, {"pairs", joins[level - 1]}});
  return rows;
}

/// Elements that were not folded; of a file that was not read to its end nobody knows.
json left_undone(const root_state& state) {
  if (state.all_dealt) return state.dealt - state.folded;
  const auto total = state.source ? state.source->total() : 0;
  return total != 0 ? json(total - state.folded) : json{};
}

json result_of(root_state& state, caf::timespan took) {
  std::vector<std::uint64_t> joins;
  json reducers = json::array();
  for (std::size_t i = 0; i < state.reports.size(); ++i) {
    auto& report = state.reports[i];
    joins.resize(std::max(joins.size(), report.joins.size()));
    std::uint64_t own = 0;
    for (std::size_t level = 0; level < report.joins.size(); ++level) {
      joins[level] += report.joins[level];
      own += report.joins[level];
    }
    reducers.push_back({{"reducer", "reducer-" + std::to_string(i + 1)},
                        {"node", report.node},
                        {"chunks", report.leaves},
                        {"elements", report.elements},
                        {"joins", own}});
    if (report.node.empty()) reducers.back() = {{"reducer", reducers.back()["reducer"]}, {"lost", true}};
  }
  const bool done = state.result || (state.all_dealt && state.leaves == 0);
  const auto whole = state.result ? *state.result : value_partial{0, 0, {state.op.identity}, 0, 0};
  auto value = done ? whole.value.value : json{};
  if (done && state.op.present) value = state.op.present(value);
  return {{"value", std::move(value)},
          {"complete", done},
          {"elements", whole.elements},
          {"dealt", state.dealt},
          {"folded", state.folded},
          {"left_undone", left_undone(state)},
          {"chunks_ahead_max", state.chunks_out_max},
          {"marks", whole.marks},
          {"chunks", state.leaves},
          {"arity", state.settings.arity},
          {"levels", joins.size()},
          {"pairs_at_once", joins.empty() ? 0 : *std::max_element(joins.begin(), joins.end())},
          {"tree", tree_of(state, joins)},
          {"per_reducer", std::move(reducers)},
          {"reducers_lost", state.reports_lost},
          {"took_s", seconds(took)}};
}

void end(root_actor* self) {
  auto& state = self->state;
  if (std::exchange(state.ended, true)) return;
  for (auto& who : state.crew)
    self->send_exit(who, caf::exit_reason::user_shutdown);
  self->quit();
}

void fail(root_actor* self, const std::string& why) {
  if (self->state.ended) return;
  self->send(self->state.collector, run_failed{why});
  end(self);
}

/// Tells the result when all have reported. Where one never will its node is lost, which the
/// run itself notices: it then says stop_early.
void finish_if_through(root_actor* self) {
  auto& state = self->state;
  if (state.reports_missing != 0 || state.ended || (state.reports_lost != 0 && !state.stopped)) return;
  const joining all{state.reported};
  finish(self, state.collector, result_of(state, state.took));
  end(self);
}

/// The end: asks every reducer what it did.
void collect_reports(root_actor* self) {
  auto& state = self->state;
  if (!std::exchange(state.reporting, true)) {
    state.took = self->clock().now() - state.began;
    state.reports.resize(state.crew.size());
    state.reports_missing = state.crew.size();
    for (std::size_t i = 0; i < state.crew.size(); ++i)
      self->request(state.crew[i], caf::infinite, ask_reducer{})
          .then(
              [self, i](reducer_report& report) {
                self->state.reports[i] = std::move(report);
                self->state.reported.push_back(current_message());
                --self->state.reports_missing;
                finish_if_through(self);
              },
              [self](const caf::error& why) {
                if (why != caf::exit_reason::remote_link_unreachable)
                  return fail(self, "a reducer did not report: " + self->system().render(why));
                --self->state.reports_missing;
                ++self->state.reports_lost;
                finish_if_through(self);
              });
  }
  finish_if_through(self);
}

/// Reads on and deals, as far ahead as may be.
void deal(root_actor* self) {
  auto& state = self->state;
  if (state.deal_pending || state.all_dealt || state.stopped || state.ended
      || state.groups_out >= groups_ahead * state.crew.size())
    return;
  deal_group group{state.leaves, {}};
  const auto host = state.leaves / state.settings.arity % state.crew.size();
  std::size_t bytes = 0;
  try {
    while (group.leaves.size() < state.settings.arity) {
      auto chunk = state.source->next(state.settings.chunk);
      if (chunk.count == 0) {
        state.all_dealt = true;
        break;
      }
      state.dealt += chunk.count;
      ++state.leaves;
      bytes += chunk.data.size();
      if (bytes > chunk_bytes_max)
        throw std::runtime_error("a group of " + std::to_string(state.settings.arity)
                                 + " chunks takes more bytes than a message may have ("
                                 + std::to_string(chunk_bytes_max) + "): choose a smaller chunk or arity");
      group.leaves.push_back(std::move(chunk));
    }
  } catch (const std::exception& e) {
    fail(self, e.what());
    return;
  }
  if (!group.leaves.empty()) {
    ++state.groups_out;
    state.chunks_out += group.leaves.size();
    state.chunks_out_max = std::max(state.chunks_out_max, state.chunks_out);
    self->send(state.crew[host], std::move(group));
  }
  if (!state.all_dealt) {
    // A look at the mailbox between two groups, so that a stop is heard.
    state.deal_pending = true;
    self->send(self, deal_on{});
    return;
  }
  for (auto& who : state.crew)
    self->send(who, tree_size{state.leaves});
  if (state.leaves == 0) collect_reports(self);
}

void on_folded(root_actor* self, const group_folded& what) {
  auto& state = self->state;
  --state.groups_out;
  state.chunks_out -= what.chunks;
  state.folded += what.elements;
  const auto now = self->clock().now();
  if (now - state.told > std::chrono::milliseconds{100}) {
    state.told = now;
    self->send(state.collector, run_progress{state.folded, state.source->total(), {}});
  }
  deal(self);
}

} // namespace

caf::behavior reduction_root(root_actor* self, const caf::actor& collector, const root_settings& settings,
                             const source_settings& source, const reduction_operator& op) {
  auto& state = self->state;
  state.collector = collector;
  state.settings = settings;
  state.op = op;
  return {
      [self, source](const tree_crew& what) {
        auto& state = self->state;
        try {
          state.source = open_source(source);
        } catch (const std::exception& e) {
          fail(self, e.what());
          return;
        }
        state.crew = what.reducers;
        state.began = state.told = self->clock().now();
        for (auto& who : state.crew)
          self->send(who, what);
        deal(self);
      },
      [self](const deal_on&) {
        self->state.deal_pending = false;
        deal(self);
      },
      [self](const group_folded& what) { on_folded(self, what); },
      [self](tree_result<reduction_value>& what) {
        self->state.result = std::move(what.whole);
        collect_reports(self);
      },
      [self](const tree_failed& what) { fail(self, what.why); },
      [self](const stop_early&) {
        self->state.stopped = true;
        collect_reports(self);
      },
  };
}

} // namespace troupe::scenarios
