// Which sessions a node has, and what it remembers of those that ended.
#pragma once

#include "transport/session/link.hpp"

#include <list>
#include <map>
#include <mutex>

namespace troupe::transport {

/// Any thread asks; one thread (the I/O thread) calls what changes it, except find_or_make(), which
/// any thread may call. Links are owned together with whoever holds them.
class link_table {
 public:
  struct options {
    node_identity self;
    std::size_t peers_max = 0; ///< nodes; visitors have a limit of their own
    session_options session;
  };

  link_table(options, trace::recorder&, std::shared_ptr<output_sink>);

  // -- any thread ----------------------------------------------------------------------
  /// The link with that node. `created`: it is new. A new one that is not in the table is closed: see
  /// refuse_new() and is_full().
  link_ptr find_or_make(const node_identity&, bool& created);
  link_ptr find(const node_identity&) const; ///< or null
  std::vector<peer_ptr> peers() const;       ///< who is up
  bool is_empty() const;
  bool is_refusing_new() const { return refusing_new_; }

  // -- the I/O thread ------------------------------------------------------------------
  std::vector<link_ptr> all() const;
  /// All incarnations of that name.
  std::vector<link_ptr> called(const std::string& name) const;
  /// No place is left for such a node. Visitors do not take the places of nodes.
  bool is_full(const node_identity&) const;
  /// From now on find_or_make() makes no more.
  void refuse_new();
  /// False: it had ended already, or is not of this table.
  bool has(const link_ptr& l) const { return find(l->identity()) == l; }

  /// Takes it out. `epoch`: of its session, which the next one of that node has to exceed.
  /// `barred`: why that incarnation does not come back, a literal; null: it may.
  void end(const link_ptr&, std::uint32_t epoch, const char* barred);
  /// That incarnation, which has ended, does not come back. `why`: a literal.
  void bar(const node_identity&, const char* why);
  /// Starts that have ended do not come back when a newer one of their name is here.
  void bar_older(const node_identity&);
  /// Why that incarnation does not come back, or null.
  const char* why_barred(const node_identity&) const;
  /// Where a session with it that is yet to begin stands.
  session_position fresh_position(const node_identity&) const;

  static constexpr const char* superseded = "a newer incarnation of that name has been here";

 private:
  using key = std::pair<std::string, std::uint64_t>;
  struct ended_session {
    std::uint32_t epoch = 0;
    const char* barred = nullptr;
  };

  link_ptr make(const node_identity&);
  bool is_full_locked(const node_identity&) const;
  std::uint32_t next_epoch(const node_identity&) const;

  const options options_;
  trace::recorder& recorder_;
  const std::shared_ptr<output_sink> sink_;
  std::atomic<bool> refusing_new_{false}; ///< written under mutex_

  mutable std::mutex mutex_; ///< of all below
  std::map<key, link_ptr> links_;
  std::size_t visitors_ = 0; ///< of these
  std::map<key, ended_session> ended_;
  std::list<key> ended_order_; ///< the oldest first; the number kept is bounded
};

} // namespace troupe::transport
