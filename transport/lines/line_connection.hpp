// One client of a line protocol, without its socket: bytes and time in, lines and bytes
// out. Every line that is accepted is answered or counted as unanswered.
//
//   open --end()--> draining --all answered--> closing --all sent--> closed
//     \________________ lost(), or too slow ____________________________/
//
// What a client says waits until it may be accepted: while too many of its lines wait for
// their answers, or too many answers for the client to read them, it is not read further.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::transport {

struct line_limits {
  std::size_t line_bytes_max = 64U << 10; ///< of a line without its end
  /// Written for the client and not yet sent; with so much, or as many lines to answer, no more
  /// of its lines are accepted.
  std::size_t queued_bytes_max = 1U << 20;
  std::size_t open_lines_max = 64;                 ///< lines at a time that wait for their answers
  std::uint64_t lines_max = 0;                     ///< 1: one line, one answer, the end; 0: any number
  std::chrono::milliseconds line_timeout{30'000};  ///< from a line's first byte to its end; 0: none
  std::chrono::milliseconds idle_timeout{0};       ///< without a byte and with nothing to answer; 0: none
  std::chrono::milliseconds reading_timeout{5000}; ///< for a client whose queue is full to read some of it
  std::chrono::milliseconds closing_timeout{2000}; ///< for the client to read what was said last
};

/// Why a connection ended. Names as in results: to_string().
enum class line_ending : std::uint8_t {
  none,           ///< it has not
  client_left,    ///< the client closed it, or it broke
  finished,       ///< its last answer was given
  line_too_long,  ///< a line over the limit
  not_utf8,       ///< a line that is no text
  line_timeout,   ///< a line that does not end
  idle,           ///< nothing said for too long
  slow_reader,    ///< the client does not read its answers
  refused,        ///< too many connections
  handler_failed, ///< whoever answers failed
  stopped,        ///< the server stops
};
inline constexpr std::size_t line_ending_count = 11;
std::string_view to_string(line_ending);

/// Not thread-safe.
class line_connection {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// The limits are looked at anew each time.
  line_connection(const line_limits& limits, time_point now) : limits_(&limits), last_input_(now) {}

  // -- input ---------------------------------------------------------------------
  /// Whether the client should be read now.
  bool wants_input() const { return phase_ == phase::open && !input_ended_ && !has_lines() && has_room(); }
  /// Bytes of a stream, cut anywhere.
  void receive(std::span<const char> bytes, time_point now);
  /// A whole line that came as a message of its own.
  void receive_line(std::string line, time_point now);
  /// The client says nothing more, and may still read.
  void end_of_input(time_point now);
  /// Appends the lines that are whole and may be accepted now, without their ends (LF, or CR LF).
  void take_lines(time_point now, std::vector<std::string>& accepted);
  /// Whether take_lines() would do something.
  bool can_take_lines() const { return phase_ == phase::open && (has_lines() ? has_room() : input_ended_); }
  /// Lines that came as messages and were not accepted yet.
  std::size_t held_bytes() const { return held_bytes_; }

  // -- output --------------------------------------------------------------------
  /// The answer to the oldest open line; each gets a line end.
  void answer(std::string_view text, time_point now);
  /// A line that answers nothing. A client that has too much to read already is lost.
  void notify(std::string_view text, time_point now);
  /// What is to be sent, as far as it is in one piece; empty: nothing.
  std::string_view output() const { return std::string_view{output_}.substr(output_sent_); }
  /// The first line of it, with its end; empty: nothing.
  std::string_view output_line() const;
  /// So many bytes of it are on their way.
  void sent(std::size_t bytes, time_point now);

  // -- the end -------------------------------------------------------------------
  /// No more lines are accepted; when the open ones are answered, `last_words` and then
  /// the end. What is already ending keeps its reason.
  void end(line_ending why, std::string_view last_words, time_point now);
  /// As end(), but the open lines will not be answered any more.
  void give_up(line_ending why, std::string_view last_words, time_point now);
  /// The connection is gone, now.
  void lost(line_ending why);
  /// Looks at the clock; call it every now and then.
  void tick(time_point now);

  enum class phase : std::uint8_t { open, draining, closing, closed };
  phase now_in() const { return phase_; }
  /// Everything was handed over: the socket may be closed as soon as it has arrived.
  bool may_close() const { return phase_ == phase::closing && output().empty(); }
  bool gone() const { return phase_ == phase::closed; }
  line_ending why() const { return why_; }

  // -- the books: accepted = answered + unanswered + open -------------------------------
  std::uint64_t accepted() const { return accepted_; }
  std::uint64_t answered() const { return answered_; }
  std::uint64_t unanswered() const { return unanswered_; }
  /// Accepted, and not yet answered.
  std::size_t open_lines() const { return open_.size(); }
  std::size_t open_bytes() const { return open_bytes_; }
  std::size_t queued_bytes() const { return output_.size() - output_sent_; }

 private:
  bool has_lines() const { return !held_.empty() || line_end_ != std::string::npos || is_too_long(); }
  /// No end of the line has come, and none can come in time.
  bool is_too_long() const;
  bool has_room() const;
  std::string take_line(time_point now);
  void accept(std::string line, std::vector<std::string>& accepted, time_point now);
  void write(std::string_view text, time_point now);
  void close_if_through(time_point now);
  void forget_input();
  void drop_open();

  const line_limits* limits_;
  phase phase_ = phase::open;
  line_ending why_ = line_ending::none;
  std::string input_;                        ///< bytes of a stream, from `taken_` on
  std::size_t taken_ = 0;                    ///< of input_
  std::size_t line_end_ = std::string::npos; ///< where in input_ the next line ends
  std::deque<std::string> held_;             ///< lines that came as messages
  std::size_t held_bytes_ = 0;
  bool input_ended_ = false;
  time_point line_began_{}, last_input_, headway_{}, ending_since_{};
  std::deque<std::size_t> open_; ///< sizes of the lines
  std::size_t open_bytes_ = 0;
  std::string output_;
  std::size_t output_sent_ = 0;              ///< of output_
  std::uint64_t written_ = 0, gone_out_ = 0; ///< bytes in all
  std::deque<std::uint64_t> answer_ends_;    ///< where in `written_` answers end that are not sent yet
  std::string last_words_;
  std::uint64_t accepted_ = 0, answered_ = 0, unanswered_ = 0;
};

} // namespace troupe::transport
