// The work of merge(), step by step. Only the merge's own sources include this.
#pragma once

#include "trace/merge/clock_map.hpp"
#include "trace/merge/merge.hpp"
#include "trace/merge/radix_sort.hpp"
#include "trace/record/recorder.hpp"

#include <algorithm>
#include <unordered_map>

namespace troupe::trace {

/// Finds the row of a message by its node and number. Numbers come from blocks, so nearly
/// all lie close together: an array where that holds, a hash map where it does not.
class message_numbers {
 public:
  void expect(std::uint64_t number) {
    highest_ = std::max(highest_, number);
    ++count_;
  }
  void prepare() {
    // Blocks of numbers of threads that sent little leave holes.
    if (highest_ < count_ * 8 + (1U << 20)) dense_.assign(highest_ + 1, no_row);
  }
  row& find(std::uint64_t number) {
    if (number < dense_.size()) return dense_[number];
    return sparse_.try_emplace(number, no_row).first->second;
  }
  void forget() {
    std::fill(dense_.begin(), dense_.end(), no_row);
    sparse_.clear();
  }

 private:
  std::uint64_t highest_ = 0;
  std::uint64_t count_ = 0;
  std::vector<row> dense_;
  std::unordered_map<std::uint64_t, row> sparse_;
};

/// Adds the remarks that follow from the nodes themselves: who did not end in order, whose
/// trace ended early or is missing, whose clock is uncertain. (gaps.cpp)
void describe_gaps(model&);

class merger {
 public:
  merger(std::vector<node_trace>&& traces, std::vector<remark> remarks);
  model run();

 private:
  /// What one node's own indices mean over the whole run.
  struct translation {
    std::vector<std::uint16_t> node;
    std::vector<std::uint32_t> actor;
    std::vector<std::uint32_t> type; ///< by type index, filled in when first met
  };

  void add_nodes();
  std::uint16_t global_node(const node_trace::node_entry&);
  void add_actors();
  void add_open_handlers();
  void count_messages();
  void plan_order();
  void number_actors();
  void find_parted();
  void finish();

  // From records to columns.
  void emit_all();
  void emit(std::size_t n, std::size_t index, run_time time);
  row push_event(std::size_t n, event_kind, run_time);
  row message_row(std::size_t n, std::uint64_t id);
  void emit_receipt(std::size_t n, event_kind, const format::record&, run_time, std::int64_t value);
  void emit_sent(std::size_t n, const format::record&, run_time, unsigned role);
  void emit_handled(std::size_t n, const format::record&, run_time, bool finished);
  void emit_actor_event(std::size_t n, const format::record&, run_time);
  void emit_link_event(std::size_t n, event_kind, const format::record&, run_time, std::int64_t value);
  void emit_text(std::size_t n, const format::record&, std::size_t index, run_time);
  std::uint32_t actor(std::size_t n, std::uint32_t index) const;
  std::uint32_t type(std::size_t n, std::uint32_t index);
  std::uint32_t string(std::size_t n, std::uint64_t index);
  std::uint32_t intern(const std::string&);

  // Order.
  void order();
  void restore_causality();
  void emit_again(std::uint64_t moved);
  std::size_t trace_of(std::uint32_t record) const;

  static constexpr std::uint64_t open_handler_kind = 100; ///< never in a file

  std::vector<node_trace> traces_;
  model out_;
  clock_map clocks_;
  std::vector<translation> translations_;
  std::vector<message_numbers> numbers_; ///< by global node
  std::unordered_map<std::string, std::uint32_t> string_numbers_;
  std::vector<std::uint32_t> first_record_; ///< of each trace, in the numbering over all traces
  std::vector<sort_entry> order_;           ///< key: time << 2 | rank; what: record over all traces
  std::uint64_t event_count_ = 0;
  std::vector<bool> causing_; ///< by message: named as a cause before it was handled
  std::uint64_t out_of_order_ = 0;
};

} // namespace troupe::trace
