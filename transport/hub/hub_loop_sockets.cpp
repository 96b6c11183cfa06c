// What arrives at a hub's sockets.
#include "transport/hub/endpoints.hpp"
#include "transport/hub/hub_loop.hpp"

#include <algorithm>
#include <cerrno>

namespace troupe::transport {

namespace {
// Received from one socket before the others get their turn.
constexpr std::size_t frames_per_turn = 64;
constexpr std::size_t bytes_per_turn = 1U << 20;

} // namespace

// Everything is received before any of it is worked on: whoever is woken by the first
// frame finds the socket free for its answer.
bool hub_loop::receive_all(void* socket, bool with_id, std::vector<arrival>& into) {
  for (std::size_t count = 0, bytes = 0; count < frames_per_turn && bytes < bytes_per_turn; ++count) {
    arrival next;
    if (with_id) {
      zmq_frame id;
      if (!receive_frame(socket, id)) return false;
      if (zmq_msg_more(&id.message) == 0) continue;
      next.id.assign(id.bytes().begin(), id.bytes().end());
    }
    next.body = std::make_unique<zmq_frame>();
    if (!receive_frame(socket, *next.body)) return false;
    next.more_parts = zmq_msg_more(&next.body->message) != 0;
    for (bool more = next.more_parts; more;) { // not of this protocol: skip it whole
      zmq_frame ignored;
      more = receive_frame(socket, ignored) && zmq_msg_more(&ignored.message) != 0;
    }
    bytes += next.body->bytes().size();
    into.push_back(std::move(next));
  }
  return true;
}

// -- the dialled side ----------------------------------------------------------------------------

bool hub_loop::drain_dealer(const dealer_ptr& line, time_point now) {
  std::vector<arrival> arrived;
  bool more = false;
  if (!line->is_closed()) {
    const std::lock_guard guard(line->socket().mutex);
    more = receive_all(line->socket().get(), false, arrived);
  }
  // What came in this turn may be younger than the turn: with the time of its beginning a
  // heartbeat would seem to have arrived before it was sent.
  now = look_at_clock();
  for (auto& each : arrived) {
    if (line->is_closed()) break;
    if (each.more_parts)
      board_->on_broken(line, "it sent a message of several parts", now);
    else
      board_->on_frame(line, std::move(each.body), now);
  }
  if (const auto it = dialled_.find(line.get()); more && it != dialled_.end()) it->second.signalled = true;
  return !arrived.empty();
}

void hub_loop::drain_dealer_monitor(const dealer_ptr& line, time_point now) {
  monitor_event event;
  while (!line->is_closed() && line->monitor() != nullptr && receive_event(line->monitor()->get(), event)) {
    while (!line->is_closed() && drain_dealer(line, now)) {
    } // what came before the end
    board_->on_broken(line, describe(event), now);
    if (!line->is_closed()) line->close(false); // nobody knew it any more
  }
}

// -- the accepting side ----------------------------------------------------------------------------

hub_loop::router_ptr hub_loop::router_wire_of(const std::string& key, const zmq_frame& body, time_point now) {
  if (const auto it = accepted_.find(key); it != accepted_.end()) return it->second;
  // Descriptors are used again: hear first of those that were closed.
  if (router_monitor_) read_router_monitor(now);
  const int descriptor = zmq_msg_get(&body.message, ZMQ_SRCFD);
  if (const auto it = callers_.find(descriptor); it != callers_.end()) it->second.spoke = true;
  for (auto& [former, who] : gone_)
    if (former == descriptor) who.spoke = true;
  auto line = std::make_shared<router_wire>(router_, key, descriptor);
  if (const auto* user = gatekeeper_ ? zmq_msg_gets(&body.message, "User-Id") : nullptr)
    line->set_may_be([this, shown = std::string(user)](const std::string& name) {
      return gatekeeper_->may_use(shown, name);
    });
  return line;
}

bool hub_loop::has_departed(const std::string& id) const {
  return std::find(departed_.begin(), departed_.end(), id) != departed_.end();
}

void hub_loop::turned_away(const wire& line, const std::string& name, std::string_view why) {
  const auto* accepted = dynamic_cast<const router_wire*>(&line);
  if (accepted == nullptr) {
    if (options_.log) options_.log(log_level::warning, "refused " + name + ": " + std::string(why));
  } else if (!has_departed(accepted->id())) {
    strangers_.note(peer_of(accepted->descriptor()), name, why, std::chrono::steady_clock::now());
  }
}

bool hub_loop::drain_router(time_point now) {
  std::vector<arrival> arrived;
  {
    const std::lock_guard guard(router_->mutex);
    if (receive_all(router_->get(), true, arrived)) router_signalled_ = true;
  }
  now = look_at_clock(); // see drain_dealer()
  for (auto& each : arrived) {
    const auto line = router_wire_of(each.id, *each.body, now);
    if (each.more_parts) {
      const auto* why = "it sent a message of several parts";
      if (!accepted_.contains(line->id())) turned_away(*line, {}, why);
      board_->on_broken(line, why, now);
      continue;
    }
    if (board_->on_frame(line, std::move(each.body), now) && !accepted_.contains(line->id())) keep(line);
  }
  return !arrived.empty();
}

void hub_loop::keep(const router_ptr& line) {
  accepted_.emplace(line->id(), line);
  if (line->descriptor() >= 0) accepted_by_descriptor_[line->descriptor()] = line;
  line->on_close = [this](router_wire& closing) {
    if (const auto it = accepted_by_descriptor_.find(closing.descriptor());
        it != accepted_by_descriptor_.end() && it->second.lock().get() == &closing)
      accepted_by_descriptor_.erase(it);
    if (departed_.size() == departed_max) departed_.pop_front();
    departed_.push_back(closing.id());
    accepted_.erase(closing.id());
  };
}

namespace {
/// Why somebody did not get through ZeroMQ's handshake; empty: it is not worth a word, or another
/// tells it. Whether time was up is not in the event, which has whatever errno was.
std::string why_no_handshake(const monitor_event& event, std::chrono::nanoseconds lasted, bool local) {
  if (event.event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) return {}; // the gatekeeper does
  if (event.event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) return describe(event);
  if (lasted >= limits::handshake_timeout * 9 / 10)
    return "it did not get through ZeroMQ's handshake within "
           + std::to_string(limits::handshake_timeout.count()) + " ms: another program, or held up";
  // Who only looks whether anybody is there, as is_deserted() does, resets the connection.
  if (event.value != EPIPE || local) return {};
  return "it hung up in the middle of ZeroMQ's handshake: another program?";
}
} // namespace

void hub_loop::read_router_monitor(time_point now) {
  monitor_event event;
  while (receive_event(router_monitor_->get(), event)) {
    if (event.event == ZMQ_EVENT_ACCEPTED) {
      callers_[event.value] = {peer_of(event.value), now, false, {}, false};
      continue;
    }
    if (event.event != ZMQ_EVENT_DISCONNECTED) { // its descriptor comes with the next event
      handshake_failure_ = event;
      continue;
    }
    const auto failed = std::exchange(handshake_failure_, std::nullopt);
    if (auto caller = callers_.extract(event.value)) {
      auto& who = caller.mapped();
      who.told_of = failed.has_value();
      if (failed) who.failure = why_no_handshake(*failed, now - who.came, ipc_path(endpoint_) != "");
      gone_.emplace_back(event.value, std::move(who));
    }
    const auto it = accepted_by_descriptor_.find(event.value);
    if (it == accepted_by_descriptor_.end()) continue;
    if (auto line = it->second.lock()) {
      line->set_over();
      disconnected_.push_back(std::move(line));
    }
    accepted_by_descriptor_.erase(it);
  }
}

/// Of who has hung up without a word of this protocol.
void hub_loop::tell_gone(time_point now) {
  for (auto& [descriptor, who] : std::exchange(gone_, {})) {
    if (who.failure.empty() && !who.told_of && !who.spoke)
      who.failure = "what it sends is not ZeroMQ's protocol";
    if (!who.failure.empty()) strangers_.note(who.place, who.failure, now);
  }
}

void hub_loop::drain_gatekeeper(time_point now) {
  if (gatekeeper_) gatekeeper_->serve(now);
}

void hub_loop::drain_router_monitor(time_point now) {
  if (!router_monitor_) return; // inproc has no events
  read_router_monitor(now);
  if (disconnected_.empty() && gone_.empty()) return;
  while (drain_router(now)) {
  } // what came before the end
  tell_gone(now);
  for (const auto& line : std::exchange(disconnected_, {})) {
    board_->on_broken(line, "the connection was closed", now);
    line->close(false);
  }
}

} // namespace troupe::transport
