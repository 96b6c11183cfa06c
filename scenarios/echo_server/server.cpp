// The server: who is there, and who handles whose lines.
#include "runner/plan/json_text.hpp"
#include "scenarios/echo_server/actors.hpp"

#include <nlohmann/json.hpp>

namespace troupe::scenarios::echo {

std::string sentence_of(caf::local_actor* self, const caf::error& why) {
  const auto& said = why.context();
  return said.match_elements<std::string>() ? said.get_as<std::string>(0) : self->system().render(why);
}

// -- the socket thread's end -------------------------------------------------------------------

void socket_messenger::on_connected(transport::client_id client, transport::client_kind kind,
                                    const std::string& address) {
  troupe::anon_send(server_, client_connected{client, std::string{to_string(kind)}, address});
}
void socket_messenger::on_line(transport::client_id client, std::string line) {
  troupe::anon_send(server_, client_line{client, std::move(line)});
}
void socket_messenger::on_closed(transport::client_id client, transport::line_ending why) {
  troupe::anon_send(server_, client_gone{client, std::string{to_string(why)}});
}
void socket_messenger::on_intake_closed() { troupe::anon_send(server_, intake_closed{}); }

namespace {

using nlohmann::json;

json by_reason(const std::array<std::uint64_t, transport::line_ending_count>& counts) {
  auto result = json::object();
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] != 0) result[std::string{to_string(static_cast<transport::line_ending>(i))}] = counts[i];
  return result;
}

} // namespace

void socket_messenger::on_stopped(const transport::stream_counts& x) {
  const json counts{
      {"refused", x.refused},
      {"connections_peak", x.connections_peak},
      {"lines",
       {{"accepted", x.accepted}, {"answered", x.answered}, {"unanswered", by_reason(x.unanswered)}}},
      {"ended", by_reason(x.ended)},
      {"bytes_in", x.bytes_in},
      {"bytes_out", x.bytes_out}};
  troupe::anon_send(server_, sockets_closed{dumped(counts)});
}

namespace {

/// Clients that are actors have numbers of their own.
constexpr std::uint64_t first_actor = std::uint64_t{1} << 32;
/// Failures told one by one; what follows is only counted.
constexpr std::uint64_t failures_told_max = 20;

void warn(server_actor* self, const std::string& text) {
  if (auto* context = context_of(self->home_system()); context != nullptr && context->warn)
    context->warn(text);
}

// -- who is there --------------------------------------------------------------------------------

void tell(server_actor* self, std::uint64_t id, const server_state::client& who, const std::string& text) {
  if (who.actor)
    self->send(who.actor, notice{text});
  else
    self->state.sockets->notify(id, text);
}

void tell_others(server_actor* self, std::uint64_t id, const std::string& text) {
  for (auto& [other, who] : self->state.clients)
    if (other != id) tell(self, other, who, text);
}

std::string online(const server_state& state) {
  return std::to_string(state.clients.size()) + " user(s) are online!";
}

server_state::client& arrive(server_actor* self, std::uint64_t id, const caf::actor& actor,
                             std::string label) {
  auto& state = self->state;
  auto handler = self->spawn<caf::monitored>(session, actor ? actor : caf::actor_cast<caf::actor>(self), id,
                                             state.rules);
  state.by_session.emplace(handler.address(), id);
  auto& who = state.clients[id] = {handler, actor, std::move(label)};
  if (state.rules.mode == mode_kind::presence) {
    tell(self, id, who, "Welcome! " + online(state));
    tell_others(self, id, "New user connected!");
  }
  return who;
}

void depart(server_actor* self, std::uint64_t id) {
  auto& state = self->state;
  auto found = state.clients.find(id);
  if (found == state.clients.end()) return;
  auto who = std::move(found->second);
  state.clients.erase(found);
  if (who.actor) {
    self->demonitor(who.actor);
    state.by_actor.erase(who.actor.address());
  }
  if (state.by_session.contains(who.session.address())) self->send(who.session, hang_up{});
  if (state.rules.mode == mode_kind::presence && !state.stopping)
    tell_others(self, id, "Client disconnected. " + online(state));
}

caf::result<joined> on_join(server_actor* self) {
  auto& state = self->state;
  if (state.stopping) return caf::make_error(caf::sec::runtime_error, "the server stops");
  auto actor = caf::actor_cast<caf::actor>(self->current_sender());
  if (auto known = state.by_actor.find(actor.address()); known != state.by_actor.end())
    depart(self, known->second);
  const auto id = first_actor + ++state.actors_joined;
  state.by_actor.emplace(actor.address(), id);
  self->monitor(actor);
  return joined{arrive(self, id, actor, "client " + std::to_string(id - first_actor)).session};
}

void on_connected(server_actor* self, const client_connected& what) {
  auto& state = self->state;
  ++(what.kind == "tcp" ? state.tcp_joined : state.zeromq_joined);
  auto label = what.kind + " client " + std::to_string(what.client);
  if (!what.address.empty()) label += " (" + what.address + ')';
  arrive(self, what.client, nullptr, std::move(label));
}

// -- the end -------------------------------------------------------------------------------------

void report_when_stopped(server_actor* self) {
  auto& state = self->state;
  if (!state.stopping || !state.by_session.empty() || (state.sockets && !state.socket_counts)) return;
  json result{{"clients",
               {{"actors", state.actors_joined}, {"tcp", state.tcp_joined}, {"zeromq", state.zeromq_joined}}},
              {"handlers_failed", state.handlers_failed},
              {"left_open_by_actors", state.left_open},
              {"node", self->node_name()}};
  if (state.socket_counts) result["sockets"] = parsed(*state.socket_counts);
  state.outside.reset();
  state.stopped.deliver(served{dumped(result)});
  self->quit();
}

void ask_sessions(server_actor* self, bool to_give_up) {
  for (auto& [address, id] : self->state.by_session) {
    auto handler = caf::actor_cast<caf::actor>(address);
    if (!handler) continue;
    if (to_give_up)
      self->send(handler, give_up{});
    else
      self->send(handler, finish_up{});
  }
}

void on_stop(server_actor* self, caf::timespan grace) {
  auto& state = self->state;
  state.stopping = true;
  self->delayed_send(self, grace, grace_over{});
  if (state.sockets)
    state.sockets->stop(std::chrono::duration_cast<std::chrono::milliseconds>(grace));
  else
    troupe::anon_send(self, intake_closed{});
  report_when_stopped(self);
}

void on_session_down(server_actor* self, const caf::down_msg& down, std::uint64_t id) {
  auto& state = self->state;
  auto found = state.clients.find(id);
  if (down.reason && found != state.clients.end()) {
    const auto why = sentence_of(self, down.reason);
    if (++state.handlers_failed <= failures_told_max)
      warn(self, found->second.label + ": its handler failed: " + why);
    if (state.handlers_failed == failures_told_max)
      warn(self, "further failures of handlers are only counted");
    if (!found->second.actor) state.sockets->fail(id, "error: the handler failed");
  }
  if (found != state.clients.end() && found->second.actor) {
    self->send(found->second.actor, closed{down.reason      ? "its handler failed"
                                           : state.stopping ? "the server stops"
                                                            : ""});
    depart(self, id);
  }
  report_when_stopped(self);
}

void on_down(server_actor* self, const caf::down_msg& down) {
  auto& state = self->state;
  if (auto session = state.by_session.find(down.source); session != state.by_session.end()) {
    const auto id = session->second;
    state.by_session.erase(session);
    on_session_down(self, down, id);
  } else if (auto actor = state.by_actor.find(down.source); actor != state.by_actor.end()) {
    depart(self, actor->second);
  }
}

void open_sockets(server_actor* self) {
  auto& state = self->state;
  const auto& rules = state.rules;
  if (rules.tcp.empty() && rules.zeromq.empty()) return;
  transport::stream_server_options options;
  options.tcp = rules.tcp;
  options.zeromq = rules.zeromq;
  options.connections_max = rules.connections_max;
  options.limits.line_bytes_max = rules.line_bytes_max;
  options.limits.queued_bytes_max = rules.queued_bytes_max;
  options.limits.line_timeout = std::chrono::duration_cast<std::chrono::milliseconds>(rules.line_timeout);
  options.limits.idle_timeout = std::chrono::duration_cast<std::chrono::milliseconds>(rules.idle_timeout);
  options.limits.lines_max = rules.mode == mode_kind::close_after_reply ? 1 : 0;
  state.messenger = std::make_unique<socket_messenger>(caf::actor_cast<caf::actor>(self));
  state.sockets = std::make_unique<transport::stream_server>(options, *state.messenger);
  state.outside = self->expect_outside();
  if (state.sockets->connections_max() < options.connections_max)
    warn(self, "only " + std::to_string(state.sockets->connections_max())
                   + " connections are possible: the system allows this process no more open files");
}

} // namespace

caf::behavior server(server_actor* self, const server_rules& rules) {
  self->state.rules = rules;
  self->call_me("the server");
  self->set_down_handler([self](caf::down_msg& down) { on_down(self, down); });
  std::string trouble;
  try {
    open_sockets(self);
  } catch (const std::exception& e) {
    trouble = e.what();
  }
  return {
      [self, trouble](const where&) -> caf::result<addresses> {
        if (!trouble.empty()) return caf::make_error(caf::sec::runtime_error, trouble);
        const auto& sockets = self->state.sockets;
        return addresses{sockets ? sockets->tcp_address() : "", sockets ? sockets->zeromq_endpoint() : "",
                         self->node_name()};
      },
      [self](const client_connected& what) { on_connected(self, what); },
      [self](client_line& what) {
        auto found = self->state.clients.find(what.client);
        if (found != self->state.clients.end()) self->send(found->second.session, say{std::move(what.text)});
      },
      [self](const client_gone& what) { depart(self, what.client); },
      [self](echoed& what) { self->state.sockets->answer(what.client, std::move(what.text)); },
      [self](const join&) { return on_join(self); },
      [self](const leave&) {
        auto known = self->state.by_actor.find(caf::actor_cast<caf::actor_addr>(self->current_sender()));
        if (known != self->state.by_actor.end()) depart(self, known->second);
      },
      [self](const left_open& what) {
        if (what.client >= first_actor) self->state.left_open += what.lines;
      },
      [self](const stop_serving& what) {
        self->state.stopped = self->make_response_promise();
        on_stop(self, what.grace);
        return caf::delegated<served>{};
      },
      [self](const intake_closed&) { ask_sessions(self, false); },
      [self](const grace_over&) { ask_sessions(self, true); },
      [self](sockets_closed& what) {
        self->state.socket_counts = std::move(what.counts);
        report_when_stopped(self);
      },
  };
}

} // namespace troupe::scenarios::echo
