// All sessions of one node, without sockets: who is connected, who is being dialled, which
// of two connections stands, who is down. docs/wire.md explains the handshake.
#pragma once

#include "transport/frames/limits.hpp"
#include "transport/session/inbound.hpp"
#include "transport/session/link_table.hpp"

#include <list>
#include <unordered_map>

namespace troupe::transport {

struct switchboard_options {
  node_identity identity;
  std::vector<char> greeting;
  std::uint64_t capabilities = 0;
  std::size_t peers_max = 1024;
  std::chrono::milliseconds connect_timeout{5000};
  session_options session;
  std::function<void(log_level, std::string_view)> log; ///< may be empty
  /// As in hub_options; may be empty.
  std::function<std::string(const peer_hello&)> admit{};
  std::function<std::string(const peer_hello&)> describe{};
  /// Who came through that wire gets no session: its name, as far as it told one, and why.
  /// Instead of the log; may be empty.
  std::function<void(const wire&, const std::string& name, std::string_view why)> turned_away{};
};

/// Runs on one thread (the I/O thread), which calls everything but the few members that
/// say otherwise. The listener is called from within those calls.
class switchboard {
 public:
  using connected = std::function<void(peer_ptr, std::string_view why_not)>;
  using looked = std::function<void(const peer_hello*, std::string_view why_not)>;

  switchboard(switchboard_options, hub_listener&, trace::recorder&, dialler&, std::shared_ptr<output_sink>);
  ~switchboard();
  switchboard(const switchboard&) = delete;
  switchboard& operator=(const switchboard&) = delete;

  /// Where others reach this node; to be set before the first connection.
  void set_endpoint(std::string endpoint) { endpoint_ = std::move(endpoint); }

  // -- any thread ----------------------------------------------------------------------
  /// The link with that node; `created` tells that it must still be dialled, with dial().
  link_ptr find_or_make(const node_identity& who, bool& created) { return links_.find_or_make(who, created); }
  std::vector<peer_ptr> peers() const { return links_.peers(); }

  // -- what others want ------------------------------------------------------------------
  void dial(const link_ptr&, const std::string& endpoint, time_point now);
  void connect(const std::string& endpoint, std::chrono::milliseconds timeout, connected done,
               time_point now);
  /// Goes as far as the welcome, and hangs up.
  void look(const std::string& endpoint, std::chrono::milliseconds timeout, looked done, time_point now);
  void cut(const link_ptr&, time_point now);
  void cut_off(const link_ptr&, std::string_view why);
  void expect_no_more(const link_ptr&);
  /// Nothing that arrives from now on is taken, from nobody; what is sent still leaves.
  void take_no_more();
  /// Queues goodbyes; from now on nobody new is taken. Call tick() until is_empty().
  void begin_stop(time_point now);
  /// Ends what is left, without waiting.
  void abandon();
  bool is_empty() const { return links_.is_empty(); }

  // -- what happens ------------------------------------------------------------------------
  /// A frame came in on a wire, dialled or accepted. False: it is nobody's, and the wire
  /// is not kept.
  bool on_frame(const wire_ptr&, raw_frame_ptr, time_point now);
  void on_broken(const wire_ptr&, std::string_view why, time_point now);
  /// Transmits what the link has; false when something is left for another call.
  bool flush(const link_ptr&, time_point now);
  /// This process has not run for `how_long`, up to now: nobody is blamed for a silence meanwhile, and
  /// every limit on the absence of others begins anew. To be called before anything else.
  void stood_still(std::chrono::nanoseconds how_long, time_point now);
  /// Does what time demands; cheap before next_deadline().
  void tick(time_point now);
  time_point next_deadline() const { return next_deadline_; }

 private:
  struct dialling;
  struct connection;
  /// Why a node gets no session.
  struct objection {
    refusal code = refusal::malformed;
    std::string why;
  };

  // handshake
  void begin_attempt(dialling&, time_point now);
  bool take_unknown(const wire_ptr&, const decoded_frame&, time_point now);
  void take_hello(const wire_ptr&, const hello_frame&, time_point now);
  void take_welcome(connection&, const welcome_frame&, time_point now);
  void take_confirm(connection&, const confirm_frame&, time_point now);
  void take_refusal(connection&, const refuse_frame&, time_point now);
  void refuse(const wire_ptr&, refusal, std::string_view detail, const node_identity& whom);
  void drop(connection&, bool flush);
  void carry(connection&, const link_ptr&, const session_position&, std::uint32_t generation,
             std::uint64_t dialled_by, time_point now);
  /// `known`: the link with it, which may be waiting for its first connection, or null.
  /// Nothing: it can have a session.
  std::optional<objection> unwelcome(const peer_hello&, const link_ptr& known);
  std::optional<objection> taken_by_another(const node_identity&);
  std::string is_there_already(const peer_hello&) const;
  void settle(connection&, link_ptr, const welcome_frame&, time_point now);

  // dialling
  dialling& add_dialling(std::string endpoint, time_point now);
  void resume(const link_ptr&, time_point now);
  void retry(dialling&, std::string_view why, time_point now);
  void fail(dialling&, down_reason, std::string_view why);
  void finish(dialling&, const peer_ptr&, std::string_view why_not, const peer_hello* seen = nullptr);
  void finish_all(const link_ptr&, const peer_ptr&, std::string_view why_not);
  void tick_dialling(time_point now);

  // sessions
  void take_session_frame(connection&, raw_frame_ptr, const decoded_frame&, time_point now);
  void lose_wire(const link_ptr&, std::string_view why, bool flush, time_point now);
  void note_clock(link&, const clock_sample&);
  void end(const link_ptr&, down_reason, std::string_view detail);
  void tick_links(time_point now);
  void replace_others(const link_ptr&);

  connection* find(const wire_ptr&);
  void log(log_level, std::string_view) const;
  void note_deadline(time_point t) { next_deadline_ = std::min(next_deadline_, t); }

  const switchboard_options options_;
  hub_listener& listener_;
  trace::recorder& recorder_;
  dialler& dialler_;
  const std::shared_ptr<output_sink> sink_;
  std::string endpoint_;
  time_point next_deadline_ = time_point::max();

  link_table links_;

  std::unordered_map<wire*, std::unique_ptr<connection>> connections_;
  std::size_t greeted_ = 0; ///< connections accepted, not yet confirmed
  std::list<std::unique_ptr<dialling>> dialling_;
};

} // namespace troupe::transport
