#include "transport/session/switchboard.hpp"

#include "base/durations.hpp"
#include "transport/session/switchboard_parts.hpp"

#include <algorithm>
#include <iterator>

namespace troupe::transport {

namespace {
// One link does not keep the others waiting for longer than this many frames.
constexpr std::size_t frames_per_flush = 64;

constexpr const char* superseded = "a newer incarnation of that name has been here";
} // namespace

switchboard::switchboard(switchboard_options options, hub_listener& listener, trace::recorder& recorder,
                         dialler& d, std::shared_ptr<output_sink> sink)
    : options_(std::move(options)), listener_(listener), recorder_(recorder), dialler_(d),
      sink_(std::move(sink)) {}

switchboard::~switchboard() = default;

void switchboard::log(log_level level, std::string_view text) const {
  if (options_.log) options_.log(level, text);
}

// -- the tables ------------------------------------------------------------------------

link_ptr switchboard::make(const node_identity& identity) {
  const auto epoch = next_epoch(identity);
  const auto index =
      is_visitor(identity) ? trace::node_index{0} : recorder_.add_node(identity.name, identity.incarnation);
  return std::make_shared<link>(identity, index, options_.session, epoch, sink_);
}

link_ptr switchboard::find(const node_identity& identity) const {
  const std::lock_guard guard(links_mutex_);
  const auto it = links_.find({identity.name, identity.incarnation});
  return it == links_.end() ? nullptr : it->second;
}

link_ptr switchboard::find_or_make(const node_identity& identity, bool& created) {
  const std::lock_guard guard(links_mutex_);
  const auto it = links_.find({identity.name, identity.incarnation});
  created = it == links_.end();
  if (!created) return it->second;
  auto made = make(identity);
  if (stopping_ || is_full(identity) || identity == options_.identity) {
    made->close(); // dial() tells the listener
  } else {
    links_.emplace(identity_key{identity.name, identity.incarnation}, made);
    if (is_visitor(identity)) ++visitors_;
  }
  return made;
}

/// Visitors do not take the places of nodes.
bool switchboard::is_full(const node_identity& who) const {
  return is_visitor(who) ? visitors_ >= limits::visitors_max
                         : links_.size() - visitors_ >= options_.peers_max;
}

std::vector<peer_ptr> switchboard::peers() const {
  const std::lock_guard guard(links_mutex_);
  std::vector<peer_ptr> result;
  for (const auto& [key, l] : links_)
    if (l->is_up()) result.push_back(l);
  return result;
}

bool switchboard::is_empty() const {
  const std::lock_guard guard(links_mutex_);
  return links_.empty();
}

std::vector<link_ptr> switchboard::all_links() const {
  const std::lock_guard guard(links_mutex_);
  std::vector<link_ptr> result;
  result.reserve(links_.size());
  for (const auto& [key, l] : links_)
    result.push_back(l);
  return result;
}

std::vector<link_ptr> switchboard::links_called(const std::string& name) const {
  const std::lock_guard guard(links_mutex_);
  std::vector<link_ptr> result;
  for (auto it = links_.lower_bound({name, 0}); it != links_.end() && it->first.first == name; ++it)
    result.push_back(it->second);
  return result;
}

std::uint32_t switchboard::next_epoch(const node_identity& identity) const {
  const auto it = ended_.find({identity.name, identity.incarnation});
  return it == ended_.end() ? 1 : it->second.epoch + 1;
}

const char* switchboard::is_barred(const node_identity& identity) const {
  const auto it = ended_.find({identity.name, identity.incarnation});
  return it == ended_.end() ? nullptr : it->second.barred;
}

void switchboard::remember_end(const node_identity& identity, std::uint32_t epoch, const char* barred) {
  const identity_key key{identity.name, identity.incarnation};
  const auto [it, is_new] = ended_.try_emplace(key);
  it->second.epoch = epoch;
  if (barred != nullptr) it->second.barred = barred;
  if (is_new) ended_order_.push_back(key);
  if (ended_order_.size() > limits::ended_sessions_max) {
    ended_.erase(ended_order_.front());
    ended_order_.pop_front();
  }
}

switchboard::connection* switchboard::find(const wire_ptr& line) {
  const auto it = connections_.find(line.get());
  return it == connections_.end() ? nullptr : it->second.get();
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
  if (find(l->identity()) != l) return; // it has ended already
  const std::string kept_detail(detail);
  const auto epoch = l->with_session([](session& s) { return s.epoch(); });
  {
    const std::lock_guard guard(links_mutex_);
    links_.erase({l->identity().name, l->identity().incarnation});
    if (is_visitor(l->identity())) --visitors_;
    remember_end(l->identity(), epoch, reason == down_reason::replaced ? superseded : nullptr);
  }
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
  for (const auto& other : links_called(l->identity().name))
    if (other != l)
      end(other, down_reason::replaced,
          "a new " + l->identity().name + " has come, incarnation "
              + std::to_string(l->identity().incarnation));
}

/// Starts that have ended do not come back when a newer one of their name is here.
void switchboard::bar_older(const node_identity& who) {
  const std::lock_guard guard(links_mutex_);
  for (auto it = ended_.lower_bound({who.name, 0}); it != ended_.end() && it->first.first == who.name; ++it)
    if (it->first.second != who.incarnation && it->second.barred == nullptr) it->second.barred = superseded;
}

void switchboard::cut_off(const link_ptr& l, std::string_view why) {
  if (find(l->identity()) != l) return; // it has ended already
  const std::string kept(why);
  log(log_level::warning, l->identity().name + " is cut off: " + kept);
  if (const auto line = l->current_wire()) line->transmit(encode(refuse_frame{refusal::over_limit, kept}));
  end(l, down_reason::protocol, kept);
  const std::lock_guard guard(links_mutex_);
  ended_[{l->identity().name, l->identity().incarnation}].barred = "it was over a limit";
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
  {
    const std::lock_guard guard(links_mutex_);
    stopping_ = true;
  }
  for (const auto& l : all_links())
    l->with_session([](session& s) { s.take_no_more(); });
}

void switchboard::begin_stop(time_point now) {
  {
    const std::lock_guard guard(links_mutex_);
    stopping_ = true;
  }
  for (auto it = dialling_.begin(); it != dialling_.end();) {
    auto& d = **it++;
    if (!d.target) finish(d, nullptr, "this node is stopping");
  }
  for (const auto& l : all_links()) {
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
  {
    const std::lock_guard guard(links_mutex_);
    stopping_ = true;
  }
  while (!dialling_.empty() && !dialling_.front()->target)
    finish(*dialling_.front(), nullptr, "this node is stopping");
  for (const auto& l : all_links())
    end(l, down_reason::stopped, "this node is stopping");
  while (!dialling_.empty())
    finish(*dialling_.front(), nullptr, "this node is stopping");
}

// -- time ----------------------------------------------------------------------------------

void switchboard::stood_still(std::chrono::nanoseconds how_long, time_point now) {
  recorder_.stood_still(how_long);
  for (const auto& l : all_links()) {
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
  for (const auto& l : all_links()) {
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
