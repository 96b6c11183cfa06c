// A merged trace in memory: the events of all nodes in one causal order, as columns.
// Read by every query, export and by the viewer; made by merge().
//
// Rows and columns. An event is a row of `model::events`, a message a row of
// `model::messages`; a row is a number from 0, `no_row` is none. Rows of events are in
// causal order: what caused something has a smaller row than it, times never fall.
// About 43 bytes an event and 45 a message, so that ten million events fit into 1 GiB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::trace {

using row = std::uint32_t;
inline constexpr row no_row = std::numeric_limits<row>::max();

/// Nanoseconds since the start of the run: since the first recorder of it was made.
using run_time = std::int64_t;

/// What happened. Which columns of the event mean what:
///   kind           actor      peer      type  message    cause            value
///   spawned        new one    parent    -     -          message handled  -
///   exited         it         -         -     -          -                reason (string)
///   sent           sender     receiver  type  it         first cause      message_role
///   delivered      receiver   sender    type  it         -                bytes
///   handled        receiver   sender    type  it         -                duration, ns
///   unfinished     receiver   sender    type  it         -                ns until the node's last event
///   dropped        receiver   sender    type  it         -                reason (string)
///   dead_lettered  receiver   sender    type  it         -                reason (string)
///   timer_set      who        -         -     it         -                delay, ns
///   redelivered    who        -         -     the new    the original     -
///   node_up/down, link_up/down: peer node in `cause`;                     reason (string)
///   link_resumed   - peer node in `cause`                                 frames sent again
///   clock_offset   - peer node in `cause`                                 peer's clock minus ours, ns
///   fault          -          -         kind  -          -                detail (string)
///   noted          who        -         -     during     -                text (index into model::notes)
///   told_to_end    -          -      verdict  -          -                reason (string)
///   stood_still    -          -         -     -          -                ns that its node did not run, up
///   to then
/// `time` of handled and unfinished is when the handler began.
enum class event_kind : std::uint8_t {
  spawned,
  exited,
  sent,
  delivered,
  handled,
  unfinished,
  dropped,
  dead_lettered,
  timer_set,
  redelivered,
  node_up,
  node_down,
  link_up,
  link_down,
  link_resumed,
  clock_offset,
  fault,
  noted,
  told_to_end,
  stood_still,
};
inline constexpr std::size_t event_kind_count = 20;
std::string_view to_string(event_kind);
/// Its value is a reason, a string of the model.
bool has_reason(event_kind);
/// Its cause is another node.
constexpr bool about_node(event_kind kind) {
  return kind >= event_kind::node_up && kind <= event_kind::clock_offset;
}
/// It happened to the node or the run, not to an actor.
constexpr bool about_no_actor(event_kind kind) {
  return about_node(kind) || kind == event_kind::fault || kind == event_kind::told_to_end
         || kind == event_kind::stood_still;
}

/// One start of a node, with a trace of its own or only mentioned by others.
struct node_info {
  std::string name;
  std::uint64_t incarnation = 0;
  bool keeps_trace = true; ///< false: it told its peers that it keeps none, as a foreign node may
  bool recorded = false;   ///< its trace was read; what follows is known only then
  std::string host;
  std::string clock_id; ///< nodes with the same one share a clock: the boot, and the time namespace
  std::uint32_t pid = 0;
  std::uint32_t level = 1;
  std::uint32_t sample_one_in = 1;
  bool closed = false;      ///< ended in order
  std::uint32_t ended = 0;  ///< format::end_reason: the trace ended before the node did
  std::uint64_t missed = 0; ///< events after that end
  run_time began = 0;       ///< when its recorder was made
  run_time last = 0;        ///< its last event's end
  std::uint64_t began_unix_ns = 0;
  std::uint64_t events = 0;
  /// It took part, and its trace was not among those that were read.
  bool is_missing() const { return keeps_trace && !recorded; }
  std::int64_t clock_offset_ns = 0;      ///< its clock minus the reference node's
  std::int64_t clock_uncertainty_ns = 0; ///< negative: unknown, only the causal order is sure
};

/// Row 0 of model::actors is whoever is not an actor: main(), a timer, a plain thread.
struct actor_info {
  std::uint16_t node = 0;   ///< index into model::nodes
  std::uint64_t id = 0;     ///< its number on that node
  std::uint32_t role = 0;   ///< string
  std::uint32_t number = 0; ///< within its role, from 1, in order of spawning over the whole run
  row spawned = no_row;     ///< event
  row exited = no_row;      ///< event
};

struct event_columns {
  std::vector<run_time> time;
  std::vector<std::int64_t> value;
  std::vector<std::uint32_t> actor, peer; ///< rows of model::actors
  std::vector<std::uint32_t> type;        ///< strings
  std::vector<row> message;               ///< row of model::messages
  std::vector<row> cause;                 ///< row of model::messages; a node for the link events
  std::vector<std::uint16_t> node;        ///< that recorded it
  std::vector<event_kind> kind;
  std::size_t size() const { return time.size(); }
};

/// Events of a message; no_row where there is none in the trace. A message was handled
/// more than once if `handlings` says so; `handled` is then the first time.
struct message_columns {
  std::vector<std::uint64_t> number; ///< given by the sending node
  std::vector<std::uint16_t> node;   ///< that sent it
  std::vector<std::uint32_t> sender, receiver;
  std::vector<std::uint32_t> type;
  std::vector<row> cause; ///< first cause; further ones: model::more_causes
  std::vector<row> sent, delivered;
  std::vector<row> handled;            ///< or unfinished
  std::vector<row> discarded;          ///< dropped or dead-lettered
  std::vector<std::uint8_t> role;      ///< message_role
  std::vector<std::uint8_t> handlings; ///< how often it was handled, at most 255
  std::vector<bool> delayed;           ///< it was to arrive later: see model::delay_ns
  std::size_t size() const { return number.size(); }
};

struct payload_info {
  row message = no_row;
  std::uint64_t offset = 0; ///< into model::payload_bytes
  std::uint32_t bytes = 0;
  std::uint32_t bytes_whole = 0; ///< before the cut
};

/// How far the trace can be trusted: a sentence, and whether something is missing.
struct remark {
  bool missing = false; ///< false: only worth knowing
  std::string text;
};

struct model {
  std::vector<std::string> strings; ///< [0] is ""
  std::vector<node_info> nodes;
  std::vector<actor_info> actors;
  event_columns events;
  message_columns messages;
  std::vector<std::pair<row, row>> more_causes;     ///< message, further cause; sorted
  std::vector<std::pair<row, std::int64_t>> delays; ///< message, its timer in ns; sorted
  std::vector<std::string> notes;
  std::vector<payload_info> payloads; ///< sorted by message
  std::vector<std::byte> payload_bytes;
  std::vector<std::string> invariants; ///< what the scenario promised
  std::vector<remark> remarks;
  /// Nodes of which one saw the other go otherwise than in order, the smaller first; sorted. What was
  /// on its way between them may have arrived or not.
  std::vector<std::pair<std::uint16_t, std::uint16_t>> parted;
  std::uint64_t started_unix_ns = 0; ///< wall clock at run time 0

  bool complete() const;
  std::string_view text(std::uint32_t string) const { return strings[string < strings.size() ? string : 0]; }

  // -- names ---------------------------------------------------------------------
  /// "worker-3"; "outside" for row 0.
  std::string actor_name(std::uint32_t actor) const;
  std::string_view role_name(std::uint32_t actor) const;
  /// "w1"; "w1#2" for the second start under that name.
  std::string node_name(std::uint16_t node) const;
  /// "w1:1234", as `troupe trace follow` takes it.
  std::string message_name(row message) const;
  /// The message of that name, or of that number if only one node has it; no_row if there
  /// is none. Sets `why` then.
  row find_message(std::string_view name, std::string& why) const;

  // -- times; negative: not known ------------------------------------------------
  run_time handler_end(row event) const { return events.time[event] + events.value[event]; }
  /// From the send to the arrival at the receiving node; messages between nodes only.
  std::int64_t network_ns(row message) const;
  /// What a timer held the message back for; 0: it was sent at once.
  std::int64_t delay_ns(row message) const;
  /// From the arrival in the mailbox to the handler; a timer runs before the arrival.
  std::int64_t wait_ns(row message) const;
  std::int64_t handling_ns(row message) const;
  std::int64_t bytes(row message) const;
  /// When it reached the mailbox; `no_row` and 0 where the trace does not tell.
  std::pair<row, run_time> arrival(row message) const;
  run_time end_of_run() const { return end_; }

  // -- causes --------------------------------------------------------------------
  /// All causes of a message, the first included.
  std::vector<row> causes(row message) const;
  /// Which of `payloads` is its; negative: none was recorded.
  std::ptrdiff_t payload_index(row message) const;
  /// Its content as text, cut at 64 KiB; empty where none was recorded.
  std::string_view payload(row message) const;
  std::string_view payload(const payload_info&) const;

  run_time end_ = 0; ///< of the last event or handler
};

/// Messages by cause, for walking from causes to effects. Built in one pass.
class effects_index {
 public:
  explicit effects_index(const model&);
  /// Messages that name `message` as a cause, in order of sending.
  std::span<const row> of(row message) const {
    return {effects_.data() + first_[message], effects_.data() + first_[message + 1]};
  }

 private:
  std::vector<std::uint32_t> first_;
  std::vector<row> effects_;
};

} // namespace troupe::trace
