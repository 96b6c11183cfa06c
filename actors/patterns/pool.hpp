// A pool of workers that each task goes through exactly once, however workers end.
//
// The coordinator gives every task a number, keeps it until its result is there, hands
// the tasks of a worker that died to others, and drops a result that came twice. When
// all results are in, every worker gets one poison pill, answers it and ends.
#pragma once

#include "actors/runtime/traced_actor.hpp"

#include <caf/all.hpp>

#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe {

class message_catalog;

// -- messages; inputs and outputs are JSON texts, so that any language can be a worker --

/// Worker -> coordinator: I exist and take tasks.
struct worker_ready {
  std::string node;
};
TROUPE_MESSAGE(worker_ready, node)

/// Coordinator -> worker.
struct assign_task {
  std::uint64_t task = 0;
  std::string kind;
  std::string input;
};
TROUPE_MESSAGE(assign_task, task, kind, input)

/// Worker -> coordinator. `error` is empty where there is an output.
struct task_done {
  std::uint64_t task = 0;
  std::string output;
  std::string error;
  caf::timespan busy{0}; ///< time the worker computed for it
};
TROUPE_MESSAGE(task_done, task, output, error, busy)

/// Coordinator -> worker, once: finish what you have and end.
struct poison_pill {};
TROUPE_MESSAGE(poison_pill)

/// Worker -> coordinator, its last message.
struct worker_exiting {
  std::uint64_t tasks = 0;
  std::uint64_t tasks_after_pill = 0; ///< refused; anything but 0 is a bug of the coordinator
};
TROUPE_MESSAGE(worker_exiting, tasks, tasks_after_pill)

/// Wiring -> coordinator: this worker was spawned and will get ready. From now on its end
/// is noticed, even if it comes before that.
struct worker_hired {
  caf::actor worker;
};
TROUPE_MESSAGE(worker_hired, worker)

/// Anyone -> coordinator, a request: answered with pool_joined when every task put in has
/// its result, or the pool was told to stop.
struct join_pool {};
TROUPE_MESSAGE(join_pool)

struct pool_joined {
  std::uint64_t done = 0; ///< results at this moment
  std::uint64_t tasks = 0;
};
TROUPE_MESSAGE(pool_joined, done, tasks)

void add_pool_messages(message_catalog&);

enum class dispatch_kind : std::uint8_t {
  pull,        ///< a worker has at most `prefetch` tasks and gets more when half of them are done
  round_robin, ///< all tasks are dealt out at once
};

/// The bookkeeping of a coordinator, without any actor: what to send is returned.
/// Workers are named by their handles. Not thread-safe; lives in an actor's state.
class pool {
 public:
  struct assignment {
    caf::actor worker;
    assign_task what;
  };
  struct worker_record {
    caf::actor handle;
    std::string name; ///< "worker-1" in order of readiness
    std::string node;
    std::uint64_t tasks = 0; ///< results that counted
    caf::timespan busy{0};
    bool exited = false; ///< answered its pill
    bool alive = true;
  };
  /// Outputs stay with whoever made on_done() count: a pool may have a million tasks.
  struct result {
    std::uint32_t worker = 0; ///< index into workers()
    std::uint32_t rank = 0;   ///< 1: the first result that came; 0: there is none yet
    bool done() const { return rank != 0; }
  };

  pool(std::string kind, std::vector<std::string> inputs, dispatch_kind, std::size_t prefetch);

  std::vector<assignment> on_ready(const caf::actor&, const std::string& node);
  /// `counts` tells whether this is the task's result, or one that nobody waits for any more.
  std::vector<assignment> on_done(const caf::actor&, const task_done&, bool& counts);
  void on_exiting(const caf::actor&, const worker_exiting&);
  /// The worker ended; its unfinished tasks go to others.
  std::vector<assignment> on_down(const caf::actor_addr&);
  /// All expected workers are ready: the first tasks go out, to each in turn. Before, nobody
  /// gets any; a worker that comes later gets its share at once where the dispatch is `pull`.
  std::vector<assignment> begin();
  /// Takes back what nobody has begun; used when a run ends early. Returns how many
  /// tasks will have no result.
  std::size_t cancel();

  bool all_done() const { return done_ == results_.size(); }
  bool all_ended() const { return alive_ == 0; }
  bool knows(const caf::actor_addr& worker) const { return numbers_.contains(worker); }
  std::vector<caf::actor> living() const;
  const std::vector<worker_record>& workers() const { return workers_; }
  const std::vector<std::string>& inputs() const { return inputs_; }
  const std::vector<result>& results() const { return results_; }
  std::size_t done() const { return done_; }
  std::uint64_t redelivered() const { return redelivered_; }
  std::uint64_t duplicates_dropped() const { return duplicates_dropped_; }
  std::uint64_t tasks_after_pill() const { return tasks_after_pill_; }

 private:
  std::size_t index_of(const caf::actor_addr&) const;
  void mark_dead(std::size_t worker);
  void hand(std::size_t worker, std::vector<assignment>&);
  std::size_t share() const; ///< most tasks that a worker has now
  void refill(std::size_t worker, std::vector<assignment>&);
  std::vector<assignment> deal();

  std::string kind_;
  std::vector<std::string> inputs_;
  dispatch_kind dispatch_;
  std::size_t prefetch_;
  std::deque<std::uint64_t> waiting_;
  std::vector<result> results_;
  std::vector<worker_record> workers_;
  std::unordered_map<caf::actor_addr, std::size_t> numbers_; ///< indices into workers_
  std::size_t alive_ = 0;                                    ///< workers
  std::vector<std::vector<std::uint64_t>> assigned_;         ///< per worker, unfinished
  bool begun_ = false;
  std::size_t done_ = 0;
  std::uint64_t redelivered_ = 0;
  std::uint64_t duplicates_dropped_ = 0;
  std::uint64_t tasks_after_pill_ = 0;
};

} // namespace troupe

TROUPE_SENT_TYPE(extern, troupe::worker_ready);
TROUPE_SENT_TYPE(extern, troupe::assign_task);
TROUPE_SENT_TYPE(extern, troupe::task_done);
TROUPE_SENT_TYPE(extern, troupe::poison_pill);
TROUPE_SENT_TYPE(extern, troupe::worker_exiting);
