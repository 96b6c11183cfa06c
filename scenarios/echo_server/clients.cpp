// The built-in load: clients that are actors, and many clients with sockets in one.
#include "scenarios/echo_server/actors.hpp"

namespace troupe::scenarios::echo {

namespace {

// -- a client that is an actor -----------------------------------------------------------------

void report(client_actor* self) {
  auto& state = self->state;
  if (std::exchange(state.reported, true)) return;
  if (!std::exchange(state.asked, {}).empty()) ++state.report.counts.unanswered;
  self->send(state.server, leave{});
  self->send(state.manager, std::move(state.report));
  self->quit();
}

void ask_next(client_actor* self) {
  auto& state = self->state;
  if (state.stopping || state.report.counts.sent == state.rules.messages) {
    report(self);
    return;
  }
  state.asked =
      load_text("client " + std::to_string(state.number), ++state.report.counts.sent, state.rules.bytes);
  state.asked_at = self->clock().now();
  self->send(state.session, say{state.asked});
}

void join_server(client_actor* self) {
  self->request(self->state.server, caf::infinite, join{})
      .then(
          [self](joined& what) {
            self->state.session = std::move(what.session);
            ask_next(self);
          },
          [self](const caf::error&) {
            ++self->state.report.counts.lost;
            report(self);
          });
}

void tell_manager(client_actor* self, caf::actor_clock::time_point now) {
  auto& state = self->state;
  ++state.untold;
  if (now - state.told < telling_interval) return;
  state.told = now;
  self->send(state.manager, load_progress{self->node_name(), std::exchange(state.untold, 0)});
}

void on_echoed(client_actor* self, const echoed& what) {
  auto& state = self->state;
  if (state.asked.empty() || what.text != std::string{echo_prefix} + state.asked) {
    ++state.report.counts.wrong;
    return;
  }
  const auto now = self->clock().now();
  state.report.counts.latencies.add(now - state.asked_at);
  ++state.report.counts.echoed;
  state.asked.clear();
  tell_manager(self, now);
  if (what.last && state.report.counts.sent < state.rules.messages && !state.stopping)
    join_server(self);
  else
    ask_next(self);
}

// -- many clients with sockets ----------------------------------------------------------------------

void start(socket_clients_actor* self, const addresses& at) {
  auto& state = self->state;
  line_load_plan plan;
  plan.address = state.rules.zeromq ? at.zeromq : at.tcp;
  plan.clients = state.rules.clients;
  plan.messages = state.rules.messages;
  plan.bytes = state.rules.bytes;
  plan.reconnect = state.rules.mode == mode_kind::close_after_reply;
  plan.ignores_notices = state.rules.mode == mode_kind::presence;
  state.outside = self->expect_outside();
  // From the load's own thread: what it tells is the manager's business alone.
  load_listener tell;
  tell.on_progress = [manager = state.manager, node = self->node_name()](std::uint64_t echoed) {
    troupe::anon_send(manager, load_progress{node, echoed});
  };
  tell.on_done = [me = caf::actor_cast<caf::actor_addr>(self)](const line_load_counts& x) {
    if (auto self = caf::actor_cast<caf::actor>(me)) troupe::anon_send(self, client_report{x, {}});
  };
  state.load = state.rules.zeromq ? make_zeromq_load(std::move(plan), std::move(tell))
                                  : make_tcp_load(std::move(plan), std::move(tell));
}

} // namespace

caf::behavior client(client_actor* self, const caf::actor& server, const caf::actor& manager,
                     std::uint64_t number, const load_rules& rules) {
  auto& state = self->state;
  state.server = server;
  state.manager = manager;
  state.number = number;
  state.rules = rules;
  self->call_me("client " + std::to_string(number));
  return {
      [self](const start_load&) {
        self->state.told = self->clock().now();
        join_server(self);
      },
      [self](const echoed& what) { on_echoed(self, what); },
      [](const notice&) {},
      [self](const closed& what) {
        if (what.why.empty()) return;
        ++self->state.report.counts.lost;
        report(self);
      },
      [self](const stop_load&) {
        self->state.stopping = true;
        if (!self->state.session || self->state.asked.empty()) report(self);
      },
  };
}

caf::behavior socket_clients(socket_clients_actor* self, const caf::actor& manager, const load_rules& rules) {
  self->state.manager = manager;
  self->state.rules = rules;
  return {
      [self](const start_load& what) {
        try {
          start(self, what.at);
        } catch (const std::exception& e) {
          client_report none;
          none.counts.lost = self->state.rules.clients;
          none.trouble = e.what();
          self->send(self->state.manager, std::move(none));
          self->quit();
        }
      },
      [self](client_report& what) {
        self->state.outside.reset();
        self->send(self->state.manager, std::move(what));
        self->quit();
      },
      [self](const stop_load&) {
        if (self->state.load)
          self->state.load->stop();
        else
          self->send(self->state.manager, client_report{});
      },
  };
}

} // namespace troupe::scenarios::echo
