// The switchboard's part that takes hellos, welcomes and confirms.
#include "base/utf8.hpp"
#include "transport/session/switchboard_parts.hpp"

#include <algorithm>

namespace troupe::transport {

namespace {
std::string describe(const node_identity& identity) {
  return identity.name.empty()
             ? "an unnamed node"
             : identity.name + " (incarnation " + std::to_string(identity.incarnation) + ")";
}
} // namespace

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
  for (const auto& other : links_called(who.name)) {
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
  {
    const std::lock_guard guard(links_mutex_);
    if (const auto* why = is_barred(who)) return objection{refusal::superseded, why};
    if (stopping_ && !known) return objection{refusal::stopping, "this node is stopping"};
  }
  if (is_visitor(who)) {
    if ((hello.capabilities & capability_delivery) == 0)
      return objection{refusal::not_allowed, "a name that begins with " + std::string(visitor_prefix)
                                                 + " is for who brings files, and no node's"};
  } else {
    if (auto taken = taken_by_another(who)) return taken;
    if (auto why = options_.admit ? options_.admit(hello) : std::string{}; !why.empty())
      return objection{refusal::not_allowed, std::move(why)};
  }
  const std::lock_guard guard(links_mutex_);
  if (known || !is_full(who)) return {};
  if (is_visitor(who)) return objection{refusal::stale, "too many visitors at once"};
  return objection{refusal::too_many_peers, "this node has too many peers"};
}

session_position switchboard::fresh_position(const node_identity& who) const {
  const std::lock_guard guard(links_mutex_);
  session_position position;
  position.epoch = next_epoch(who);
  position.credit = options_.session.window_bytes;
  return position;
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
  const auto known = find(who);
  if (const auto no = unwelcome(hello.self, known)) return refuse(line, no->code, no->why, who);
  welcome.position =
      known ? known->with_session([](session& s) { return s.position(); }) : fresh_position(who);
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
  auto known = find(who);
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
      known ? known->with_session([](session& s) { return s.position(); }) : fresh_position(who);
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
    known = find_or_make(who, created);
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
  auto known = find(who);
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
    if (theirs.seen_epoch != fresh_position(who).epoch || theirs.received != 0)
      return turn_down(refusal::stale, "that session has ended here");
    bool created = false;
    known = find_or_make(who, created);
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
    bar_older(l->identity());
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

} // namespace troupe::transport
