// What the records of one trace add up to, as they come.
#pragma once

#include "trace/live/live.hpp"
#include "trace/live/live_file.hpp"

#include <array>
#include <queue>
#include <string_view>
#include <unordered_map>

namespace troupe::trace {

/// Not thread-safe. Takes any bytes: what makes no sense is left out.
class live_counts final : public live_sink {
 public:
  static constexpr std::uint64_t string_bytes_max = 8U << 20; ///< beyond, names are unknown
  static constexpr std::size_t string_shown_max = 128;
  static constexpr std::size_t delayed_max = 1U << 18; ///< beyond, delayed messages count at once

  void take(std::span<const std::byte> records) override;
  /// Moves the delayed messages that are due, in nanoseconds since base_mono_ns, to their mailboxes.
  void fall_due(std::uint64_t now);

  /// Adds the types, links and totals. Types of several starts of a node add up.
  void add_types(live_node&) const;
  void tell_actors(live_node&, std::vector<live_actor>& into, std::size_t actors_max) const;
  bool incomplete() const { return incomplete_; }

 private:
  struct actor {
    std::uint64_t id = 0;
    std::uint32_t role = 0;
    bool known = false, exited = false;
    std::int64_t depth = 0; ///< for a moment below 0 where a handler was seen before the sender
  };
  /// Actors have consecutive numbers, and most end: those of a page go together.
  static constexpr std::size_t page_actors = 256;
  struct page {
    std::array<actor, page_actors> actors;
    std::size_t known = 0;
  };
  struct link {
    bool up = false;
    std::optional<std::chrono::nanoseconds> round_trip;
  };
  struct delayed {
    std::uint64_t due = 0;
    std::uint32_t who = 0;
    bool operator>(const delayed& o) const { return due > o.due; }
  };

  void table(const format::record&, std::string_view blob);
  void event(const format::record&);
  void sent(const format::record&);
  void link_event(const format::record&);
  void define_actor(std::uint32_t index, std::uint64_t id, std::uint32_t role);
  actor* find(std::uint32_t index);
  void arrived(std::uint32_t index) {
    if (auto* a = find(index)) ++a->depth;
  }
  void left(std::uint32_t index);
  void forget_if_over(std::uint32_t index, actor&);
  live_type& type(const format::record&);
  std::string text(std::uint32_t string) const;

  std::unordered_map<std::uint32_t, std::string> strings_;
  std::uint64_t string_bytes_ = 0;
  std::uint32_t unknown_type_ = 0, malformed_ = 0; ///< the strings that say so
  std::vector<std::string> nodes_{1};
  std::vector<std::unique_ptr<page>> pages_;
  std::uint32_t actors_seen_ = 1; ///< numbers below have been defined; those that are not found are over
  std::uint64_t alive_ = 0;
  std::vector<live_type> types_;
  std::map<std::uint16_t, link> links_;
  std::priority_queue<delayed, std::vector<delayed>, std::greater<>> delayed_;
  std::uint64_t timer_ = 0, timer_due_ = 0; ///< of the record before
  bool incomplete_ = false;
};

} // namespace troupe::trace
