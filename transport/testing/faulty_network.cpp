#include "transport/testing/faulty_network.hpp"

#include <algorithm>

namespace troupe::transport {

// Both ends of one connection; side 0 has dialled.
struct faulty_network::connection {
  node* ends[2] = {nullptr, nullptr};
  std::weak_ptr<end_of_wire> wires[2];
  bool open[2] = {true, true};
  time_point last_delivery[2]{}; ///< towards that side; keeps the order where nothing reorders
};

struct faulty_network::node final : dialler, output_sink {
  faulty_network* network = nullptr;
  std::unique_ptr<switchboard> board;
  std::vector<link_ptr> waiting;
  bool alive = true;
  std::optional<time_point> stopped_since;
  std::vector<std::function<void()>> kept; ///< what has come since then

  wire_ptr dial(const std::string& endpoint, std::string&) override { return network->dial(*this, endpoint); }
  bool is_deserted(const std::string& endpoint) override { return network->deserted_.contains(endpoint); }
  void ready(const link_ptr& l) override {
    if (!alive || l->marked_ready.exchange(true)) return;
    waiting.push_back(l);
    ++network->ready_;
  }
};

class faulty_network::end_of_wire final : public wire, public std::enable_shared_from_this<end_of_wire> {
 public:
  end_of_wire(faulty_network& n, std::shared_ptr<connection> c, int side)
      : network_(n), connection_(std::move(c)), side_(side) {}
  bool transmit(const frame_ptr& f) override { return network_.transmit(connection_, side_, f); }
  void close(bool) override { network_.close(connection_, side_); }
  bool sever() override { return true; }

 private:
  faulty_network& network_;
  const std::shared_ptr<connection> connection_;
  const int side_;
};

namespace {
// The sinks of a network are its nodes, which live as long as it does.
std::shared_ptr<output_sink> unowned(output_sink& sink) { return {std::shared_ptr<void>{}, &sink}; }
} // namespace

faulty_network::faulty_network(std::uint64_t seed) : random_(seed) {}

faulty_network::~faulty_network() {
  queue_ = {};
  for (auto& [endpoint, n] : nodes_)
    n->board->abandon();
}

std::chrono::microseconds faulty_network::between(std::chrono::microseconds low,
                                                  std::chrono::microseconds high) {
  return std::chrono::microseconds{draw_between(random_, low.count(), high.count())};
}

switchboard& faulty_network::add(const std::string& endpoint, const switchboard_options& options,
                                 hub_listener& listener, trace::recorder& recorder) {
  auto n = std::make_unique<node>();
  n->network = this;
  n->board = std::make_unique<switchboard>(options, listener, recorder, *n, unowned(*n));
  n->board->set_endpoint(endpoint);
  deserted_.erase(endpoint);
  return *(nodes_[endpoint] = std::move(n))->board;
}

void faulty_network::kill(const std::string& endpoint, bool noticed) {
  const auto it = nodes_.find(endpoint);
  if (it == nodes_.end()) return;
  it->second->alive = false;
  ready_ -= it->second->waiting.size();
  it->second->waiting.clear();
  dead_.push_back(std::move(it->second)); // links of others' tests may still point into it
  nodes_.erase(it);
  if (noticed) deserted_.insert(endpoint);
}

void faulty_network::stop(const std::string& endpoint) {
  flush();
  nodes_.at(endpoint)->stopped_since = now_;
}

void faulty_network::go_on(const std::string& endpoint) {
  auto& n = *nodes_.at(endpoint);
  n.board->stood_still(now_ - *std::exchange(n.stopped_since, {}), now_);
  for (const auto& what : std::exchange(n.kept, {}))
    what();
}

void faulty_network::block(const std::string& endpoint, bool blocked) {
  if (blocked)
    blocked_.insert(endpoint);
  else
    blocked_.erase(endpoint);
}

// -- time --------------------------------------------------------------------------------

void faulty_network::schedule(time_point at, std::function<void()> action) {
  queue_.push({at, ++events_, std::move(action)});
}

void faulty_network::after(std::chrono::microseconds delay, std::function<void()> action) {
  schedule(now_ + delay, std::move(action));
}

void faulty_network::run_for(std::chrono::microseconds duration) {
  const auto limit = now_ + duration;
  while (step(limit)) {
  }
  now_ = limit;
}

bool faulty_network::run_until(const std::function<bool()>& holds, std::chrono::microseconds duration) {
  const auto limit = now_ + duration;
  flush();
  while (!holds())
    if (!step(limit)) return false;
  return true;
}

bool faulty_network::step(time_point limit) {
  flush();
  auto next = queue_.empty() ? time_point::max() : queue_.top().at;
  for (const auto& [endpoint, n] : nodes_)
    if (!n->stopped_since) next = std::min(next, n->board->next_deadline());
  if (next > limit) return false;
  now_ = std::max(now_, next);
  while (!queue_.empty() && queue_.top().at <= now_) {
    const auto action = std::move(const_cast<event&>(queue_.top()).action); // it is popped at once
    queue_.pop();
    action();
    flush();
  }
  for (const auto& [endpoint, n] : nodes_)
    if (!n->stopped_since) n->board->tick(now_);
  flush();
  return true;
}

void faulty_network::flush() {
  while (ready_ != 0)
    for (const auto& [endpoint, n] : nodes_)
      for (const auto& l : std::exchange(n->waiting, {})) {
        --ready_;
        l->marked_ready = false;
        if (!n->board->flush(l, now_)) n->ready(l);
      }
}

// -- connections -----------------------------------------------------------------------------

wire_ptr faulty_network::dial(node& from, const std::string& endpoint) {
  auto c = std::make_shared<connection>();
  c->ends[0] = &from;
  auto line = std::make_shared<end_of_wire>(*this, c, 0);
  c->wires[0] = line;
  const auto it = nodes_.find(endpoint);
  if (it == nodes_.end() || blocked_.contains(endpoint)) {
    c->open[1] = false;
    schedule(now_ + faults_.delay_min,
             [this, c, line] { tell_broken(c, 0, "nobody answers at this endpoint"); });
  } else {
    c->ends[1] = it->second.get();
  }
  return line;
}

bool faulty_network::transmit(const std::shared_ptr<connection>& c, int side, const frame_ptr& f) {
  if (!c->open[side]) return false;
  const int other = 1 - side;
  if (c->ends[other] == nullptr) return true; // still finding out that nobody is there
  if (chance(faults_.cut) || chance(faults_.half_cut)) {
    const bool half = chance(0.5);
    tell_broken(c, other, "cut");
    if (!half) schedule(now_, [this, c, side] { tell_broken(c, side, "cut"); });
    c->open[other] = false;
    return true;
  }
  const int copies = chance(faults_.loss) ? 0 : chance(faults_.doubling) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    auto at = now_ + between(faults_.delay_min, faults_.delay_max);
    if (!chance(faults_.reordering)) at = c->last_delivery[other] = std::max(at, c->last_delivery[other]);
    schedule(at, [this, c, other, bytes = f->bytes] { deliver(c, other, bytes); });
  }
  return true;
}

void faulty_network::deliver(const std::shared_ptr<connection>& c, int side, const byte_buffer& bytes) {
  auto* to = c->ends[side];
  if (!c->open[side] || !to->alive) return;
  if (to->stopped_since) return to->kept.push_back([this, c, side, bytes] { deliver(c, side, bytes); });
  auto line = c->wires[side].lock();
  if (!line) {
    if (side == 0) return; // the dialler has let go of it
    line = std::make_shared<end_of_wire>(*this, c, side);
    c->wires[side] = line;
  }
  to->board->on_frame(line, std::make_unique<buffered_frame>(bytes), now_);
}

void faulty_network::close(const std::shared_ptr<connection>& c, int side) {
  if (!c->open[side]) return;
  c->open[side] = false;
  const int other = 1 - side;
  if (c->ends[other] == nullptr) return;
  const auto at = std::max(now_ + faults_.delay_min, c->last_delivery[other]);
  schedule(at, [this, c, other] { tell_broken(c, other, "closed by the other side"); });
}

void faulty_network::tell_broken(const std::shared_ptr<connection>& c, int side, const char* why) {
  auto* to = c->ends[side];
  if (to != nullptr && to->alive && to->stopped_since)
    return to->kept.push_back([this, c, side, why] { tell_broken(c, side, why); });
  if (!std::exchange(c->open[side], false)) return;
  if (to == nullptr || !to->alive) return;
  if (const auto line = c->wires[side].lock()) to->board->on_broken(line, why, now_);
}

} // namespace troupe::transport
