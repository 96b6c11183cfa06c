#include "actors/node/gateway.hpp"

#include "actors/codec/node_key.hpp"
#include "actors/node/node.hpp"
#include "actors/node/remote_proxy.hpp"
#include "actors/runtime/scheduler.hpp"
#include "transport/trace_upload/upload_receiver.hpp"

#include <caf/actor_registry.hpp>
#include <caf/all.hpp>

namespace troupe {

namespace {

std::atomic<std::uint64_t> next_serial{1};
/// Reasons of ended actors that are kept for peers that ask late.
constexpr std::size_t endings_kept = 4096;

/// Handles that were exported before, per thread, so that the common case takes no lock.
struct export_entry {
  std::uint64_t serial = 0;
  caf::actor_id id = 0;
};
thread_local std::array<export_entry, 256> known_exports;

} // namespace

gateway::gateway(caf::actor_system& system, node_context& context, transport::node_identity identity,
                 observer watcher)
    : system_(system), context_(context), identity_(std::move(identity)), observer_(std::move(watcher)),
      serial_(next_serial.fetch_add(1, std::memory_order_relaxed)), proxies_(system, *this),
      codec_unit_(&system) {
  codec_unit_.proxy_registry_ptr(&proxies_);
}

gateway::~gateway() { stop(std::chrono::milliseconds{0}); }

void gateway::start(transport::hub_options options, transport::hub_listener* uploads) {
  options.identity = identity_;
  uploads_ = uploads;
  if (uploads != nullptr) options.capabilities |= transport::capability_upload;
  if (context_.recorder.on()) options.capabilities |= transport::capability_trace;
  options.describe = [](const transport::peer_hello& who) {
    std::string ignored;
    const auto theirs = decode_greeting(who.greeting, ignored);
    return theirs && theirs->pid > 0 ? "pid " + std::to_string(theirs->pid) : std::string{};
  };
  hub_ = std::make_unique<transport::hub>(std::move(options), *this, context_.recorder, context_.books);
}

void gateway::take_no_more() {
  if (hub_ != nullptr) hub_->take_no_more();
  wait_until_decoded();
}

void gateway::wait_until_decoded() {
  std::unique_lock lock{busy_mutex_};
  idle_.wait(lock, [this] { return busy_ == 0; });
}

void gateway::stop(std::chrono::milliseconds linger) {
  if (stopping_.exchange(true) || hub_ == nullptr) return;
  hub_->stop(linger);
  wait_until_decoded();
  proxies_.clear();
  std::unordered_map<std::uint64_t, entry> directory;
  {
    std::lock_guard lock{mutex_};
    directory.swap(directory_);
    ways_.clear();
    ways_count_.store(0, std::memory_order_release);
  }
  for (auto& [incarnation, known] : directory)
    if (known.via != nullptr) known.via->peer()->attachment.reset(); // they refer to each other
}

void gateway::busy(int change) {
  std::lock_guard lock{busy_mutex_};
  busy_ += change;
  if (busy_ == 0) idle_.notify_all();
}

void gateway::warn(const std::string& text) const {
  if (context_.warn) context_.warn(text);
}

void gateway::mistake(const std::string& sentence) const {
  if (context_.mistake) context_.mistake(sentence);
}

// -- the directory -----------------------------------------------------------------

std::vector<known_node> gateway::nodes() const {
  std::lock_guard lock{mutex_};
  std::vector<known_node> result;
  for (auto& [incarnation, known] : directory_)
    result.push_back(known.node);
  return result;
}

std::optional<known_node> gateway::find(const std::string& name) const {
  std::optional<known_node> result;
  for (auto& node : nodes())
    if (node.identity.name == name && (!result || (node.up && !result->up) || result->down)) result = node;
  return result;
}

remote_peer_ptr gateway::peer_of(const transport::peer_ptr& peer, payload_codec codec) {
  std::lock_guard lock{mutex_};
  auto& known = directory_[peer->identity().incarnation];
  if (known.via == nullptr) {
    known.node.identity = peer->identity();
    known.id = node_id_of(peer->identity().incarnation);
    known.via = remote_peer_ptr{new remote_peer(*this, peer, known.id, codec), false};
    peer->attachment = std::shared_ptr<void>(known.via.get(), [keep = known.via](void*) {});
  }
  return known.via;
}

remote_peer_ptr gateway::route(std::uint64_t incarnation) {
  transport::node_identity identity;
  std::string endpoint;
  auto codec = payload_codec::none;
  {
    std::lock_guard lock{mutex_};
    auto found = directory_.find(incarnation);
    if (found == directory_.end() || found->second.node.down) return nullptr;
    if (found->second.via != nullptr) return found->second.via;
    identity = found->second.node.identity;
    endpoint = found->second.node.endpoint;
    codec = best_codec(found->second.node.codecs);
  }
  if (endpoint.empty() || hub_ == nullptr || stopping_) return nullptr;
  return peer_of(hub_->open(identity, endpoint), codec);
}

void gateway::forget_the_gone() {
  std::erase_if(directory_, [](auto& each) {
    if (!each.second.node.down) return false;
    if (each.second.via != nullptr) each.second.via->peer()->attachment.reset(); // they refer to each other
    return true;
  });
}

bool gateway::learned(const transport::node_identity& node, const std::string& endpoint,
                      const std::vector<int>& codecs, const remote_peer* from) {
  if (node.incarnation == identity_.incarnation) return true;
  std::lock_guard lock{mutex_};
  if (directory_.size() >= known_nodes_max && !directory_.contains(node.incarnation)) {
    forget_the_gone();
    if (directory_.size() >= known_nodes_max) return false;
  }
  auto [place, fresh] = directory_.try_emplace(node.incarnation);
  auto& known = place->second;
  if (fresh) {
    known.node.identity = node;
    known.node.codecs = codecs;
    known.id = node_id_of(node.incarnation);
  }
  if (!known.node.endpoint.empty() || endpoint.empty()) return true;
  known.node.endpoint = endpoint;
  // Before any handle of that node can leave here, which is after this.
  ways_.push_back({node.incarnation, from});
  ways_count_.store(ways_.size(), std::memory_order_release);
  return true;
}

std::size_t gateway::ways_since(std::size_t told, const remote_peer& to,
                                std::vector<known_node>& into) const {
  std::lock_guard lock{mutex_};
  for (auto i = told; i < ways_.size(); ++i) {
    const auto found = directory_.find(ways_[i].incarnation);
    const bool is_its_own = ways_[i].from == &to || ways_[i].incarnation == to.peer()->identity().incarnation;
    if (found != directory_.end() && !found->second.node.down && !is_its_own)
      into.push_back(found->second.node);
  }
  return ways_.size();
}

void gateway::peer_is_up(remote_peer& fresh) {
  const auto& hello = fresh.peer()->hello();
  {
    std::lock_guard lock{mutex_};
    auto& entry = directory_[hello.identity.incarnation];
    entry.node.up = true;
    entry.node.codecs = fresh.greeted()->codecs;
  }
  learned(hello.identity, hello.endpoint, fresh.greeted()->codecs, &fresh);
}

void gateway::peer_has_ended(remote_peer& gone, transport::down_reason reason, const std::string& detail) {
  known_node node;
  {
    std::lock_guard lock{mutex_};
    auto found = directory_.find(gone.peer()->identity().incarnation);
    if (found != directory_.end()) {
      found->second.node.up = false;
      found->second.node.down = true;
      node = found->second.node;
    }
  }
  if (observer_.on_down) observer_.on_down(node, reason, detail);
}

// -- hub_listener ------------------------------------------------------------------------

void gateway::on_peer_up(const transport::peer_ptr& peer) {
  if (is_visitor(peer->identity())) { // it brings files, and is no node
    if (uploads_ != nullptr) uploads_->on_peer_up(peer);
    return;
  }
  std::string why;
  auto theirs = decode_greeting(peer->hello().greeting, why);
  if (!theirs) warn("node " + peer->identity().name + ": " + why);
  const auto codec = best_codec(theirs.value_or(greeting{}).codecs);
  if (codec == payload_codec::none)
    warn("node " + peer->identity().name + " reads no payload codec that this node writes");
  auto via = peer_of(peer, codec);
  via->on_up(theirs.value_or(greeting{}), codec);
  peer_is_up(*via);
  if (observer_.on_up)
    observer_.on_up({peer->identity(), peer->hello().endpoint, true, false, via->greeted()->codecs},
                    *via->greeted());
}

void gateway::on_frame(const transport::peer_ptr& peer, transport::inbound_frame frame) {
  if (auto* via = static_cast<remote_peer*>(peer->attachment.get()))
    via->on_frame(std::move(frame));
  else if (is_visitor(peer->identity()) && uploads_ != nullptr)
    uploads_->on_frame(peer, std::move(frame));
}

void gateway::on_peer_down(const transport::peer_ptr& peer, transport::down_reason reason,
                           std::string_view detail, std::uint64_t messages_lost) {
  if (is_visitor(peer->identity())) {
    if (uploads_ != nullptr) uploads_->on_peer_down(peer, reason, detail, messages_lost);
    return;
  }
  peer_of(peer, payload_codec::none)->on_down(reason, std::string{detail}, messages_lost);
}

// -- the deadlock detector -------------------------------------------------------------

activity_report gateway::look(bool of_a_job) const {
  int arriving = 0;
  {
    std::lock_guard lock{busy_mutex_};
    arriving = busy_ - (of_a_job ? 1 : 0); // its own queue
  }
  auto report = look_at(system_, context_, of_a_job);
  report.arriving = arriving;
  return report;
}

std::vector<wait_edge> gateway::edges() const {
  auto edges = context_.waits.edges();
  if (edges.size() > wait_edges_max) edges.resize(wait_edges_max);
  std::unordered_map<std::uint64_t, remote_peer_ptr> ways;
  {
    std::lock_guard lock{mutex_};
    for (auto& [incarnation, known] : directory_)
      if (known.via != nullptr) ways.emplace(incarnation, known.via);
  }
  for (auto& edge : edges)
    if (auto way = ways.find(edge.to.incarnation); way != ways.end() && !edge.to_ended)
      edge.to_ended = way->second->has_ended(edge.to.id);
  return edges;
}

std::vector<remote_peer_ptr> gateway::peers_up() const {
  std::vector<remote_peer_ptr> up;
  std::lock_guard lock{mutex_};
  for (auto& [incarnation, known] : directory_)
    if (known.node.up) up.push_back(known.via);
  return up;
}

std::size_t gateway::probe(std::uint64_t round, bool with_edges) {
  const auto up = peers_up();
  for (auto& via : up)
    via->send_probe(round, with_edges);
  return up.size();
}

void gateway::tell_books() {
  for (auto& via : peers_up())
    via->send_report(final_books, look(), {});
}

void gateway::reported(const transport::node_identity& node, std::uint64_t round,
                       const activity_report& report, const std::vector<wait_edge>& edges, bool last) {
  if (observer_.on_report) observer_.on_report(node, round, report, edges, last);
}

// -- actors ------------------------------------------------------------------------------

caf::strong_actor_ptr gateway::make_proxy(caf::node_id node, caf::actor_id id) {
  const auto incarnation = incarnation_of(node);
  auto via = route(incarnation);
  trace::actor_index index = 0;
  if (via != nullptr && context_.recorder.on())
    index = context_.recorder.add_actor(via->peer()->index(), id, {});
  caf::actor_config config;
  auto proxy = caf::make_actor<remote_proxy, caf::strong_actor_ptr>(id, node, &system_, config, via, index);
  if (via != nullptr)
    via->send_watch(id);
  else
    static_cast<remote_proxy*>(proxy->get())
        ->kill_proxy(nullptr, caf::make_error(caf::exit_reason::remote_link_unreachable));
  return proxy;
}

caf::strong_actor_ptr gateway::actor_of(std::uint64_t incarnation, caf::actor_id id) {
  if (incarnation == identity_.incarnation) return local(id);
  const auto node = node_id_of(incarnation);
  if (auto known = proxies_.get(node, id)) return known;
  // Of a node that cannot be reached anybody can make up as many as he likes: they are not kept.
  if (route(incarnation) == nullptr) return make_proxy(node, id);
  return proxies_.get_or_put(node, id);
}

bool gateway::is_full_of(const caf::node_id& node, caf::actor_id id) const {
  return proxies_.count_proxies(node) >= remote_actors_max && proxies_.get(node, id) == nullptr;
}

caf::strong_actor_ptr gateway::agent_of(const std::string& name) {
  auto node = find(name);
  if (!node || !node->up) return nullptr;
  caf::actor_id agent = 0;
  {
    std::lock_guard lock{mutex_};
    auto found = directory_.find(node->identity.incarnation);
    if (found == directory_.end() || found->second.via == nullptr) return nullptr;
    if (auto* theirs = found->second.via->greeted()) agent = theirs->agent;
  }
  return agent != 0 ? actor_of(node->identity.incarnation, agent) : nullptr;
}

actor_ref gateway::export_handle(const caf::strong_actor_ptr& actor) {
  if (actor == nullptr) return {};
  if (actor->node() != system_.node()) return {incarnation_of(actor->node()), actor->id()};
  auto& slot = known_exports[actor->id() % known_exports.size()];
  if (slot.serial != serial_ || slot.id != actor->id()) {
    slot = {serial_, actor->id()};
    if (system_.registry().get(actor->id()) == nullptr) {
      {
        std::lock_guard lock{endings_->mutex};
        endings_->alive.insert(actor->id());
      }
      system_.registry().put(actor->id(), actor);
      actor->get()->attach_functor(
          [memory = endings_, id = actor->id()](const caf::error& reason) { memory->remember(id, reason); });
    }
  }
  return {identity_.incarnation, actor->id()};
}

void gateway::endings::remember(caf::actor_id id, const caf::error& reason) {
  std::lock_guard lock{mutex};
  alive.erase(id);
  if (!reasons.emplace(id, reason).second) return;
  order.push_back(id);
  if (order.size() <= endings_kept) return;
  reasons.erase(order.front());
  order.pop_front();
}

caf::strong_actor_ptr gateway::import_handle(const actor_ref& ref) {
  if (auto* from = remote_peer::being_decoded(); from != nullptr && ref.incarnation != identity_.incarnation
                                                 && is_full_of(node_id_of(ref.incarnation), ref.id)) {
    from->exceed("it tells of more actors of one node than this node keeps, "
                 + std::to_string(remote_actors_max));
    return nullptr;
  }
  return actor_of(ref.incarnation, ref.id);
}

caf::strong_actor_ptr gateway::local(caf::actor_id id) { return system_.registry().get(id); }

std::vector<caf::strong_actor_ptr> gateway::exported() const {
  std::vector<caf::strong_actor_ptr> result;
  std::lock_guard lock{endings_->mutex};
  for (auto id : endings_->alive)
    if (auto actor = system_.registry().get(id)) result.push_back(std::move(actor));
  return result;
}

caf::error gateway::why_ended(caf::actor_id id) const {
  std::lock_guard lock{endings_->mutex};
  auto found = endings_->reasons.find(id);
  return found != endings_->reasons.end() ? found->second : caf::make_error(caf::exit_reason::unknown);
}

} // namespace troupe
