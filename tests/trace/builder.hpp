// Makes traces with exactly the content that a test wants, at exactly the times it wants.
#pragma once

#include "trace/merge/merge.hpp"
#include "trace/merge/reader.hpp"
#include "trace/record/recorder.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace troupe::tests {

/// The id, in a node's words, of message `number` of node `node`.
inline std::uint64_t id(std::uint64_t number, std::uint16_t node = 0) {
  return trace::message_id::make(node, number).value;
}

/// One node's side. Times are in microseconds since the start; actors are numbered by the
/// caller, from 1; types and reasons are given as text.
class node_builder {
 public:
  node_builder(std::string name, std::uint64_t incarnation, std::string boot_id = "boot-a") {
    t_.info.name = std::move(name);
    t_.info.incarnation = incarnation;
    t_.info.recorded = true;
    t_.info.closed = true;
    t_.info.host = "host-" + boot_id;
    t_.info.clock_id = std::move(boot_id);
    t_.base_mono_ns = 1'000'000'000;
    t_.base_unix_ns = 1'700'000'000'000'000'000;
    t_.nodes.push_back({t_.info.name, incarnation});
    t_.actors.emplace_back();
  }

  std::uint16_t node(const std::string& name, std::uint64_t incarnation) {
    t_.nodes.push_back({name, incarnation});
    return static_cast<std::uint16_t>(t_.nodes.size() - 1);
  }
  std::uint32_t actor(std::uint64_t id, const std::string& role, std::uint16_t node = 0) {
    t_.actors.push_back({node, id, string(role)});
    return static_cast<std::uint32_t>(t_.actors.size() - 1);
  }
  std::uint32_t string(const std::string& text) {
    if (text.empty()) return 0;
    auto [it, fresh] = strings_.try_emplace(text, static_cast<std::uint32_t>(strings_.size() + 1));
    if (fresh) t_.strings[it->second] = text;
    return it->second;
  }
  using kind = trace::format::record_kind;
  node_builder& spawned(std::int64_t us, std::uint32_t who, std::uint32_t parent = 0,
                        std::uint64_t cause = 0) {
    return add(kind::spawned, us, cause, 0, trace::format::pack_actors(who, parent, 0));
  }
  node_builder& exited(std::int64_t us, std::uint32_t who, const std::string& reason) {
    return add(kind::exited, us, 0, string(reason), trace::format::pack_actors(who, 0, 0));
  }
  node_builder& sent(std::int64_t us, std::uint64_t message, std::uint32_t from, std::uint32_t to,
                     const std::string& type, std::uint64_t cause = 0,
                     trace::message_role role = trace::message_role::plain) {
    return add(static_cast<kind>(static_cast<int>(kind::sent) + static_cast<int>(role)), us, message, cause,
               trace::format::pack_actors(from, to, string(type)));
  }
  node_builder& also_caused_by(std::int64_t us, std::uint64_t message, std::uint64_t cause) {
    return add(kind::also_caused_by, us, message, cause, 0);
  }
  node_builder& delivered(std::int64_t us, std::uint64_t message, std::uint32_t to, const std::string& type,
                          std::uint32_t bytes) {
    return add(kind::delivered, us, message, bytes, trace::format::pack_actors(to, 0, string(type)));
  }
  node_builder& handled(std::int64_t begin_us, std::int64_t end_us, std::uint64_t message, std::uint32_t who,
                        const std::string& type) {
    return add(kind::handled, begin_us, message, static_cast<std::uint64_t>((end_us - begin_us) * 1000),
               trace::format::pack_actors(who, 0, string(type)));
  }
  node_builder& dropped(std::int64_t us, std::uint64_t message, std::uint32_t who, const std::string& type,
                        const std::string& reason) {
    return add(kind::dropped, us, message, string(reason), trace::format::pack_actors(who, 0, string(type)));
  }
  node_builder& dead_lettered(std::int64_t us, std::uint64_t message, std::uint32_t who,
                              const std::string& type, const std::string& reason) {
    return add(kind::dead_lettered, us, message, string(reason),
               trace::format::pack_actors(who, 0, string(type)));
  }
  node_builder& clock_offset(std::int64_t us, std::uint16_t node, std::int64_t offset_us,
                             std::int64_t uncertainty_us) {
    return add(kind::clock_offset, us, node, static_cast<std::uint64_t>(offset_us * 1000),
               static_cast<std::uint64_t>(uncertainty_us * 1000));
  }
  node_builder& redelivered(std::int64_t us, std::uint64_t again, std::uint64_t original, std::uint32_t who) {
    return add(kind::redelivered, us, again, original, trace::format::pack_actors(who, 0, 0));
  }
  node_builder& timer_set(std::int64_t us, std::uint64_t message, std::uint32_t who, std::int64_t delay_us) {
    return add(kind::timer_set, us, message, static_cast<std::uint64_t>(delay_us * 1000),
               trace::format::pack_actors(who, 0, 0));
  }
  node_builder& link(kind what, std::int64_t us, std::uint16_t node, std::uint64_t value = 0) {
    return add(what, us, node, value, 0);
  }
  node_builder& fault(std::int64_t us, const std::string& what, const std::string& detail) {
    return add(kind::fault, us, string(what), string(detail), 0);
  }
  node_builder& stood_still(std::int64_t us, std::int64_t for_us) {
    return add(kind::stood_still, us, static_cast<std::uint64_t>(for_us * 1000), 0, 0);
  }
  node_builder& told_to_end(std::int64_t us, const std::string& verdict, const std::string& reason) {
    return add(kind::told_to_end, us, string(verdict), string(reason), 0);
  }
  node_builder& noted(std::int64_t us, std::uint32_t who, std::uint64_t during, const std::string& text) {
    blob(text);
    return add(kind::noted, us, during, 0, trace::format::pack_actors(who, 0, 0));
  }
  node_builder& payload(std::int64_t us, std::uint64_t message, const std::string& bytes) {
    blob(bytes);
    return add(kind::payload, us, message, std::uint64_t{bytes.size()} << 32, 0);
  }
  node_builder& invariant(const std::string& text) {
    blob(text);
    return add(kind::invariant, 0, 0, 0, 0);
  }
  node_builder& skewed(std::int64_t us, std::int64_t lead_us) {
    return add(kind::skewed, us, 0, static_cast<std::uint64_t>(lead_us * 1000), 0);
  }
  /// The node was killed while `who` handled that message.
  node_builder& killed_in(std::int64_t begin_us, std::uint64_t message, std::uint32_t who,
                          const std::string& type) {
    t_.open.push_back({message, static_cast<std::uint64_t>(begin_us * 1000),
                       trace::format::pack_actors(who, 0, string(type))});
    return killed();
  }
  node_builder& killed() {
    t_.info.closed = false;
    return *this;
  }
  trace::node_trace& raw() { return t_; }

 private:
  node_builder& add(kind k, std::int64_t us, std::uint64_t w1, std::uint64_t w2, std::uint64_t w3) {
    t_.records.push_back(
        {static_cast<std::uint64_t>(us * 1000) << 8 | static_cast<std::uint64_t>(k), w1, w2, w3});
    return *this;
  }
  void blob(const std::string& text) {
    t_.blobs.push_back({t_.records.size(), t_.blob_bytes.size(), static_cast<std::uint32_t>(text.size())});
    auto bytes = std::as_bytes(std::span{text});
    t_.blob_bytes.insert(t_.blob_bytes.end(), bytes.begin(), bytes.end());
  }

  trace::node_trace t_;
  std::map<std::string, std::uint32_t> strings_;
};

template <class... Nodes>
trace::model merged(Nodes&&... nodes) {
  std::vector<trace::node_trace> traces;
  (traces.push_back(nodes.raw()), ...);
  return trace::merge(std::move(traces));
}

/// Two nodes: client-1 on main requests from server-1 on w1, which answers; every value
/// that a query can ask for is known. Times in µs:
///   main: sent ping 10, handled pong 60..65   w1: delivered 20, handled ping 30..50, sent pong 45
struct ping_pong {
  node_builder main{"main", 1}, w1{"w1", 2};
  std::uint32_t client = main.actor(7, "client"), server_there = 0;
  std::uint32_t server = w1.actor(8, "server"), client_there = 0;
  std::uint16_t w1_at_main = main.node("w1", 2), main_at_w1 = w1.node("main", 1);
  ping_pong() {
    server_there = main.actor(8, "", w1_at_main);
    client_there = w1.actor(7, "", main_at_w1);
    auto ping = id(1), ping_there = id(1, main_at_w1);
    auto pong = id(5), pong_there = id(5, w1_at_main);
    main.spawned(1, client);
    w1.spawned(2, server);
    main.sent(10, ping, client, server_there, "ping", 0, trace::message_role::request);
    w1.delivered(20, ping_there, server, "ping", 100);
    w1.handled(30, 50, ping_there, server, "ping");
    w1.sent(45, pong, server, client_there, "pong", ping_there, trace::message_role::response);
    main.delivered(55, pong_there, client, "pong", 200);
    main.handled(60, 65, pong_there, client, "pong");
  }
  trace::model merge() { return merged(main, w1); }
};

} // namespace troupe::tests
