#include "scenarios/echo_server/echo_server.hpp"

#include "runner/plan/json_text.hpp"
#include "runner/plan/times.hpp"
#include "scenarios/echo_server/actors.hpp"
#include "transport/lines/tcp_socket.hpp"

namespace troupe::scenarios {

namespace echo {

namespace {

using nlohmann::json;

double microseconds(std::chrono::nanoseconds x) {
  return std::chrono::duration<double, std::micro>(x).count();
}

// -- the manager: opens, announces, loads, closes, sums up ---------------------------------------

json load_result(const manager_state& state) {
  const auto& load = state.load;
  const auto elapsed = seconds(state.ended - state.began);
  json latency{{"p50", microseconds(load.latencies.at(0.5))},
               {"p90", microseconds(load.latencies.at(0.9))},
               {"p99", microseconds(load.latencies.at(0.99))},
               {"p99_9", microseconds(load.latencies.at(0.999))},
               {"max", microseconds(load.latencies.max())}};
  return {{"messages", state.all.messages},
          {"sent", load.sent},
          {"echoed", load.echoed},
          {"wrong", load.wrong},
          {"unanswered", load.unanswered},
          {"connections_lost", load.lost},
          {"elapsed_s", elapsed},
          {"echoes_per_s", elapsed > 0 ? static_cast<double>(load.echoed) / elapsed : 0},
          {"latency_us", std::move(latency)}};
}

void finish_if_through(manager_actor* self) {
  auto& state = self->state;
  if (!state.server_result || state.reports < state.all.clients.size()) return;
  auto result = parsed(*state.server_result);
  if (state.at) {
    result["tcp"] = state.at->tcp;
    result["zeromq"] = state.at->zeromq;
  }
  if (!state.all.clients.empty()) result["load"] = load_result(state);
  finish(self, state.collector, result);
  self->quit();
}

void stop_server(manager_actor* self) {
  auto& state = self->state;
  if (std::exchange(state.stopping, true) || !state.all.server) return;
  self->request(state.all.server, caf::infinite, stop_serving{stop_grace}).then([self](served& what) {
    self->state.server_result = std::move(what.result);
    finish_if_through(self);
  });
}

void announce(manager_actor* self) {
  const auto& state = self->state;
  auto tell = [&](const std::string& text) {
    if (state.collector) self->send(state.collector, run_announcement{text});
  };
  if (const auto& tcp = state.at->tcp; !tcp.empty()) {
    const auto [host, port] = transport::split_address(tcp);
    tell("serving TCP on " + tcp + " (try: nc " + host + ' ' + port + ')');
  }
  if (!state.at->zeromq.empty()) tell("serving ZeroMQ on " + state.at->zeromq);
  if (state.all.clients.empty()) tell("serving until Ctrl-C");
}

void on_crowd(manager_actor* self, crowd& all) {
  auto& state = self->state;
  state.all = std::move(all);
  self->request(state.all.server, caf::infinite, where{})
      .then(
          [self](addresses& at) {
            auto& state = self->state;
            state.at = std::move(at);
            announce(self);
            state.began = state.ended = state.told = self->clock().now();
            if (!state.stopping)
              for (auto& each : state.all.clients)
                self->send(each, start_load{*state.at});
          },
          [self](const caf::error& why) {
            self->send(self->state.collector, run_failed{sentence_of(self, why)});
          });
}

void on_progress(manager_actor* self, const load_progress& what) {
  auto& state = self->state;
  state.echoed[what.node] += what.echoed;
  const auto now = self->clock().now();
  if (now - state.told < telling_interval) return;
  state.told = now;
  run_progress progress{0, state.all.messages, state.echoed};
  for (auto& [node, count] : state.echoed)
    progress.done += count;
  self->send(state.collector, std::move(progress));
}

void on_report(manager_actor* self, const client_report& what) {
  auto& state = self->state;
  if (!what.trouble.empty()) {
    self->send(state.collector, run_failed{"the load cannot begin: " + what.trouble});
    return; // without a result, so that this is the reason
  }
  state.load.add(what.counts);
  state.ended = self->clock().now();
  if (++state.reports == state.all.clients.size()) stop_server(self);
  finish_if_through(self);
}

} // namespace

caf::behavior manager(manager_actor* self, const caf::actor& collector) {
  self->state.collector = collector;
  self->call_me("the manager");
  return {
      [self](crowd& all) { on_crowd(self, all); },
      [self](const load_progress& what) { on_progress(self, what); },
      [self](const client_report& what) { on_report(self, what); },
      [self](const stop_early&) {
        // A server that stops takes no new line: the load's last ones come first.
        for (auto& each : self->state.all.clients)
          self->send(each, stop_load{});
        if (self->state.all.clients.empty())
          stop_server(self);
        else
          self->delayed_send(self, way_to_server, load_arrived{});
      },
      [self](const load_arrived&) { stop_server(self); },
  };
}

} // namespace echo

// -- parameters, wiring, checks --------------------------------------------------------------------

namespace {

using namespace echo;

const std::vector<std::string> modes{"echo", "close_after_reply", "presence"};

server_rules rules_of(const parameters& values) {
  const auto mode = std::find(modes.begin(), modes.end(), values.text("mode")) - modes.begin();
  return {.mode = static_cast<mode_kind>(mode),
          .tcp = values.text("tcp"),
          .zeromq = values.text("zeromq"),
          .fails_on = values.text("fails_on"),
          .work = values.duration("work"),
          .line_bytes_max = static_cast<std::uint64_t>(values.integer("line_bytes_max")),
          .queued_bytes_max = static_cast<std::uint64_t>(values.integer("queued_bytes_max")),
          .connections_max = static_cast<std::uint64_t>(values.integer("connections_max")),
          .line_timeout = values.duration("line_timeout"),
          .idle_timeout = values.duration("idle_timeout")};
}

void spawn_clients(run& r, crowd& all, const caf::actor& manager) {
  const auto& values = r.values();
  const auto count = static_cast<std::uint64_t>(values.integer("clients"));
  load_rules rules{.clients = 1,
                   .messages = static_cast<std::uint64_t>(values.integer("messages")),
                   .bytes = static_cast<std::uint64_t>(values.integer("message_bytes")),
                   .mode = rules_of(values).mode};
  all.messages = count * rules.messages;
  if (values.text("over") == "actors") {
    all.clients = r.spawn_each(
        "client", count, [&](std::uint64_t i) { return message_with(all.server, manager, i + 1, rules); });
    return;
  }
  rules.zeromq = values.text("over") == "zeromq";
  const auto groups = std::min<std::uint64_t>(r.nodes_of("socket_clients").size(), count);
  all.clients = r.spawn_each("socket_clients", groups, [&](std::uint64_t i) {
    rules.clients = count / groups + (i < count % groups ? 1 : 0);
    return message_with(manager, rules);
  });
}

void open_server(run& r) {
  auto manager = r.spawn("manager", r.collector());
  r.on_stop(manager);
  crowd all;
  all.server = r.spawn("server", rules_of(r.values()));
  spawn_clients(r, all, manager);
  troupe::anon_send(manager, std::move(all));
}

void add_echo_parameters(scenario& s) {
  s.choice("mode", modes, "echo")
      .help("what is served: echoes; one echo a connection; echoes and who comes and goes");
  s.text("tcp", "127.0.0.1:*")
      .length(255)
      .help("HOST:PORT for plain TCP clients, * for any free port; empty: none");
  s.text("zeromq", "")
      .length(1024)
      .help("endpoint for ZeroMQ clients (REQ, DEALER), such as tcp://127.0.0.1:*");
  s.integer("clients", 0).range(0, 100'000).help("clients of the built-in load; 0: serve until Ctrl-C");
  s.integer("messages", 100).range(1, 1'000'000'000).help("messages of each client of the load");
  s.integer("message_bytes", 32)
      .range(0, 1'000'000)
      .in("bytes")
      .help("size of the load's messages, at least");
  s.choice("over", {"actors", "tcp", "zeromq"}, "actors").help("what the load's clients are");
  s.duration("work", {}).range(0, 3600).help("time that a handler takes for a line");
  s.text("fails_on", "boom")
      .length(1000)
      .help("a line with this text makes its handler fail; empty: none does");
  s.integer("line_bytes_max", 65'536).range(16, 16'777'216).in("bytes").help("longest line accepted");
  s.integer("queued_bytes_max", 1'048'576)
      .range(1024, 1'073'741'824)
      .in("bytes")
      .help("answers that a client may leave unread before it is dropped");
  s.integer("connections_max", 1000)
      .range(1, 65'536)
      .help("connections at a time; more are told so and closed");
  s.duration("line_timeout", std::chrono::seconds{30})
      .range(0, 86'400)
      .help("for a line to end once it began; 0s: any");
  s.duration("idle_timeout", {}).range(0, 86'400).help("for a client to say something; 0s: any");
}

std::string why_invalid(const parameters& values) {
  const bool load = values.integer("clients") != 0;
  const bool tcp = !values.text("tcp").empty();
  if (!load && !tcp && values.text("zeromq").empty())
    return "nobody could reach the server: give tcp or zeromq, or clients for a load";
  if (load && values.text("over") == "tcp" && !tcp) return "a load over tcp needs an address: give tcp";
  if (load && values.text("over") == "zeromq" && values.text("zeromq").empty())
    return "a load over zeromq needs an endpoint: give zeromq";
  if (load && values.text("over") != "actors"
      && values.integer("clients") > values.integer("connections_max"))
    return "the server would turn some of the load away: clients is over connections_max";
  if (load && values.integer("message_bytes") > values.integer("line_bytes_max"))
    return "the load's messages are longer than the server accepts: message_bytes is over line_bytes_max";
  return {};
}

std::uint64_t sum(const nlohmann::json& counts) {
  std::uint64_t result = 0;
  for (auto& [reason, count] : counts.items())
    result += count.get<std::uint64_t>();
  return result;
}

void add_echo_checks(scenario& s) {
  s.check("every accepted line is answered or counted", [](const finished_run& run) -> check_outcome {
    if (!run.result.contains("sockets")) return {true, "no sockets"};
    const auto& lines = run.result.at("sockets").at("lines");
    const auto accepted = lines.at("accepted").get<std::uint64_t>();
    const auto answered = lines.at("answered").get<std::uint64_t>();
    const auto unanswered = sum(lines.at("unanswered"));
    return {accepted == answered + unanswered, "accepted " + std::to_string(accepted) + " = answered "
                                                   + std::to_string(answered) + " + unanswered "
                                                   + std::to_string(unanswered)};
  });
  s.check("every message of the load was echoed, to its client and in order",
          [](const finished_run& run) -> check_outcome {
            if (!run.result.contains("load")) return {true, "no load"};
            const auto& load = run.result.at("load");
            const auto echoed = load.at("echoed").get<std::uint64_t>();
            const auto wrong = load.at("wrong").get<std::uint64_t>();
            const auto messages = load.at("messages").get<std::uint64_t>();
            return {echoed == messages && wrong == 0, std::to_string(echoed) + " of "
                                                          + std::to_string(messages) + ", "
                                                          + std::to_string(wrong) + " wrong ones"};
          });
}

} // namespace

scenario echo_server() {
  scenario s{"echo_server", "Echoes lines to actors, ZeroMQ sockets and plain TCP clients"};
  add_echo_parameters(s);
  s.validate(why_invalid);
  s.messages(echo::add_messages);
  s.role("manager", echo::manager, placement::main, "announces the addresses, runs the load, sums up");
  s.role("server", echo::server, placement::main, "owns the sockets; each client gets a session");
  s.role("client", echo::client, placement::workers, "a client of the load that is an actor");
  s.role("socket_clients", echo::socket_clients, placement::workers,
         "the load's TCP or ZeroMQ clients of one node");
  s.start(open_server);
  add_echo_checks(s);
  return s;
}

} // namespace troupe::scenarios
