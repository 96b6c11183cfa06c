// Records what happens on one node: the write side of a trace.
#pragma once

#include "trace/record/thread_slot.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace troupe::trace {

/// How much a node records. `headers` records every event without message contents.
enum class level : std::uint8_t { off, headers, payloads };

/// Names one message. Bits 63..48 are the index, in the recording node's own table
/// (see recorder::add_node), of the node that sent it, 0 being the recording node
/// itself; bits 47..0 are the number the sender gave it, from 1. 0 names no message.
struct message_id {
  std::uint64_t value = 0;

  static constexpr message_id make(std::uint16_t node, std::uint64_t number) {
    return {std::uint64_t{node} << 48 | (number & 0xffff'ffff'ffffULL)};
  }
  constexpr std::uint16_t node() const { return static_cast<std::uint16_t>(value >> 48); }
  constexpr std::uint64_t number() const { return value & 0xffff'ffff'ffffULL; }
  constexpr explicit operator bool() const { return value != 0; }
  /// False for the id of messages that sampling leaves out; the id travels on, so that
  /// what they cause is left out too. It names no message: never compare it.
  constexpr bool recorded() const { return value != 0 && number() != unsampled_number; }
  constexpr bool operator==(const message_id&) const = default;

  static constexpr std::uint64_t unsampled_number = 0xffff'ffff'ffffULL;
};

/// What a message is to a conversation; lets the reader find requests without an answer.
enum class message_role : std::uint8_t {
  plain,
  request,  ///< its sender expects an answer
  response, ///< it answers one of its causes
};

/// Indices into the recording node's tables; 0 is "none" or "unknown". Actors beyond the table
/// (recorder_options::actors_max) share one index, 2^24 - 1, and are not kept.
using actor_index = std::uint32_t;
using string_index = std::uint32_t;
using node_index = std::uint16_t; // 0: the recording node itself

/// Nanoseconds of the node's hybrid logical clock: CLOCK_MONOTONIC (see tick_clock.hpp), pushed forward
/// where a peer's clock was seen to be ahead, so that no cause is later than its effect.
using timestamp = std::uint64_t;

struct sent_message {
  message_id id{};
  timestamp when = 0;
};

/// What recorder::handling() tells handled(), on the same thread.
struct begun_handler {
  thread_slot* slot = nullptr; ///< null if it is not recorded
  message_id id{};
  std::uint64_t word3 = 0;
  timestamp begin = 0;
};

/// How the reason begins for which an actor is told to have exited, where it failed by itself.
inline constexpr std::string_view failed_reason = "failed: ";

struct recorder_options {
  std::filesystem::path directory; ///< the run directory; the file is <node>.trace in it
  std::string node;                ///< name of the recording node
  std::uint64_t incarnation = 0;
  level what = level::headers;
  std::uint64_t bytes_max = 4ULL << 30;       ///< after that the trace ends, and says so
  std::uint64_t segment_bytes = 256ULL << 20; ///< a file is closed beyond this and <node>.0001.trace goes on
  std::uint32_t sample_one_in = 1;            ///< record one causal tree in so many; 1: all
  std::uint32_t actors_max = 0xff'fffe; ///< in the table, which the file's format has no room for more in
};

/// Thread-safe. One instance a node; no call may be under way when it is closed or
/// destroyed, but threads that used it may live on. A call costs one store of 32 bytes
/// into a memory-mapped file; only the tables (intern, add_*) and every 2,000th event of
/// a thread take a mutex. With level::off every event call returns at once, no file is
/// made, and the tables still hand out indices. A full disk ends the trace; the run goes
/// on, and the file says so. Events of a message that is not recorded() are left out.
class recorder {
 public:
  /// Throws std::system_error when the file cannot be made. Where <node>.trace exists
  /// already (the node was started again), the file is <node>-<incarnation>.trace.
  explicit recorder(recorder_options);
  ~recorder();
  recorder(const recorder&) = delete;
  recorder& operator=(const recorder&) = delete;

  level what() const { return what_; }
  bool on() const { return what_ != level::off; }
  const recorder_options& options() const;

  // -- clock -------------------------------------------------------------------
  timestamp now() const;
  /// A message from a peer carried this time: from now on, now() > remote.
  void observe(timestamp remote);

  // -- tables ------------------------------------------------------------------
  string_index intern(std::string_view);
  node_index add_node(std::string_view name, std::uint64_t incarnation);
  /// An actor that this node hosts (node 0) or refers to on another one. `id` is its
  /// number on its own node; `role` its kind. Adding the same (node, id) again returns
  /// the same index, and fills in a role that was empty before.
  actor_index add_actor(node_index, std::uint64_t id, std::string_view role);

  // -- events ------------------------------------------------------------------
  /// Numbers a message that an actor of this node sends, and records that it was sent now;
  /// `cause` is the message that the sender was handling, if any. It decides whether this one
  /// is sampled: what is not recorded causes nothing that is. All zero when off.
  sent_message send(message_id cause, actor_index sender, actor_index receiver, string_index type,
                    message_role = message_role::plain);
  /// The two halves of send(), for a caller with a time of its own.
  message_id next_message(message_id cause = {});
  void sent(message_id, message_id cause, actor_index sender, actor_index receiver, string_index type,
            timestamp when, message_role = message_role::plain);
  void spawned(actor_index who, actor_index parent, message_id cause);
  void exited(actor_index who, string_index reason);
  /// A further cause of a message that was sent: a join has several.
  void also_caused_by(message_id, message_id cause);
  /// A message of another node arrived here and is being put into a mailbox. `remote_sent`
  /// 0: the sender tells no time. Returns when it arrived; 0 when nothing is recorded.
  timestamp delivered(message_id, actor_index receiver, string_index type, std::uint32_t bytes,
                      timestamp remote_sent);
  /// The handler is about to run; lets the reader name what a killed node was doing.
  begun_handler handling(message_id, actor_index who, string_index type, timestamp begin);
  /// It has run on this thread.
  void handled(const begun_handler&, timestamp end);
  /// A handler has run, from `begin` until `end`; 0: until now.
  void handled(message_id, actor_index who, string_index type, timestamp begin, timestamp end = 0);
  /// The handler did not take the message: it stays in the mailbox and comes again.
  void skipped(message_id);
  void dropped(message_id, actor_index receiver, string_index type, string_index reason);
  void dead_lettered(message_id, actor_index receiver, string_index type, string_index reason);
  /// A delayed message was set to fire after `delay`; its id is the message's.
  void timer_set(message_id, actor_index who, std::chrono::nanoseconds delay);
  void redelivered(message_id again, message_id original, actor_index who);
  // Of other nodes; for index 0, which a visitor has, nothing is recorded.
  /// `keeps_trace`: it says that it records, so that a trace of it must be somewhere.
  void node_up(node_index, bool keeps_trace = true);
  void node_down(node_index, string_index reason);
  void link_up(node_index);
  void link_down(node_index, string_index reason);
  void link_resumed(node_index, std::uint32_t frames_sent_again);
  /// How far the other's CLOCK_MONOTONIC is ahead of this node's: links compare those, not the
  /// hybrid clocks, so that it stays the same however far either of them was pushed.
  void clock_offset(node_index, std::chrono::nanoseconds offset, std::chrono::nanoseconds uncertainty);
  void fault(string_index kind, string_index detail);
  /// The run is told to end, by whom or why: what waits now would wait for ever. Where the
  /// run ended by itself, this is not recorded.
  void told_to_end(string_index verdict, string_index reason);
  /// This process has not run for so long: it was stopped, or its machine stood still.
  void stood_still(std::chrono::nanoseconds);
  void noted(actor_index who, message_id during, std::string_view text);
  /// Contents of a message, recorded at level::payloads; cut at 64 KiB.
  void payload(message_id, std::span<const std::byte>);

  /// What the scenario promises of the trace, in the language of docs/trace.md ("never
  /// kind=dropped"); `troupe trace check` evaluates it on the trace alone.
  void invariant(std::string_view text);

  /// Marks the trace complete. Afterwards nothing is recorded. The destructor does it too.
  void close();

 private:
  struct impl;
  /// The calling thread's place.
  thread_slot& here() {
    if (slot_of_thread.recorder != id_) [[unlikely]]
      return new_here();
    return *slot_of_thread.slot;
  }
  thread_slot& new_here();
  /// What no record tells is counted as missed.
  void record(thread_slot&, format::record_kind, timestamp, std::uint64_t w1, std::uint64_t w2,
              std::uint64_t w3);
  bool make_room(thread_slot&);
  bool first_chunk(thread_slot&);
  /// Whether what has this cause is recorded.
  bool samples(thread_slot& slot, message_id cause) const {
    if (cause) [[likely]]
      return cause.recorded();
    return sample_one_in_ <= 1 || slot.draw(sample_one_in_);
  }
  message_id next_number(thread_slot&);
  void take_numbers(thread_slot&);
  std::uint64_t since_base(timestamp when) const { return when > base_ ? when - base_ : 0; }

  level what_;
  std::uint32_t sample_one_in_;
  std::atomic<std::uint64_t> skew_{0}; ///< lead of the hybrid clock over CLOCK_MONOTONIC, ns
  std::unique_ptr<impl> impl_;
  const std::uint64_t id_;   ///< of this instance in this process
  const std::uint64_t base_; ///< CLOCK_MONOTONIC when the trace began
};

} // namespace troupe::trace

#include "trace/record/recorder_inline.hpp"
