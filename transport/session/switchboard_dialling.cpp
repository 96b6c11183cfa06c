// The switchboard's part that calls others, and calls again.
#include "transport/session/switchboard_parts.hpp"

#include <algorithm>

namespace troupe::transport {

switchboard::dialling& switchboard::add_dialling(std::string endpoint, time_point now) {
  auto& d = *dialling_.emplace_back(std::make_unique<dialling>());
  d.endpoint = std::move(endpoint);
  d.next_attempt = now;
  note_deadline(now);
  return d;
}

void switchboard::dial(const link_ptr& target, const std::string& endpoint, time_point now) {
  if (find(target->identity()) != target) { // find_or_make() did not take it in
    const auto* why = target->identity() == options_.identity ? "that is this node itself"
                      : stopping_                             ? "this node is stopping"
                                                              : "this node has too many peers";
    listener_.on_peer_down(target, stopping_ ? down_reason::stopped : down_reason::refused, why, 0);
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
  if (stopping_) {
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
  if (stopping_) return done(nullptr, "this node is stopping");
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

} // namespace troupe::transport
