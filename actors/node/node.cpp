#include "actors/node/node.hpp"

#include "actors/codec/node_key.hpp"
#include "actors/runtime/known_threads.hpp"
#include "actors/runtime/scheduler.hpp"
#include "actors/runtime/thread_state.hpp"
#include "base/cores.hpp"
#include "base/process_limits.hpp"
#include "transport/frames/standstill.hpp"

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <algorithm>
#include <deque>
#include <future>
#include <map>
#include <optional>
#include <thread>
#include <unistd.h>

namespace troupe {

// -- what CAF has no door for --------------------------------------------------------

namespace {

/// actor_system::node_ is set by CAF's own middleman only, and an actor system without
/// a node id cannot tell its actors from others. An explicit instantiation may name a
/// private member ([temp.spec]/6); that is the one way in without the middleman's
/// threads and sockets.
template <auto Member>
struct node_id_access {
  friend caf::node_id& node_id_in(caf::actor_system& system) { return system.*Member; }
};
caf::node_id& node_id_in(caf::actor_system&);
template struct node_id_access<&caf::actor_system::node_>;

/// Sits in the slot that CAF keeps for network modules, so that context_of() finds it.
class node_module final : public caf::actor_system::module {
 public:
  node_module(caf::actor_system& system, node_context& context, std::uint64_t incarnation)
      : system_(system), context_(context), incarnation_(incarnation) {}
  void start() override {}
  void stop() override {}
  void init(caf::actor_system_config&) override { node_id_in(system_) = node_id_of(incarnation_); }
  id_t id() const override { return network_manager; }
  void* subtype_ptr() override { return &context_; }

 private:
  caf::actor_system& system_;
  node_context& context_;
  std::uint64_t incarnation_;
};

} // namespace

node_context* context_of(const caf::actor_system& system) {
  if (!system.has_network_manager()) return nullptr;
  return reinterpret_cast<node_context*>(&const_cast<caf::actor_system&>(system).network_manager());
}

void install_context(caf::actor_system_config& config, node_context& context, std::uint64_t incarnation) {
  config.module_factories.push_back(
      [&context, incarnation](caf::actor_system& system) -> caf::actor_system::module* {
        return new node_module(system, context, incarnation);
      });
}

greeting inquire(const std::string& endpoint, std::chrono::milliseconds timeout,
                 transport::hub_options options) {
  struct : transport::hub_listener {
    void on_peer_up(const transport::peer_ptr&) override {}
    void on_frame(const transport::peer_ptr&, transport::inbound_frame) override {}
    void on_peer_down(const transport::peer_ptr&, transport::down_reason, std::string_view,
                      std::uint64_t) override {}
  } listener;
  trace::recorder recorder{{.directory = {}, .node = options.identity.name, .what = trace::level::off}};
  trace::ledger books;
  std::promise<std::pair<std::vector<char>, std::string>> done;
  auto answer = done.get_future();
  transport::hub hub{options, listener, recorder, books};
  hub.look(endpoint, timeout, [&](const transport::peer_hello* there, std::string_view why_not) {
    if (there != nullptr)
      done.set_value({there->greeting, {}});
    else
      done.set_value({{}, std::string{why_not}});
  });
  auto [bytes, why] = answer.get();
  hub.stop(std::chrono::milliseconds{200});
  if (!why.empty()) throw std::runtime_error("cannot join " + endpoint + ": " + why);
  auto theirs = decode_greeting(bytes, why);
  if (!theirs) throw std::runtime_error(endpoint + " is no troupe node: " + why);
  return std::move(*theirs);
}

// -- construction ----------------------------------------------------------------------

namespace {

/// A scheduler that cannot start its threads ends the process.
constexpr std::size_t threads_beside_workers = 2;

std::size_t scheduler_threads(const node_options& options) {
  return options.threads != 0 ? options.threads : std::max<std::size_t>(2, usable_cores().size());
}

} // namespace

class node::system_config final : public caf::actor_system_config {
 public:
  system_config(const node_options& options, const message_catalog& catalog, node_context& context) {
    module_factories.push_back(
        [name = options.scheduler](caf::actor_system& system) { return make_scheduler(name, system); });
    add_thread_hook<thread_register>();
    set("scheduler.max-threads", scheduler_threads(options));
    add_error_category(caf::atom("troupe"),
                       [](std::uint8_t code, caf::atom_value, const caf::message& context_message) {
                         return sentence_of(caf::error{code, caf::atom("troupe"), context_message});
                       });
    catalog.apply(*this);
    install_context(*this, context, options.incarnation);
  }
};

namespace {

node_options completed(node_options options) {
  demand_threads(scheduler_threads(options) + threads_beside_workers);
  if (options.incarnation == 0) options.incarnation = transport::draw_incarnation();
  return options;
}

} // namespace

node::node(node_options options, std::shared_ptr<message_catalog> catalog, role_map roles, up_handler on_up,
           down_handler on_down, report_handler on_report)
    : options_(completed(std::move(options))), catalog_(std::move(catalog)), roles_(std::move(roles)),
      books_({options_.run_dir, options_.name, options_.incarnation, options_.alone}),
      recorder_({options_.run_dir, options_.name, options_.incarnation,
                 options_.run_dir.empty() ? trace::level::off : options_.trace, options_.trace_bytes_max,
                 256ULL << 20, options_.trace_sample_one_in}),
      context_{recorder_, books_, *catalog_, options_.name, options_.incarnation, options_.warn} {
  context_.arrivals_bytes_max = options_.arrivals_bytes_max;
  context_.on_failed = options_.on_failed;
  context_.mistake = [this](const std::string& sentence) { tell_mistake(sentence); };
  catalog_->attach(recorder_);
  config_ = std::make_unique<system_config>(options_, *catalog_, context_);
  system_ = std::make_unique<caf::actor_system>(*config_);
  try {
    begin(std::move(on_up), std::move(on_down), std::move(on_report));
  } catch (...) {
    // Actors need what they were made with until they have ended, which a destructor would see to.
    end();
    throw;
  }
}

void node::begin(up_handler on_up, down_handler on_down, report_handler on_report) {
  gateway_ = std::make_unique<troupe::gateway>(
      *system_, context_, identity(),
      gateway::observer{std::move(on_up), std::move(on_down), std::move(on_report)});
  const std::string agent_role = "agent";
  role_spawner spawner = [this](const std::string& role, const caf::message& args) {
    return spawn_here(role, args);
  };
  {
    const role_scope named{&agent_role};
    agent_ = system_->spawn<caf::hidden>(agent, std::move(spawner), options_.on_leave, options_.on_failed,
                                         options_.on_mistake);
  }
  gateway_->export_handle(caf::actor_cast<caf::strong_actor_ptr>(agent_));
  auto links = options_.hub;
  links.listen = options_.listen;
  greeting mine;
  mine.agent = agent_.id();
  mine.pid = ::getpid();
  mine.codecs = options_.codecs;
  mine.run = options_.run;
  for (auto& name : catalog_->names())
    mine.types.insert(name);
  links.greeting = encode(mine);
  gateway_->start(std::move(links), options_.uploads);
}

node::~node() { end(); }

void node::end() {
  stop();
  agent_ = nullptr;
  context_.life.end();
  gateway_.reset();
  system_.reset();
}

void node::tell_mistake(const std::string& sentence) {
  {
    const std::lock_guard lock{mistakes_mutex_};
    if (!mistakes_.insert(sentence).second) return;
  }
  if (options_.on_mistake) options_.on_mistake(sentence);
}

// -- names and nodes ---------------------------------------------------------------------

void node::do_publish(publish_name what) { troupe::anon_send(agent_, std::move(what)); }

caf::expected<named_actor> node::do_lookup(const std::string& node_name, lookup_name what) {
  auto agent = agent_of(node_name);
  if (!agent) return caf::make_error(errc::node_unknown, node_name);
  caf::scoped_actor self{*system_};
  caf::expected<named_actor> result{caf::make_error(errc::timed_out, what.name)};
  const auto patience = what.wait + std::chrono::seconds{10};
  self->request(agent, patience, what)
      .receive([&](named_actor& found) { result = std::move(found); },
               [&](caf::error& err) { result = std::move(err); });
  return result;
}

caf::expected<std::string> node::connect(const std::string& endpoint, std::chrono::milliseconds timeout) {
  auto done = std::make_shared<std::promise<caf::expected<std::string>>>();
  auto answer = done->get_future();
  gateway_->hub().connect(
      endpoint, timeout, [done, endpoint](transport::peer_ptr peer, std::string_view why_not) {
        if (peer != nullptr)
          done->set_value(peer->identity().name);
        else
          done->set_value(caf::make_error(errc::not_connected, endpoint + ": " + std::string{why_not}));
      });
  return answer.get();
}

caf::actor node::agent_of(const std::string& node_name) {
  if (node_name == options_.name) return agent_;
  return caf::actor_cast<caf::actor>(gateway_->agent_of(node_name));
}

// -- roles -------------------------------------------------------------------------------

caf::expected<caf::strong_actor_ptr> node::spawn_here(const std::string& role, const caf::message& args) {
  auto found = roles_.find(role);
  if (found == roles_.end()) return caf::make_error(errc::role_unknown, role);
  // "worker_pool/worker" names the role among all scenarios; people know it as "worker".
  const auto known_as = std::string_view{found->first}.substr(found->first.find('/') + 1);
  const std::string name{known_as};
  auto made = [&] {
    const role_scope named{&name};
    return found->second(*system_, args);
  }();
  if (!made) return made;
  std::lock_guard lock{spawned_mutex_};
  if (spawned_.size() >= compact_at_) {
    std::erase_if(spawned_, [](auto& each) { return each.actor.lock() == nullptr; });
    compact_at_ = std::max<std::size_t>(64, spawned_.size() * 2);
  }
  spawned_.push_back({caf::actor_cast<caf::weak_actor_ptr>(*made), known_as});
  return made;
}

caf::expected<caf::strong_actor_ptr> node::spawn_on(const std::string& node_name, const std::string& role,
                                                    const caf::message& args,
                                                    std::chrono::milliseconds timeout) {
  if (node_name == options_.name) return spawn_here(role, args);
  return std::move(spawn_each_on({node_name}, role, {args}, timeout).front());
}

std::vector<caf::expected<caf::strong_actor_ptr>> node::spawn_each_on(const std::vector<std::string>& nodes,
                                                                      const std::string& role,
                                                                      const std::vector<caf::message>& args,
                                                                      std::chrono::milliseconds timeout,
                                                                      const std::function<bool()>& goes_on) {
  constexpr std::size_t asked_max = 128; // a blocking actor searches its mailbox for each answer
  std::optional<caf::scoped_actor> self; // only where somebody is to be asked: it stands in the trace
  std::vector<caf::expected<caf::strong_actor_ptr>> made(
      nodes.size(), caf::expected<caf::strong_actor_ptr>{caf::make_error(errc::timed_out, role)});
  using answer = decltype((*self)->request(caf::actor{}, timeout, spawn_role{}));
  std::deque<std::pair<std::size_t, answer>> asked;
  const auto take_first = [&] {
    auto& into = made[asked.front().first];
    asked.front().second.receive([&](role_spawned& what) { into = std::move(what.actor); },
                                 [&](caf::error& why) { into = std::move(why); });
    asked.pop_front();
  };
  for (std::size_t i = 0; i < nodes.size() && (!goes_on || goes_on()); ++i) {
    if (nodes[i] == options_.name) {
      made[i] = spawn_here(role, args[i]);
    } else if (auto agent = agent_of(nodes[i])) {
      if (asked.size() == asked_max) take_first();
      if (!self) self.emplace(*system_);
      asked.emplace_back(i, (*self)->request(agent, timeout, spawn_role{role, args[i]}));
    } else {
      made[i] = caf::make_error(errc::node_unknown, nodes[i]);
    }
  }
  while (!asked.empty())
    take_first();
  return made;
}

// -- the end -----------------------------------------------------------------------------

/// A system under the test coordinator has no threads; somebody must let its actors run.
void node::pump() {
  if (auto* coordinator = dynamic_cast<caf::scheduler::test_coordinator*>(&system_->scheduler()))
    coordinator->run();
}

std::vector<std::string> node::end_actors(std::chrono::milliseconds patience) {
  context_.ending = true;
  std::vector<spawned_role> spawned;
  {
    std::lock_guard lock{spawned_mutex_};
    spawned.swap(spawned_);
  }
  // By id, since most are both. Nobody's memory is held while it is waited for.
  const auto reachable = [&] {
    std::map<caf::actor_id, std::pair<caf::strong_actor_ptr, std::string_view>> alive;
    for (auto& actor : gateway_->exported())
      alive.try_emplace(actor->id(), actor, std::string_view{});
    for (auto& each : spawned)
      if (auto actor = each.actor.lock()) alive[actor->id()] = {actor, each.role};
    if (agent_ != nullptr) alive.erase(agent_.id());
    std::erase_if(alive, [](auto& each) {
      return each.second.first->get()->getf(caf::abstract_actor::is_terminated_flag);
    });
    return alive;
  };
  for (auto& [id, each] : reachable())
    caf::anon_send_exit(each.first, caf::exit_reason::user_shutdown);
  // CAF's registry can only be waited for without a limit; its count is polled instead.
  using clock = std::chrono::steady_clock;
  transport::waiting_limit limit{patience, clock::now()};
  pump();
  while (system_->registry().running() != 0 && !limit.is_over(clock::now()))
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  const auto running = system_->registry().running();
  if (running == 0) return {};
  std::vector<std::string> names;
  for (auto& [id, each] : reachable()) {
    const auto& [actor, role] = each;
    const auto* local = dynamic_cast<const caf::local_actor*>(actor->get());
    names.emplace_back(!role.empty() || local == nullptr ? role : local->name());
  }
  if (names.size() < running) names.resize(running, "(known to actors only)");
  std::sort(names.begin(), names.end());
  return names;
}

namespace {

/// Actors that did not end in time cannot be destroyed without the scheduler. They are kept where
/// a leak detector sees that this is meant.
void outlive_all(caf::strong_actor_ptr actor) {
  static auto& mutex = *new std::mutex;
  static auto& left_behind = *new std::vector<caf::strong_actor_ptr>;
  const std::lock_guard lock{mutex};
  left_behind.push_back(std::move(actor));
}

} // namespace

std::vector<std::string> node::stop(std::chrono::milliseconds patience) {
  if (std::exchange(stopped_, true) || gateway_ == nullptr) return {};
  gateway_->leaving();
  auto alive = end_actors(patience);
  if (agent_ != nullptr) {
    caf::anon_send_exit(agent_, caf::exit_reason::user_shutdown);
    pump();
    caf::scoped_actor { *system_ } -> wait_for(agent_);
  }
  // Delayed messages that nobody will get any more become dead letters.
  system_->clock().cancel_all();
  auto settle = [&] {
    for (int look = 0; alive.empty() && look < 200 && books_.totals().open_here() > 0; ++look)
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
  };
  settle();
  // Else something could arrive, and be acknowledged, of which the final books do not know.
  gateway_->take_no_more();
  settle();
  gateway_->tell_books();
  // A peer that lives takes the goodbye within its liveness interval, however busy it is; who is hurried
  // waits for nobody.
  gateway_->stop(patience.count() == 0 ? patience : std::max(patience, options_.hub.liveness));
  settle();
  if (!alive.empty()) {
    for (auto& actor : gateway_->exported()) {
      system_->registry().erase(actor->id());
      outlive_all(std::move(actor));
    }
    system_->await_actors_before_shutdown(false);
    if (const auto waiting = books_.totals().open_here(); waiting > 0)
      tracing::left_over(context_, static_cast<std::uint64_t>(waiting));
  }
  recorder_.close();
  return alive;
}

} // namespace troupe
