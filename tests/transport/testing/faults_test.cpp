// Properties of sessions over a network that loses, doubles, delays, reorders and cuts,
// each tried with many seeds. TRANSPORT_SEED=N runs one seed only; TRANSPORT_SEEDS=N so many.
#include "tests/support/catch.hpp"
#include "tests/transport/support.hpp"
#include "transport/testing/faulty_network.hpp"

#include <algorithm>
#include <cctype>
#include <iostream>

using namespace transport_tests;
using transport::faults;
using transport::faulty_network;
using transport::switchboard;
using transport::switchboard_options;

namespace {

struct seeds {
  std::uint64_t first = 1;
  std::uint64_t count = 0;
};

seeds chosen_seeds(std::uint64_t count) {
  if (const auto* one = std::getenv("TRANSPORT_SEED")) return {std::strtoull(one, nullptr, 0), 1};
  if (const auto* many = std::getenv("TRANSPORT_SEEDS")) return {1, std::strtoull(many, nullptr, 0)};
  return {1, count};
}

struct noted : transport::hub_listener {
  std::vector<heard> events;
  std::map<std::pair<std::string, std::uint64_t>, peer_ptr> up;
  void on_peer_up(const peer_ptr& p) override {
    events.push_back({p->identity().name, p->identity().incarnation, "up", 0});
    up[{p->identity().name, p->identity().incarnation}] = p;
  }
  void on_frame(const peer_ptr& p, inbound_frame frame) override {
    transport::envelope_view view;
    while (frame.next(view))
      events.push_back({p->identity().name, p->identity().incarnation,
                        std::string(view.payload.begin(), view.payload.end()), 0});
  }
  void on_peer_down(const peer_ptr& p, down_reason reason, std::string_view, std::uint64_t lost) override {
    events.push_back(
        {p->identity().name, p->identity().incarnation, "down " + std::string(to_string(reason)), lost});
    up.erase({p->identity().name, p->identity().incarnation});
  }
  std::vector<heard> of(const std::string& peer, std::uint64_t incarnation) const {
    std::vector<heard> result;
    for (const auto& e : events)
      if (e.peer == peer && e.incarnation == incarnation) result.push_back(e);
    return result;
  }
};

struct actor_node {
  std::string name;
  std::string endpoint;
  std::uint64_t incarnation;
  noted listener;
  trace::recorder recorder;
  switchboard* board = nullptr;
  bool alive = true;
  std::map<std::string, peer_ptr> peers;
  std::map<std::string, int> sent;

  actor_node(std::string n, std::string at, std::uint64_t i)
      : name(std::move(n)), endpoint(std::move(at)), incarnation(i),
        recorder({{}, name, i, trace::level::off}) {}

  void send_to(const std::string& peer) {
    const auto& p = peers.at(peer);
    if (send_text(p, std::to_string(sent[peer])) == send_result::ok) ++sent[peer];
  }
};

// A world of two or three nodes, some of whose pairs know each other.
struct world {
  std::vector<std::unique_ptr<actor_node>> nodes; // outlive what calls them
  faulty_network net;
  std::vector<std::pair<actor_node*, actor_node*>> pairs;
  std::chrono::milliseconds liveness = 4s;
  std::chrono::milliseconds connect_timeout;

  explicit world(std::uint64_t seed, std::chrono::milliseconds patience_of_dialler = 60s)
      : net(seed), connect_timeout(patience_of_dialler) {
    const int count = net.chance(0.5) ? 2 : 3;
    for (int i = 0; i < count; ++i)
      add("n" + std::to_string(i));
  }

  switchboard_options options_for(const actor_node& n) {
    switchboard_options options;
    options.identity = {n.name, n.incarnation};
    options.connect_timeout = connect_timeout;
    options.session.heartbeat = 200ms;
    options.session.liveness = liveness;
    options.session.batch_bytes_max = 200;
    if (std::getenv("TRANSPORT_TEST_LOG") != nullptr)
      options.log = [this, name = n.name](transport::log_level, std::string_view text) {
        std::cerr << net.now().time_since_epoch().count() / 1000 << " " << name << ": " << text << "\n";
      };
    return options;
  }

  actor_node& add(const std::string& name) {
    auto n = std::make_unique<actor_node>(name, "at-" + name, net.random()() | 1);
    n->board = &net.add(n->endpoint, options_for(*n), n->listener, n->recorder);
    return *nodes.emplace_back(std::move(n));
  }

  void open(actor_node& from, const actor_node& to) {
    bool created = false;
    const auto l = from.board->find_or_make({to.name, to.incarnation}, created);
    if (created) from.board->dial(l, to.endpoint, net.now());
    from.peers[to.name] = l;
  }

  // Who dials, when and how, is drawn.
  void introduce_all() {
    for (std::size_t i = 0; i < nodes.size(); ++i)
      for (std::size_t j = i + 1; j < nodes.size(); ++j) {
        auto* a = nodes[i].get();
        auto* b = nodes[j].get();
        if (net.chance(0.5)) std::swap(a, b);
        pairs.emplace_back(a, b);
        open(*a, *b);
        const bool both = net.chance(0.5);
        const bool anonymously = net.chance(0.5);
        if (both || anonymously) {
          net.after(net.between(0us, 2ms), [this, a, b, anonymously] {
            if (anonymously) b->board->connect(a->endpoint, 60s, {}, net.now());
            open(*b, *a);
          });
        } // or when it first has something to say
      }
  }

  void talk(int messages, std::chrono::microseconds within) {
    for (int i = 0; i < messages; ++i)
      net.after(net.between(0us, within), [this] {
        const auto& [a, b] = pairs[net.random()() % pairs.size()];
        auto& from = net.chance(0.5) ? *a : *b;
        auto& to = &from == a ? *b : *a;
        if (!from.alive || (!to.alive && !from.peers.contains(to.name))) return;
        if (!from.peers.contains(to.name)) open(from, to);
        from.send_to(to.name);
      });
  }
};

// Empty, or what is wrong with what `to` heard of `from`.
std::string wrong_with(const actor_node& to, const actor_node& from) {
  const auto events = to.listener.of(from.name, from.incarnation);
  const auto sent = from.sent.contains(to.name) ? from.sent.at(to.name) : 0;
  if (events.empty() || events[0].what != "up") return "it was not up first";
  for (std::size_t i = 1; i < events.size(); ++i)
    if (events[i].what != std::to_string(i - 1))
      return "at " + std::to_string(i - 1) + " came " + events[i].what;
  if (static_cast<int>(events.size()) - 1 != sent)
    return std::to_string(events.size() - 1) + " of " + std::to_string(sent) + " arrived";
  return {};
}

void report(std::uint64_t seed, const std::string& problem) {
  FAIL("seed " << seed << ": " << problem << " (again with TRANSPORT_SEED=" << seed << ")");
}

} // namespace

TEST_CASE("whatever the network does, while peers live nothing is lost, doubled or reordered",
          "[transport][faults]") {
  const auto [first, count] = chosen_seeds(10'000);
  for (auto seed = first; seed < first + count; ++seed) {
    world w(seed);
    auto& net = w.net;
    faults bad;
    bad.loss = net.chance(0.5) ? 0.05 : 0;
    bad.doubling = net.chance(0.5) ? 0.1 : 0;
    bad.reordering = net.chance(0.5) ? 0.1 : 0;
    bad.cut = net.chance(0.5) ? 0.05 : 0;
    bad.half_cut = net.chance(0.5) ? 0.02 : 0;
    bad.delay_max = net.chance(0.5) ? 500us : 20ms;
    net.set_faults(bad);
    w.introduce_all();
    w.talk(40, 300ms);
    net.run_for(400ms);
    net.set_faults({});
    const auto all_arrived = [&] {
      for (const auto& [x, y] : w.pairs)
        for (const auto& [from, to] : {std::pair{x, y}, std::pair{y, x}})
          if (!wrong_with(*to, *from).empty()) return false;
      return true;
    };
    bool settled = all_arrived();
    for (int i = 0; i < 200 && !settled; ++i) {
      net.run_for(100ms);
      settled = all_arrived();
    }
    if (settled) continue;
    for (const auto& [a, b] : w.pairs)
      for (const auto& [from, to] : {std::pair{a, b}, std::pair{b, a}})
        if (const auto wrong = wrong_with(*to, *from); !wrong.empty())
          report(seed, to->name + " of " + from->name + ": " + wrong);
  }
  std::cout << "faulty network: " << count << " seeds from " << first << "\n";
}

TEST_CASE("when all nodes stand still for any time and go on together, nobody is lost",
          "[transport][faults]") {
  const auto [first, count] = chosen_seeds(2'000);
  for (auto seed = first; seed < first + count; ++seed) {
    world w(seed);
    auto& net = w.net;
    w.introduce_all();
    for (int round = 0; round < 3; ++round) {
      w.talk(20, 50ms);
      net.run_for(net.between(50ms, 400ms)); // the first time, also while they connect
      for (const auto& n : w.nodes)
        net.stop(n->endpoint);
      net.run_for(net.between(1s, 60s));
      // One goes on at once, the others within less than the interval after it.
      std::vector<std::string> late;
      for (const auto& n : w.nodes)
        if (net.chance(0.5)) late.push_back(n->endpoint);
      if (late.size() == w.nodes.size()) late.pop_back();
      for (const auto& n : w.nodes)
        if (std::find(late.begin(), late.end(), n->endpoint) == late.end()) net.go_on(n->endpoint);
      net.run_for(net.between(0ms, w.liveness - 500ms));
      for (const auto& endpoint : late)
        net.go_on(endpoint);
      net.run_for(net.between(0ms, 2s));
    }
    net.run_for(20s);
    for (const auto& [a, b] : w.pairs)
      for (const auto& [from, to] : {std::pair{a, b}, std::pair{b, a}})
        if (const auto wrong = wrong_with(*to, *from); !wrong.empty())
          report(seed, to->name + " of " + from->name + ": " + wrong);
  }
}

TEST_CASE("who stands still alone is lost to the others after their interval, and finds that out",
          "[transport][faults]") {
  const auto [first, count] = chosen_seeds(200);
  for (auto seed = first; seed < first + count; ++seed) {
    world w(seed, 5s);
    auto& net = w.net;
    w.introduce_all();
    net.run_for(1s);
    w.talk(40, 100ms);
    net.run_for(1s);
    auto& alone = *w.nodes[net.random()() % w.nodes.size()];
    net.stop(alone.endpoint);
    net.run_for(w.liveness - 500ms);
    for (const auto& [a, b] : w.pairs)
      if (wrong_with(*a, *b) + wrong_with(*b, *a) != "")
        report(seed, "somebody was lost before the interval");
    net.run_for(net.between(1s, 60s));
    net.go_on(alone.endpoint);
    net.run_for(20s);
    for (const auto& [a, b] : w.pairs)
      for (const auto& [from, to] : {std::pair{a, b}, std::pair{b, a}}) {
        const auto heard_there = to->listener.of(from->name, from->incarnation);
        const auto downs = std::count_if(heard_there.begin(), heard_there.end(),
                                         [](const heard& h) { return h.what.starts_with("down silent"); });
        const bool concerned = from == &alone || to == &alone;
        if (downs != (concerned ? 1 : 0))
          report(seed, to->name + " called " + from->name + " silent " + std::to_string(downs) + " times");
      }
  }
}

TEST_CASE("a node that is killed and comes back: the old one's end comes after its last message, before the "
          "new one",
          "[transport][faults]") {
  const auto [first, count] = chosen_seeds(2'000);
  for (auto seed = first; seed < first + count; ++seed) {
    world w(seed, 5s);
    auto& net = w.net;
    faults bad;
    bad.loss = net.chance(0.5) ? 0.02 : 0;
    bad.cut = net.chance(0.5) ? 0.02 : 0;
    net.set_faults(bad);
    w.introduce_all();
    w.talk(40, 100ms);
    auto& victim = *w.nodes[net.random()() % w.nodes.size()];
    const auto old = victim.incarnation;
    const bool noticed = net.chance(0.5);
    const bool returns = net.chance(0.7);
    // Nobody takes the place of one that may be alive still.
    const bool too_early = net.chance(0.3);
    net.after(net.between(1ms, 100ms), [&] {
      net.kill(victim.endpoint, noticed);
      victim.alive = false;
    });
    net.run_for(too_early ? 110ms : w.liveness + 200ms);
    actor_node again(victim.name, victim.endpoint, net.random()() | 1);
    if (returns) {
      again.board = &net.add(again.endpoint, w.options_for(again), again.listener, again.recorder);
      for (const auto& n : w.nodes)
        if (n.get() != &victim) w.open(again, *n);
    }
    net.set_faults({});
    net.run_for(10s);
    for (const auto& n : w.nodes) {
      if (n.get() == &victim) continue;
      const auto all = n->listener.of(victim.name, old);
      const auto downs =
          std::count_if(all.begin(), all.end(), [](const heard& h) { return h.what.starts_with("down "); });
      // Who never was up nor asked for is not spoken of.
      if (all.empty() && n->sent[victim.name] == 0) continue;
      if (std::getenv("TRANSPORT_TEST_LOG") != nullptr)
        for (const auto& h : all)
          std::cerr << n->name << " heard " << h.what << "\n";
      if (downs != 1 || !all.back().what.starts_with("down "))
        report(seed, "the old node's end is not its last event");
      const bool was_up = all.front().what == "up";
      for (std::size_t i = was_up ? 1 : 0; i + 1 < all.size(); ++i)
        if (all[i].what != std::to_string(i - 1)) report(seed, "not a prefix of what was sent");
      if (static_cast<int>(all.size()) - (was_up ? 2 : 1) > victim.sent[n->name])
        report(seed, "heard too much");
      // What was not delivered is counted as lost; what was delivered without an
      // acknowledgement coming back may be, too.
      const auto delivered = victim.listener.of(n->name, n->incarnation);
      const auto arrived = std::count_if(delivered.begin(), delivered.end(),
                                         [](const heard& h) { return std::isdigit(h.what[0]) != 0; });
      if (static_cast<std::int64_t>(all.back().lost) + arrived < n->sent[victim.name])
        report(seed, "messages vanished without being counted");
      if (!returns || too_early) continue;
      const auto fresh = n->listener.of(victim.name, again.incarnation);
      if (fresh.size() != 1 || fresh[0].what != "up") report(seed, "the new node is not up");
      if (!n->listener.up.contains({victim.name, again.incarnation}))
        report(seed, "the new node is not there");
    }
    net.kill(again.endpoint, false);
  }
}

TEST_CASE("who leaves in order takes exactly what it acknowledged, and the rest is counted as lost",
          "[transport][faults]") {
  const auto [first, count] = chosen_seeds(2'000);
  for (auto seed = first; seed < first + count; ++seed) {
    world w(seed);
    auto& net = w.net;
    faults slow;
    slow.delay_max = 5ms;
    net.set_faults(slow);
    w.introduce_all();
    net.run_for(50ms);
    w.talk(40, 20ms);
    const auto leaving = net.random()() % w.nodes.size();
    const bool both = net.chance(0.3);
    const auto takes_no_more = [&](std::size_t who) {
      if (net.chance(0.5))
        net.after(net.between(0us, 20ms), [&, who] { w.nodes[who]->board->take_no_more(); });
    };
    takes_no_more(leaving);
    if (both) takes_no_more((leaving + 1) % w.nodes.size());
    net.after(net.between(0us, 20ms), [&] {
      w.nodes[leaving]->board->begin_stop(net.now());
      if (both) w.nodes[(leaving + 1) % w.nodes.size()]->board->begin_stop(net.now());
    });
    net.run_for(1s);
    auto& gone = *w.nodes[leaving];
    if (!gone.board->is_empty()) report(seed, "the leaving node has not come to its end");
    for (const auto& n : w.nodes) {
      if (n.get() == &gone) continue;
      for (const auto& [from, to] : {std::pair{n.get(), &gone}, std::pair{&gone, n.get()}}) {
        const auto heard_there = to->listener.of(from->name, from->incarnation);
        const auto arrived = std::count_if(heard_there.begin(), heard_there.end(),
                                           [](const heard& h) { return std::isdigit(h.what[0]) != 0; });
        const auto here = from->listener.of(to->name, to->incarnation);
        if (here.empty() || !here.back().what.starts_with("down "))
          report(seed, from->name + " heard of no end");
        if (arrived + static_cast<std::int64_t>(here.back().lost) != from->sent[to->name])
          report(seed, from->name + " to " + to->name + ": sent " + std::to_string(from->sent[to->name])
                           + ", arrived " + std::to_string(arrived) + ", lost "
                           + std::to_string(here.back().lost));
      }
    }
  }
}
