// A reduction tree: actors that join partial results in groups, level by level.
//
//   level 0   leaves      0   1   2   3   4   5        arity 2
//   level 1               \ 0 /   \ 1 /   \ 2 /
//   level 2                 \    0   /      1 (carried)
//   level 3                  \       0     /           = the result
//
// The node (level, index) of the tree joins the partials arity*index … of the level below
// as soon as all of them are there, and belongs to the reducer number index % reducers:
// each reducer is an actor that hosts many nodes, anywhere. The number of leaves need not
// be known before the last one was dealt. The operator must be associative and commutative;
// a group is joined in order of index, so the result depends on the shape alone, not on
// who was faster.
#pragma once

#include "actors/runtime/traced_actor.hpp"

#include <caf/all.hpp>

#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

namespace troupe {

class message_catalog;

inline constexpr std::uint64_t tree_arity_min = 2;
inline constexpr std::uint64_t tree_arity_max = 16;

/// How many partials there are, level by level. Level 0 are the leaves; the first level
/// with one partial is the root's. All for arity >= 2.
struct tree_shape {
  std::uint64_t leaves = 0;
  std::uint64_t arity = tree_arity_min;

  std::uint64_t width(std::uint32_t level) const;
  /// Levels above the leaves; 0 where there is one leaf or none.
  std::uint32_t levels() const;
  /// Nodes of a level >= 1 that join at least two partials; the others carry one.
  std::uint64_t joins(std::uint32_t level) const;
  /// Partials that the node (level >= 1, index) waits for.
  std::uint64_t members(std::uint32_t level, std::uint64_t index) const;
};

/// A number for each element, such that sums of them tell which were counted: adding one
/// twice or leaving one out changes the sum.
std::uint64_t tree_mark(std::uint64_t element);

// -- messages -------------------------------------------------------------------------

/// To the reducer that hosts (level + 1, index / arity): a leaf, or what a node joined.
template <class T>
struct tree_partial {
  std::uint32_t level = 0;
  std::uint64_t index = 0;
  T value{};
  std::uint64_t elements = 0; ///< that went into it
  std::uint64_t marks = 0;    ///< sum of their tree_mark(), modulo 2^64
};
template <class Inspector, class T>
auto inspect(Inspector& f, tree_partial<T>& x) {
  return f(caf::meta::type_name("tree_partial"), x.level, x.index, x.value, x.elements, x.marks);
}

/// To every reducer, first: who the reducers are, in order.
struct tree_crew {
  std::vector<caf::actor> reducers;
};
TROUPE_MESSAGE(tree_crew, reducers)

/// To every reducer, when the last leaf was dealt.
struct tree_size {
  std::uint64_t leaves = 0;
};
TROUPE_MESSAGE(tree_size, leaves)

/// Reducer -> root actor, once: the result. With no leaves at all, it does not come.
template <class T>
struct tree_result {
  tree_partial<T> whole;
};
template <class Inspector, class T>
auto inspect(Inspector& f, tree_result<T>& x) {
  return f(caf::meta::type_name("tree_result"), x.whole);
}

/// Reducer -> root actor: there will be no result.
struct tree_failed {
  std::string why;
};
TROUPE_MESSAGE(tree_failed, why)

/// Anyone -> reducer, a request: answered with reducer_report.
struct ask_reducer {};
TROUPE_MESSAGE(ask_reducer)

struct reducer_report {
  std::string node;
  std::uint64_t leaves = 0;         ///< that were given to it
  std::uint64_t elements = 0;       ///< in these
  std::vector<std::uint64_t> joins; ///< by level, from 1; of two partials or more
};
TROUPE_MESSAGE(reducer_report, node, leaves, elements, joins)

/// The types that do not depend on the value's; adding them twice is fine.
void add_reducer_messages(message_catalog&);
/// All types of a tree over T; `value` names T and must be unique in the program.
template <class T, class Catalog>
void add_reducer_messages(Catalog& catalog, const std::string& value) {
  add_reducer_messages(catalog);
  catalog.template add<tree_partial<T>>(value + "_partial");
  catalog.template add<tree_result<T>>(value + "_result");
}

// -- the nodes of one reducer -------------------------------------------------------------

/// Joins two partial results; throws std::exception where they have no join.
template <class T>
using tree_operator = std::function<T(T, const T&)>;

/// The nodes that wait for partials, without any actor. Not thread-safe.
template <class T>
class tree_nodes {
 public:
  struct joined {
    tree_partial<T> what;
    std::vector<message_token> causes; ///< the messages that brought the parts
    bool root = false;                 ///< it is the result
  };

  tree_nodes(std::uint64_t arity, tree_operator<T> join) : shape_{0, arity}, join_(std::move(join)) {}

  /// Takes in a partial that `why` brought. Returns what its node made of it, if it was the
  /// last. Throws what the operator throws, and std::logic_error for a partial that came twice.
  std::optional<joined> add(tree_partial<T>&& part, message_token why) {
    const auto level = part.level + 1;
    const auto index = part.index / shape_.arity;
    auto& group = groups_[{level, index}];
    group.parts.resize(shape_.arity);
    auto& slot = group.parts[part.index % shape_.arity];
    if (slot) throw std::logic_error("a partial result came twice");
    slot = std::move(part);
    ++group.present;
    group.causes.push_back(why);
    return look_at(level, index);
  }

  /// Says how many leaves there are. Returns what can be joined now.
  std::vector<joined> set_leaves(std::uint64_t leaves) {
    shape_.leaves = leaves;
    size_known_ = true;
    std::vector<std::pair<std::uint32_t, std::uint64_t>> places;
    for (auto& [place, group] : groups_)
      places.push_back(place);
    std::vector<joined> result;
    for (auto [level, index] : places)
      if (auto made = look_at(level, index)) result.push_back(std::move(*made));
    return result;
  }

  /// By level, from 1.
  const std::vector<std::uint64_t>& joins() const { return joins_; }
  std::uint64_t arity() const { return shape_.arity; }

 private:
  struct group {
    std::vector<std::optional<tree_partial<T>>> parts; ///< by index
    std::uint64_t present = 0;
    std::vector<message_token> causes;
  };

  std::optional<joined> look_at(std::uint32_t level, std::uint64_t index) {
    auto found = groups_.find({level, index});
    // Until the size is known, a part may be missing, or be the whole.
    const bool root = size_known_ && shape_.width(level - 1) == 1;
    const auto members = size_known_ ? shape_.members(level, index) : shape_.arity;
    if (found->second.present < members) return std::nullopt;
    auto group = std::move(found->second);
    groups_.erase(found);
    joined result{std::move(*group.parts.front()), std::move(group.causes), root};
    for (std::uint64_t i = 1; i < members; ++i) {
      auto& part = *group.parts[i];
      result.what.value = join_(std::move(result.what.value), part.value);
      result.what.elements += part.elements;
      result.what.marks += part.marks;
    }
    if (root) return result;
    result.what.level = level;
    result.what.index = index;
    if (members > 1) {
      joins_.resize(std::max<std::size_t>(joins_.size(), level));
      ++joins_[level - 1];
    }
    return result;
  }

  tree_shape shape_;
  bool size_known_ = false;
  tree_operator<T> join_;
  std::map<std::pair<std::uint32_t, std::uint64_t>, group> groups_;
  std::vector<std::uint64_t> joins_;
};

// -- the actor --------------------------------------------------------------------------

/// What a reducer's state needs; put it into a state of your own to add handlers.
template <class T>
struct reducer_state {
  static inline const char* name = "reducer";
  std::optional<tree_nodes<T>> nodes;
  caf::actor root;
  std::vector<caf::actor> crew; ///< empty: not known yet
  /// Made until then: what others send may overtake the root's word.
  std::vector<typename tree_nodes<T>::joined> early;
  reducer_report report;
};

/// Takes in a partial, and sends on what becomes of it.
template <class T, class Self>
void reducer_accept(Self* self, reducer_state<T>& state, tree_partial<T>&& part);

namespace detail {

template <class T, class Self>
void reducer_send(Self* self, reducer_state<T>& state, typename tree_nodes<T>::joined&& made) {
  if (state.crew.empty()) return state.early.push_back(std::move(made));
  const joining all{made.causes};
  if (made.root) {
    self->send(state.root, tree_result<T>{std::move(made.what)});
    return;
  }
  const auto host = made.what.index / state.nodes->arity() % state.crew.size();
  self->send(state.crew[host], std::move(made.what));
}

template <class Self, class Root, class Fun>
void reducer_try(Self* self, const Root& root, Fun fun) {
  try {
    fun();
  } catch (const std::exception& e) {
    self->send(root, tree_failed{e.what()});
  }
}

} // namespace detail

template <class T, class Self>
void reducer_accept(Self* self, reducer_state<T>& state, tree_partial<T>&& part) {
  if (part.level == 0) {
    ++state.report.leaves;
    state.report.elements += part.elements;
  }
  detail::reducer_try(self, state.root, [&] {
    if (auto made = state.nodes->add(std::move(part), current_message()))
      detail::reducer_send(self, state, std::move(*made));
  });
}

/// The handlers of a reducer, for a behaviour that has others too.
template <class T, class Self>
caf::message_handler reducer_handlers(Self* self, reducer_state<T>& state) {
  return {
      [self, &state](tree_crew& what) {
        state.crew = std::move(what.reducers);
        for (auto& made : std::exchange(state.early, {}))
          detail::reducer_send(self, state, std::move(made));
      },
      [self, &state](tree_partial<T>& part) { reducer_accept(self, state, std::move(part)); },
      [self, &state](const tree_size& what) {
        detail::reducer_try(self, state.root, [&] {
          for (auto& made : state.nodes->set_leaves(what.leaves))
            detail::reducer_send(self, state, std::move(made));
        });
      },
      [self, &state](const ask_reducer&) {
        state.report.node = self->node_name();
        state.report.joins = state.nodes->joins();
        return state.report;
      },
  };
}

/// A reducer that is given its leaves as tree_partial<T> of level 0. `root` gets the result.
/// It lives until it is told to exit.
template <class T>
caf::behavior reducer(actor_of<reducer_state<T>>* self, const caf::actor& root, std::uint64_t arity,
                      tree_operator<T> join) {
  self->state.nodes.emplace(arity, std::move(join));
  self->state.root = root;
  return reducer_handlers<T>(self, self->state);
}

} // namespace troupe
