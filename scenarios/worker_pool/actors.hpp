// The actors of the worker pool: a coordinator that hands out tasks, workers that compute
// several at a time in slices, and a customer that waits until all is done.
#pragma once

#include "actors/patterns/pool.hpp"
#include "runner/api/scenario.hpp"
#include "runner/plan/long_lists.hpp"
#include "scenarios/worker_pool/tasks.hpp"

#include <list>
#include <set>

namespace troupe::scenarios {

/// A worker tells itself to go on with its tasks; between two slices it reads its mailbox.
struct next_slice {};
TROUPE_MESSAGE(next_slice)

/// A worker tells itself that a task that paused goes on.
struct resume_task {
  std::uint64_t task = 0;
};
TROUPE_MESSAGE(resume_task, task)

/// Customer -> coordinator: my join returned, and so many results were in.
struct customer_served {
  std::uint64_t done = 0;
};
TROUPE_MESSAGE(customer_served, done)

/// The coordinator tells itself that those who were to stop had their time.
struct pool_give_up {};
TROUPE_MESSAGE(pool_give_up)

struct pool_settings {
  std::string task;
  std::vector<std::string> labels; ///< how the inputs are shown, JSON
  std::vector<std::string> inputs; ///< what the workers get, JSON; empty: the labels
  std::string dispatch;
  std::uint64_t prefetch = 1;
  std::uint64_t workers = 1;
};
TROUPE_MESSAGE(pool_settings, task, labels, inputs, dispatch, prefetch, workers)

void add_worker_pool_messages(message_catalog&);

struct worker_state {
  static inline const char* name = "worker";
  struct current {
    std::uint64_t number;
    std::unique_ptr<running_task> task;
    message_token why; ///< what brought it: slices of other tasks come in between
    caf::timespan busy{0};
  };
  std::shared_ptr<const task_catalog> tasks;
  caf::actor coordinator;
  std::list<current> begun;   ///< round robin, so that short tasks overtake long ones
  std::list<current> pausing; ///< until their resume_task comes
  struct finished_task {
    message_token why;
    task_done result;
  };
  std::vector<finished_task> unreported;
  caf::actor_clock::time_point unreported_since; ///< when the first of them was through
  std::uint64_t finished = 0;
  std::uint64_t after_pill = 0;
  bool pill = false;
  bool slicing = false;
};
caf::behavior pool_worker(actor_of<worker_state>* self, const caf::actor& coordinator,
                          std::shared_ptr<const task_catalog> tasks);

struct coordinator_state {
  static inline const char* name = "coordinator";
  std::unique_ptr<pool> tasks;
  pool_settings settings; ///< labels: empty where they are the inputs, which the pool has
  caf::actor collector;
  std::uint64_t expected = 0; ///< workers that will get ready, less those that died before
  std::set<caf::actor_addr> watched;
  std::vector<caf::response_promise> joiners;
  std::vector<message_token> handed;  ///< by task, to whom it was given last
  std::vector<message_token> results; ///< what a join waits for
  std::vector<message_token> goodbyes;
  std::uint64_t served = 0;  ///< results that were in when the customer's join returned
  long_list rows{"results"}; ///< what became of the tasks
  std::string order;         ///< the first inputs in the order of their results, JSON
  std::uint64_t failed = 0, primes = 0, sum_of_primes = 0;
  bool begun = false;
  bool customer_served = false;
  bool pills_sent = false;
  bool cancelled = false;
  bool finished = false;
  caf::actor_clock::time_point began, told;
};
caf::behavior pool_coordinator(actor_of<coordinator_state>* self, const caf::actor& collector,
                               const pool_settings&);

struct customer_state {
  static inline const char* name = "customer";
};
caf::behavior pool_customer(actor_of<customer_state>* self, const caf::actor& coordinator);

} // namespace troupe::scenarios
