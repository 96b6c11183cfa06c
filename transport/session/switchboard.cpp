#include "transport/session/switchboard.hpp"

#include "base/durations.hpp"
#include "base/utf8.hpp"

#include <algorithm>
#include <iterator>

namespace troupe::transport {

namespace {
// One link does not keep the others waiting for longer than this many frames.
constexpr std::size_t frames_per_flush = 64;

std::string describe(const node_identity& identity) {
  return identity.name.empty()
             ? "an unnamed node"
             : identity.name + " (incarnation " + std::to_string(identity.incarnation) + ")";
}
} // namespace

/// Somebody who is to be connected, over as many attempts as it takes.
struct switchboard::dialling {
  std::string endpoint;
  link_ptr target;                      ///< who is expected; null: whoever is there
  bool resuming = false;                ///< the target was up before; only its silence ends this
  connected done;                       ///< may be empty
  looked seen;                          ///< not empty: only a look is wanted, which the welcome ends
  std::chrono::nanoseconds patience{0}; ///< from its beginning to give_up, which is never without
  time_point give_up = time_point::max();
  time_point not_before{}; ///< until then the other side is expected to dial
  time_point next_attempt{};
  std::chrono::milliseconds delay = limits::redial_delay_min;
  wire_ptr current; ///< the attempt under way; null between two
  std::string last_error = "no answer";
};

//   dialler:   greeting --welcome in, confirm out--> carrying
//   acceptor:  welcomed --confirm in--------------> carrying
struct switchboard::connection {
  enum class stage : std::uint8_t {
    greeting, ///< dialled, hello sent
    welcomed, ///< accepted, welcome sent
    carrying, ///< of `carried`
  };
  wire_ptr line;
  stage now = stage::greeting;
  dialling* attempt = nullptr; ///< while greeting
  peer_hello self;             ///< what the other side said of itself
  std::size_t frame_bytes_max = 0;
  session_position offered; ///< in the welcome
  link_ptr carried;
  time_point deadline = time_point::max();
};

switchboard::switchboard(switchboard_options options, hub_listener& listener, trace::recorder& recorder,
                         dialler& d, std::shared_ptr<output_sink> sink)
    : options_(std::move(options)), listener_(listener), recorder_(recorder), dialler_(d),
      sink_(std::move(sink)),
      links_({options_.identity, options_.peers_max, options_.session}, recorder, sink_) {}

switchboard::~switchboard() = default;

void switchboard::log(log_level level, std::string_view text) const {
  if (options_.log) options_.log(level, text);
}

switchboard::connection* switchboard::find(const wire_ptr& line) {
  const auto it = connections_.find(line.get());
  return it == connections_.end() ? nullptr : it->second.get();
}

std::string switchboard::is_there_already(const peer_hello& who) const {
  const auto which = options_.describe ? options_.describe(who) : std::string{};
  return who.identity.name + " is in this run already" + (which.empty() ? "" : ", " + which);
}

// A name belongs to who has it until that one has ended: it said goodbye, it was silent for too long,
// or its process is seen to be gone.
std::optional<switchboard::objection> switchboard::taken_by_another(const node_identity& who) {
  if (who.name == options_.identity.name)
    return objection{refusal::name_taken, is_there_already({options_.identity, 0, options_.capabilities,
                                                            endpoint_, options_.greeting})};
  for (const auto& other : links_.called(who.name)) {
    if (other->identity() == who || !other->was_up) continue;
    const auto& there = other->hello();
    const auto line = other->current_wire();
    const bool connected = line != nullptr && !line->is_over();
    const bool gone = !there.endpoint.empty() && dialler_.is_deserted(there.endpoint);
    if (connected && !gone) return objection{refusal::name_taken, is_there_already(there)};
    if (connected || !gone)
      return objection{refusal::stale, is_there_already(there) + "; whether it has ended is not known yet"};
    end(other, down_reason::silent, "its process has ended: nobody listens at its endpoint");
  }
  return {};
}

std::optional<switchboard::objection> switchboard::unwelcome(const peer_hello& hello, const link_ptr& known) {
  if (known && known->was_up) return {}; // it goes on
  const auto& who = hello.identity;
  if (const auto* why = links_.why_barred(who)) return objection{refusal::superseded, why};
  if (links_.is_refusing_new() && !known) return objection{refusal::stopping, "this node is stopping"};
  if (is_visitor(who)) {
    if ((hello.capabilities & capability_upload) == 0)
      return objection{refusal::not_allowed, "a name that begins with " + std::string(visitor_prefix)
                                                 + " is for who brings files, and no node's"};
  } else {
    if (auto taken = taken_by_another(who)) return taken;
    if (auto why = options_.admit ? options_.admit(hello) : std::string{}; !why.empty())
      return objection{refusal::not_allowed, std::move(why)};
  }
  if (known || !links_.is_full(who)) return {};
  if (is_visitor(who)) return objection{refusal::stale, "too many visitors at once"};
  return objection{refusal::too_many_peers, "this node has too many peers"};
}

// -- the handshake ---------------------------------------------------------------------------

void switchboard::refuse(const wire_ptr& line, refusal code, std::string_view detail,
                         const node_identity& whom) {
  const auto why = std::string(to_string(code)) + ": " + std::string(detail);
  line->transmit(encode(refuse_frame{code, std::string(detail)}));
  if (!is_retried(code) && options_.turned_away) return options_.turned_away(*line, whom.name, why);
  log(is_retried(code) || whom.name.empty() ? log_level::debug : log_level::warning,
      "refused " + describe(whom) + ": " + why);
}

void switchboard::drop(connection& c, bool flush) {
  const auto line = c.line;
  if (c.now == connection::stage::welcomed) --greeted_;
  connections_.erase(line.get());
  line->close(flush);
}

bool switchboard::take_unknown(const wire_ptr& line, const decoded_frame& decoded, time_point now) {
  if (const auto* hello = std::get_if<hello_frame>(&decoded)) {
    take_hello(line, *hello, now);
    return find(line) != nullptr;
  }
  const auto* wrong = std::get_if<malformed_frame>(&decoded);
  if (wrong != nullptr) {
    refuse(line, refusal::malformed, wrong->what, {});
    return false;
  }
  const auto* what = "a session frame before a hello";
  if (!std::holds_alternative<refuse_frame>(decoded)) // never answer one with another
    refuse(line, refusal::unconfirmed, what, {});
  if (options_.turned_away) options_.turned_away(*line, {}, what);
  return false;
}

void switchboard::take_hello(const wire_ptr& line, const hello_frame& hello, time_point now) {
  const auto& who = hello.self.identity;
  if (hello.version_min > limits::version_max || hello.version_max < limits::version_min)
    return refuse(line, refusal::version,
                  "this node speaks version " + std::to_string(limits::version_min) + " to "
                      + std::to_string(limits::version_max) + ", the other one "
                      + std::to_string(hello.version_min) + " to " + std::to_string(hello.version_max),
                  who);
  if (who == options_.identity) return refuse(line, refusal::itself, "both ends are " + describe(who), who);
  if (hello.wanted.incarnation != 0 && hello.wanted != options_.identity)
    return refuse(line, refusal::other_node,
                  "asked for " + describe(hello.wanted) + ", but here is " + describe(options_.identity),
                  who);
  if (!line->may_be(who.name))
    return refuse(line, refusal::not_allowed, "its key is not for a node of that name", who);
  if (greeted_ >= limits::pending_connections_max)
    return refuse(line, refusal::stale, "too many handshakes at once", who);

  welcome_frame welcome;
  const auto known = links_.find(who);
  if (const auto no = unwelcome(hello.self, known)) return refuse(line, no->code, no->why, who);
  welcome.position =
      known ? known->with_session([](session& s) { return s.position(); }) : links_.fresh_position(who);
  welcome.version = std::min(limits::version_max, hello.version_max);
  welcome.frame_bytes_max = static_cast<std::uint32_t>(options_.session.frame_bytes_max);
  welcome.self = {options_.identity, welcome.version, options_.capabilities, endpoint_, options_.greeting};
  auto c = std::make_unique<connection>();
  c->line = line;
  c->now = connection::stage::welcomed;
  c->self = hello.self;
  c->self.version = welcome.version;
  c->frame_bytes_max = hello.frame_bytes_max;
  c->offered = welcome.position;
  c->deadline = now + limits::handshake_timeout;
  note_deadline(c->deadline);
  connections_.emplace(line.get(), std::move(c));
  ++greeted_;
  line->transmit(encode(welcome));
}

void switchboard::take_welcome(connection& c, const welcome_frame& welcome, time_point now) {
  if (c.now != connection::stage::greeting) return; // doubled, or out of place and harmless
  auto& attempt = *c.attempt;
  const auto& who = welcome.self.identity;
  const auto give_up = [&](refusal code, down_reason reason, const std::string& why) {
    refuse(c.line, code, why, who);
    drop(c, true);
    attempt.current = nullptr;
    fail(attempt, reason, why);
  };
  if (welcome.version < limits::version_min || welcome.version > limits::version_max)
    return give_up(refusal::version, down_reason::refused,
                   "it chose version " + std::to_string(welcome.version)
                       + ", which this node does not speak");
  if (who == options_.identity)
    return give_up(refusal::itself, down_reason::refused, "that is this node itself");
  if (attempt.target && attempt.target->identity() != who)
    return give_up(refusal::other_node, down_reason::replaced,
                   "wanted " + describe(attempt.target->identity()) + ", but there is " + describe(who));

  if (attempt.seen) return finish(attempt, nullptr, "", &welcome.self);
  auto known = links_.find(who);
  if (known && known->state() == session_state::up) { // it dialled us meanwhile: one connection is enough
    drop(c, false);
    attempt.current = nullptr;
    return finish(attempt, known, "");
  }
  if (const auto no = unwelcome(welcome.self, known)) {
    if (!is_retried(no->code)) return give_up(no->code, down_reason::refused, no->why);
    refuse(c.line, no->code, no->why, who);
    drop(c, true);
    return retry(attempt, no->why, now);
  }
  c.self = welcome.self;
  c.frame_bytes_max = welcome.frame_bytes_max;
  settle(c, std::move(known), welcome, now);
}

// The dialler decides: it compares what both sides remember, and confirms or not.
void switchboard::settle(connection& c, link_ptr known, const welcome_frame& welcome, time_point now) {
  auto& attempt = *c.attempt;
  const auto& theirs = welcome.position;
  const auto& who = c.self.identity;
  const auto ours =
      known ? known->with_session([](session& s) { return s.position(); }) : links_.fresh_position(who);
  const char* contradiction = nullptr;
  if (known)
    contradiction =
        known->with_session([&](session& s) { return s.contradiction(theirs, c.frame_bytes_max); });
  confirm_frame confirm{ours};
  confirm.position.seen_epoch = theirs.epoch;
  confirm.position.generation = std::max(ours.generation, theirs.generation) + 1;

  if ((theirs.seen_epoch != 0 && theirs.seen_epoch != ours.epoch) || (!known && theirs.received != 0)) {
    // It remembers an earlier session. Confirming ours lets it see that; it ends that one
    // and asks us to come again.
    c.line->transmit(encode(confirm));
    return;
  }
  if (contradiction != nullptr && ours.seen_epoch == 0) {
    refuse(c.line, refusal::frame_limit, contradiction, known->identity());
    drop(c, true);
    attempt.current = nullptr;
    return end(known, down_reason::refused, contradiction);
  }
  if (contradiction != nullptr) {
    refuse(c.line, refusal::stale, contradiction, known->identity());
    drop(c, true);
    retry(attempt, contradiction, now); // for whoever asked for anybody there; ends with a resuming one
    return end(known, down_reason::silent, contradiction);
  }
  if (!known) {
    bool created = false;
    known = links_.find_or_make(who, created);
  }
  c.line->transmit(encode(confirm));
  attempt.current = nullptr;
  c.attempt = nullptr;
  known->dial_endpoint = attempt.endpoint;
  attempt.target = known; // so that carrying finishes it
  carry(c, known, theirs, confirm.position.generation, options_.identity.incarnation, now);
}

void switchboard::take_confirm(connection& c, const confirm_frame& confirm, time_point now) {
  if (c.now != connection::stage::welcomed) return;
  const auto& theirs = confirm.position;
  const auto& who = c.self.identity;
  const auto turn_down = [&](refusal code, std::string_view why) {
    refuse(c.line, code, why, c.self.identity);
    drop(c, true);
  };
  auto known = links_.find(who);
  if (const auto no = unwelcome(c.self, known)) return turn_down(no->code, no->why);
  if (known) {
    const auto ours = known->with_session([](session& s) { return s.position(); });
    if (ours.seen_epoch != 0 && ours.seen_epoch != theirs.epoch) {
      turn_down(refusal::stale, "an earlier session was still remembered here");
      return end(known, down_reason::silent, "it has begun another session");
    }
    if (theirs.seen_epoch != ours.epoch)
      return turn_down(refusal::stale, "another session has begun meanwhile");
    // Both may have dialled. Both sides rank connections alike, so that one stands.
    if (std::pair(theirs.generation, who.incarnation) <= std::pair(ours.generation, known->dialled_by))
      return turn_down(refusal::crossed, "another connection stands");
  } else {
    if (theirs.seen_epoch != links_.fresh_position(who).epoch || theirs.received != 0)
      return turn_down(refusal::stale, "that session has ended here");
    bool created = false;
    known = links_.find_or_make(who, created);
  }
  if (const auto* wrong =
          known->with_session([&](session& s) { return s.contradiction(theirs, c.frame_bytes_max); })) {
    const bool first = !known->was_up;
    turn_down(first ? refusal::frame_limit : refusal::stale, wrong);
    return end(known, first ? down_reason::refused : down_reason::silent, wrong);
  }
  --greeted_;
  carry(c, known, theirs, theirs.generation, who.incarnation, now);
}

void switchboard::carry(connection& c, const link_ptr& l, const session_position& theirs,
                        std::uint32_t generation, std::uint64_t dialled_by, time_point now) {
  c.now = connection::stage::carrying;
  c.carried = l;
  c.deadline = time_point::max();
  const bool first = !std::exchange(l->was_up, true);
  if (first) {
    replace_others(l);
    links_.bar_older(l->identity());
    l->set_hello(c.self);
    if (is_visitor(l->identity())) note_deadline(l->visit_ends = now + limits::visit_silence_max);
  }
  if (const auto old = l->drop_wire()) {
    recorder_.link_down(l->index(), recorder_.intern("another connection stands"));
    connections_.erase(old.get());
    old->close(false);
  }
  l->dialled_by = dialled_by;
  const auto again = l->carry(c.line, theirs, generation, c.frame_bytes_max, now);
  if (first) {
    recorder_.link_up(l->index());
    recorder_.node_up(l->index(), (c.self.capabilities & capability_trace) != 0);
    listener_.on_peer_up(l);
  } else {
    recorder_.link_resumed(l->index(), again);
  }
  finish_all(l, l, "");
  if (l->with_session([](session& s) { return s.is_goodbye_acknowledged(); }))
    return end(l, down_reason::stopped, "this node is stopping");
  l->with_session([&](session& s) { note_deadline(s.next_deadline()); });
  sink_->ready(l);
}

void switchboard::take_refusal(connection& c, const refuse_frame& refused, time_point now) {
  const auto why = std::string(to_string(refused.code)) + ": " + printable(refused.detail);
  const auto from = c.now == connection::stage::greeting ? c.attempt->endpoint
                    : c.carried                          ? c.carried->identity().name
                                                         : c.self.identity.name;
  log(is_retried(refused.code) ? log_level::debug : log_level::warning, from + " refused this node: " + why);
  if (c.now == connection::stage::greeting && !is_retried(refused.code)) {
    auto& attempt = *c.attempt;
    drop(c, false);
    attempt.current = nullptr;
    return fail(attempt, refused.code == refusal::other_node ? down_reason::replaced : down_reason::refused,
                why);
  }
  if (c.now == connection::stage::carrying && !is_retried(refused.code))
    return end(link_ptr(c.carried),
               refused.code == refusal::stopping ? down_reason::left : down_reason::refused, why);
  on_broken(wire_ptr(c.line), why, now);
}

// -- frames of sessions -------------------------------------------------------------------

bool switchboard::on_frame(const wire_ptr& line, raw_frame_ptr raw, time_point now) {
  auto decoded = decode_frame(raw->bytes());
  auto* c = find(line);
  if (c == nullptr) return take_unknown(line, decoded, now);
  if (auto* refused = std::get_if<refuse_frame>(&decoded)) {
    take_refusal(*c, *refused, now);
  } else if (c->now == connection::stage::carrying) {
    take_session_frame(*c, std::move(raw), decoded, now);
  } else if (auto* welcome = std::get_if<welcome_frame>(&decoded)) {
    take_welcome(*c, *welcome, now);
  } else if (auto* confirm = std::get_if<confirm_frame>(&decoded)) {
    take_confirm(*c, *confirm, now);
  } else if (!std::holds_alternative<hello_frame>(decoded)) {
    const auto* wrong = std::get_if<malformed_frame>(&decoded);
    refuse(line, wrong != nullptr ? refusal::malformed : refusal::unconfirmed,
           wrong != nullptr ? wrong->what : "a session frame before the handshake", c->self.identity);
    on_broken(line, "it does not keep to the handshake", now);
  } // A hello again is the first one doubled.
  return true;
}

void switchboard::take_session_frame(connection& c, raw_frame_ptr raw, const decoded_frame& decoded,
                                     time_point now) {
  // Copies: the connection may be gone before this function is.
  const auto carried = c.carried;
  const auto line = c.line;
  const bool of_handshake = std::holds_alternative<hello_frame>(decoded)
                            || std::holds_alternative<welcome_frame>(decoded)
                            || std::holds_alternative<confirm_frame>(decoded);
  if (of_handshake) return; // doubled: it has done its work
  const auto* data = std::get_if<data_frame>(&decoded);
  const char* malformed = nullptr;
  if (const auto* wrong = std::get_if<malformed_frame>(&decoded)) malformed = wrong->what;
  if (data != nullptr) malformed = check_envelopes(data->envelopes);

  taken result{verdict::violation, malformed, {}};
  frame_ptr farewell;
  bool done = false;
  bool has_output = true;
  if (malformed == nullptr)
    carried->with_session([&](session& s) {
      result = s.take(decoded, raw->bytes().size(), now);
      if (result.what == verdict::left && !s.is_leaving())
        farewell = s.takes_no_more() ? s.make_last_goodbye() : s.make_ack();
      done = s.is_goodbye_acknowledged();
      has_output = s.wants_to_send() || s.is_control_due(now);
      note_deadline(s.next_deadline());
      if (result.what == verdict::deliver) raw->credit = s.credit();
    });
  if (result.clock) note_clock(*carried, *result.clock);

  switch (result.what) {
  case verdict::nothing:
    break;
  case verdict::deliver:
    raw->left = data->envelopes;
    if (carried->visit_ends != time_point::max()) carried->visit_ends = now + limits::visit_silence_max;
    raw->on_credit = carried->on_credit();
    carried->expect_answer();
    listener_.on_frame(carried, inbound_frame_access::make(std::move(raw)));
    break;
  case verdict::left:
    if (farewell) line->transmit(farewell);
    return end(carried, down_reason::left, "it said goodbye");
  case verdict::gap:
    line->transmit(encode(refuse_frame{refusal::reset, result.detail}));
    return lose_wire(carried, result.detail, true, now);
  case verdict::violation:
    log(log_level::warning, carried->identity().name + " breaks the protocol: " + result.detail);
    line->transmit(encode(refuse_frame{refusal::malformed, result.detail}));
    return end(carried, down_reason::protocol, result.detail);
  }
  if (done) return end(carried, down_reason::stopped, "this node is stopping");
  if (has_output) sink_->ready(carried);
}

void switchboard::note_clock(link& l, const clock_sample& sample) {
  // Drift makes an old estimate worse, so a new one need not be better by much.
  if (l.best_clock && sample.uncertainty > l.best_clock->uncertainty * 3 / 2) return;
  l.best_clock = sample;
  recorder_.clock_offset(l.index(), sample.offset, sample.uncertainty);
}

bool switchboard::flush(const link_ptr& l, time_point now) {
  if (l->overfull.load(std::memory_order_relaxed)) {
    cut_off(l, "it does not take the answers to what it asks");
    return true;
  }
  const auto line = l->current_wire();
  bool more = false;
  if (!l->flush(now, frames_per_flush, more)) on_broken(line, "its connection was closed", now);
  return !more;
}

// -- sessions end, break, go on ----------------------------------------------------------

void switchboard::on_broken(const wire_ptr& line, std::string_view why, time_point now) {
  auto* c = find(line);
  if (c == nullptr) return;
  switch (c->now) {
  case connection::stage::carrying:
    return lose_wire(link_ptr(c->carried), why, false, now);
  case connection::stage::welcomed:
    return drop(*c, true);
  case connection::stage::greeting: {
    auto& attempt = *c->attempt;
    drop(*c, true);
    return retry(attempt, why, now);
  }
  }
}

void switchboard::lose_wire(const link_ptr& l, std::string_view why, bool flush, time_point now) {
  if (const auto line = l->drop_wire()) {
    connections_.erase(line.get());
    line->close(flush);
  }
  recorder_.link_down(l->index(), recorder_.intern(why));
  log(log_level::debug, "the connection to " + l->identity().name + " is cut: " + std::string(why));
  l->with_session([&](session& s) { note_deadline(s.next_deadline()); });
  resume(l, now);
}

void switchboard::end(const link_ptr& l, down_reason reason, std::string_view detail) {
  if (!links_.has(l)) return; // it has ended already
  const std::string kept_detail(detail);
  const auto epoch = l->with_session([](session& s) { return s.epoch(); });
  links_.end(l, epoch, reason == down_reason::replaced ? link_table::superseded : nullptr);
  const bool had_wire = l->current_wire() != nullptr;
  if (const auto line = l->drop_wire()) {
    connections_.erase(line.get());
    line->close(reason != down_reason::silent);
  }
  const auto lost = l->close();
  if (l->was_up) {
    const auto why = recorder_.intern(to_string(reason));
    if (had_wire) recorder_.link_down(l->index(), why);
    recorder_.node_down(l->index(), why);
  }
  const bool quiet = reason == down_reason::left || reason == down_reason::stopped;
  log(quiet ? log_level::debug : log_level::info,
      l->identity().name + " is down: " + std::string(to_string(reason)) + ": " + kept_detail);
  finish_all(l, nullptr, kept_detail);
  listener_.on_peer_down(l, reason, kept_detail, lost);
}

void switchboard::replace_others(const link_ptr& l) {
  for (const auto& other : links_.called(l->identity().name))
    if (other != l)
      end(other, down_reason::replaced,
          "a new " + l->identity().name + " has come, incarnation "
              + std::to_string(l->identity().incarnation));
}

void switchboard::cut_off(const link_ptr& l, std::string_view why) {
  if (!links_.has(l)) return; // it has ended already
  const std::string kept(why);
  log(log_level::warning, l->identity().name + " is cut off: " + kept);
  if (const auto line = l->current_wire()) line->transmit(encode(refuse_frame{refusal::over_limit, kept}));
  end(l, down_reason::protocol, kept);
  links_.bar(l->identity(), "it was over a limit");
}

void switchboard::cut(const link_ptr& l, time_point now) {
  const auto line = l->current_wire();
  if (line && line->sever()) on_broken(line, "cut on request", now);
}

void switchboard::expect_no_more(const link_ptr& l) {
  l->with_session([&](session& s) {
    s.expect_no_more();
    note_deadline(s.next_deadline());
  });
}

void switchboard::take_no_more() {
  links_.refuse_new();
  for (const auto& l : links_.all())
    l->with_session([](session& s) { s.take_no_more(); });
}

void switchboard::begin_stop(time_point now) {
  links_.refuse_new();
  for (auto it = dialling_.begin(); it != dialling_.end();) {
    auto& d = **it++;
    if (!d.target) finish(d, nullptr, "this node is stopping");
  }
  for (const auto& l : links_.all()) {
    const bool nothing_to_say = l->with_session([](session& s) {
      const bool idle = s.state() == session_state::waiting && s.queued_bytes() == 0;
      if (!idle) s.push_goodbye();
      return idle;
    });
    if (nothing_to_say)
      end(l, down_reason::stopped, "this node is stopping");
    else
      flush(l, now);
  }
}

void switchboard::abandon() {
  links_.refuse_new();
  while (!dialling_.empty() && !dialling_.front()->target)
    finish(*dialling_.front(), nullptr, "this node is stopping");
  for (const auto& l : links_.all())
    end(l, down_reason::stopped, "this node is stopping");
  while (!dialling_.empty())
    finish(*dialling_.front(), nullptr, "this node is stopping");
}

// -- who is called, and called again ------------------------------------------------------

switchboard::dialling& switchboard::add_dialling(std::string endpoint, time_point now) {
  auto& d = *dialling_.emplace_back(std::make_unique<dialling>());
  d.endpoint = std::move(endpoint);
  d.next_attempt = now;
  note_deadline(now);
  return d;
}

void switchboard::dial(const link_ptr& target, const std::string& endpoint, time_point now) {
  if (!links_.has(target)) { // find_or_make() did not take it in
    const auto* why = target->identity() == options_.identity ? "that is this node itself"
                      : links_.is_refusing_new()              ? "this node is stopping"
                                                              : "this node has too many peers";
    listener_.on_peer_down(target, links_.is_refusing_new() ? down_reason::stopped : down_reason::refused,
                           why, 0);
    return;
  }
  if (target->state() != session_state::waiting) return; // it came by itself
  auto& d = add_dialling(endpoint, now);
  d.target = target;
  d.patience = options_.connect_timeout;
  d.give_up = now + d.patience;
  note_deadline(d.give_up);
}

void switchboard::connect(const std::string& endpoint, std::chrono::milliseconds timeout, connected done,
                          time_point now) {
  if (links_.is_refusing_new()) {
    if (done) done(nullptr, "this node is stopping");
    return;
  }
  auto& d = add_dialling(endpoint, now);
  d.done = std::move(done);
  d.patience = timeout;
  d.give_up = now + d.patience;
  note_deadline(d.give_up);
}

void switchboard::look(const std::string& endpoint, std::chrono::milliseconds timeout, looked done,
                       time_point now) {
  if (links_.is_refusing_new()) return done(nullptr, "this node is stopping");
  auto& d = add_dialling(endpoint, now);
  d.seen = std::move(done);
  d.patience = timeout;
  d.give_up = now + d.patience;
  note_deadline(d.give_up);
}

// The side that dialled last dials again at once. The other one only looks whether the
// peer's process still exists, and dials when nothing has come for a while.
void switchboard::resume(const link_ptr& l, time_point now) {
  const bool mine = l->dialled_by == options_.identity.incarnation;
  const auto& endpoint = mine ? l->dial_endpoint : l->hello().endpoint;
  if (endpoint.empty()) return;
  auto& d = add_dialling(endpoint, now);
  d.target = l;
  d.resuming = true;
  if (!mine) d.not_before = now + options_.session.liveness / 4;
}

void switchboard::begin_attempt(dialling& d, time_point now) {
  std::string why_not;
  auto line = dialler_.dial(d.endpoint, why_not);
  if (!line) return fail(d, down_reason::unreachable, why_not);
  auto c = std::make_unique<connection>();
  c->line = line;
  c->now = connection::stage::greeting;
  c->attempt = &d;
  c->deadline =
      now + std::min<std::chrono::milliseconds>(limits::handshake_timeout, options_.session.liveness);
  note_deadline(c->deadline);
  d.current = line;
  connections_.emplace(line.get(), std::move(c));

  hello_frame hello;
  hello.version_min = limits::version_min;
  hello.version_max = limits::version_max;
  hello.frame_bytes_max = static_cast<std::uint32_t>(options_.session.frame_bytes_max);
  hello.self = {options_.identity, limits::version_max, options_.capabilities, endpoint_, options_.greeting};
  if (d.target) hello.wanted = d.target->identity();
  if (!line->transmit(encode(hello))) on_broken(line, "the connection was closed at once", now);
}

void switchboard::retry(dialling& d, std::string_view why, time_point now) {
  d.current = nullptr;
  d.last_error = why;
  if (now >= d.give_up) return fail(d, down_reason::unreachable, std::string(why));
  d.next_attempt = now + d.delay;
  d.delay = std::min(d.delay * 2, limits::redial_delay_max);
  note_deadline(d.next_attempt);
}

void switchboard::fail(dialling& d, down_reason reason, std::string_view why) {
  if (d.target)
    end(link_ptr(d.target), reason, why); // finishes d as well
  else
    finish(d, nullptr, why);
}

void switchboard::finish(dialling& d, const peer_ptr& p, std::string_view why_not, const peer_hello* seen) {
  const auto it =
      std::find_if(dialling_.begin(), dialling_.end(), [&](const auto& x) { return x.get() == &d; });
  const auto kept = std::move(*it);
  dialling_.erase(it);
  if (kept->current)
    if (auto* c = find(kept->current); c != nullptr && c->attempt == kept.get()) drop(*c, false);
  if (kept->done) kept->done(p, why_not);
  if (kept->seen) kept->seen(seen, why_not);
}

void switchboard::finish_all(const link_ptr& l, const peer_ptr& p, std::string_view why_not) {
  for (;;) {
    const auto it =
        std::find_if(dialling_.begin(), dialling_.end(), [&](const auto& d) { return d->target == l; });
    if (it == dialling_.end()) return;
    finish(**it, p, why_not);
  }
}

void switchboard::tick_dialling(time_point now) {
  std::vector<dialling*> due;
  for (const auto& d : dialling_)
    due.push_back(d.get());
  for (auto* d : due) {
    // An earlier one's end may have taken this one with it.
    if (std::none_of(dialling_.begin(), dialling_.end(), [&](const auto& x) { return x.get() == d; }))
      continue;
    if (now >= d->give_up) {
      fail(*d, down_reason::unreachable, "not reached at " + d->endpoint + " in time: " + d->last_error);
      continue;
    }
    if (!d->current && now >= d->next_attempt) {
      if (d->resuming && dialler_.is_deserted(d->target->hello().endpoint)) {
        end(link_ptr(d->target), down_reason::silent,
            "its process has ended: nobody listens at its endpoint");
        continue;
      }
      if (now < d->not_before) {
        retry(*d, d->last_error, now);
      } else {
        begin_attempt(*d, now);
        continue; // it has noted its deadline, or is gone
      }
    }
    note_deadline(d->give_up);
    if (!d->current) note_deadline(d->next_attempt);
  }
  std::vector<wire_ptr> late;
  for (const auto& [key, c] : connections_) {
    if (c->now == connection::stage::carrying) continue;
    if (now >= c->deadline)
      late.push_back(c->line);
    else
      note_deadline(c->deadline);
  }
  for (const auto& line : late)
    on_broken(line, "no answer to the handshake in time", now);
}

// -- time ----------------------------------------------------------------------------------

void switchboard::stood_still(std::chrono::nanoseconds how_long, time_point now) {
  recorder_.stood_still(how_long);
  for (const auto& l : links_.all()) {
    l->with_session([&](session& s) { s.stood_still(now); });
    if (l->visit_ends != time_point::max()) l->visit_ends = now + limits::visit_silence_max;
  }
  for (const auto& d : dialling_) {
    if (d->patience.count() > 0) d->give_up = now + d->patience;
    if (d->not_before > time_point{}) d->not_before = now + options_.session.liveness / 4;
  }
  for (const auto& [key, c] : connections_)
    if (c->now != connection::stage::carrying) c->deadline = now + limits::handshake_timeout;
  next_deadline_ = now;
}

void switchboard::tick(time_point now) {
  if (now < next_deadline_) return;
  next_deadline_ = time_point::max();
  tick_links(now);
  tick_dialling(now);
}

void switchboard::tick_links(time_point now) {
  enum class state : std::uint8_t { silent, stale, due, calm };
  for (const auto& l : links_.all()) {
    if (now >= l->visit_ends) {
      cut_off(l, "it brings nothing");
      continue;
    }
    note_deadline(l->visit_ends);
    const auto what = l->with_session([&](session& s) {
      if (s.is_silent(now)) return state::silent;
      if (s.is_stale(now)) return state::stale;
      if (s.next_deadline() <= now) return state::due;
      note_deadline(s.next_deadline());
      return state::calm;
    });
    switch (what) {
    case state::silent:
      end(l, down_reason::silent,
          "nothing heard of it for " + limit_text(l->with_session([](session& s) { return s.liveness(); })));
      break;
    case state::stale:
      lose_wire(l, "nothing comes through it", false, now);
      break;
    case state::due:
      flush(l, now);
      l->with_session([&](session& s) { note_deadline(s.next_deadline()); });
      break;
    case state::calm:
      break;
    }
  }
}

} // namespace troupe::transport
