// How this runtime shares the processor's cores out among actors.
#pragma once

#include "actors/runtime/context.hpp"

#include <caf/policy/unprofiled.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/coordinator.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace troupe {

/// A queue of jobs with two ends. Thread-safe; holds its lock for a few instructions.
class job_queue {
 public:
  /// Returns how many jobs are in it now.
  std::size_t push_front(caf::resumable*);
  std::size_t push_back(caf::resumable*);
  caf::resumable* pop_front();                        ///< null: empty
  caf::resumable* pop_back(std::size_t at_least = 1); ///< null: there are fewer
  /// Moves jobs from the front of this queue to the back of another, and returns one
  /// more; null: empty.
  caf::resumable* pop_batch(job_queue& into, std::size_t batch_max);
  /// May be out of date when it returns, like every look from another thread.
  std::size_t size() const { return size_.load(std::memory_order_seq_cst); }

 private:
  class guard;
  void grow();
  std::size_t mask() const { return ring_.size() - 1; }

  std::atomic<std::size_t> size_{0};
  std::atomic_flag locked_ = ATOMIC_FLAG_INIT;
  std::size_t head_ = 0;              ///< of the first job, in ring_
  std::vector<caf::resumable*> ring_; ///< its size is a power of two
};

/// Jobs that were queued and that ended, by one who queues or runs them. A job is counted before others can
/// see it, and as ended when nobody holds it any more; one that gives way is queued anew.
struct job_counts {
  std::atomic<std::uint64_t> queued{0};
  std::atomic<std::uint64_t> ended{0};
  job_counts() = default;
  job_counts(const job_counts&) {} ///< CAF copies the data of a worker that has not begun

  /// By its own thread alone.
  void count_queued() { raise(queued); }
  void count_ended() { raise(ended); }

 private:
  static void raise(std::atomic<std::uint64_t>& x) {
    x.store(x.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
};

/// What a scheduler knows of its jobs: what has ended is read first, so that equal sums mean that for a
/// moment there was none.
class job_watch {
 public:
  struct sums {
    std::uint64_t ended = 0, queued = 0;
  };
  virtual ~job_watch() = default;
  virtual sums jobs() const = 0;
};

/// Where one thread sleeps until it is woken.
class parking_place {
 public:
  /// Until wake(), also an earlier one. False: the time was over first. Negative: for ever.
  bool sleep(std::int64_t nanoseconds);
  void wake();

 private:
  std::atomic<std::uint32_t> woken_{0};
};

/// Messages that an actor handles in a row. CAF's default is no limit at all: as many actors as there are
/// threads, each of which keeps sending messages to itself, would let no other run.
inline constexpr std::size_t messages_a_turn = 32;

/// The policy "prompt" for CAF's coordinator: each worker thread has a queue of its own,
/// takes from the others when that is empty, and sleeps when there is nothing at all.
/// In contrast to CAF's work stealing, which polls with naps of up to 10 ms, a sleeper is
/// woken as soon as a job lies waiting, so that a message from another node need not
/// wait for a nap to end. One worker at a time
/// searches for a while before it sleeps. While a worker runs, one other keeps watch: it looks for jobs
/// that wait behind a long one.
class prompt_scheduling : public caf::policy::unprofiled {
 public:
  ~prompt_scheduling() override;

  /// What the workers of one system share.
  struct coordinator_data {
    explicit coordinator_data(caf::scheduler::abstract_coordinator*) {}
    job_queue arrivals; ///< of threads that are no workers
    std::atomic<std::uint64_t> arrived{0};
    std::atomic<std::size_t> sleepers_count{0};
    std::atomic<bool> somebody_searches{false};
    std::atomic<bool> somebody_watches{false};
    std::mutex sleepers_mutex;
    std::vector<std::size_t> sleepers; ///< numbers of workers
  };
  struct worker_data {
    explicit worker_data(caf::scheduler::abstract_coordinator*) {}
    worker_data(const worker_data&) {} ///< CAF copies one that is still empty
    job_queue jobs;
    parking_place parking;
    std::size_t turns = 0;
    std::size_t next_victim = 0;
    bool searches = false; ///< is the one that looks for jobs before it sleeps
    int sleep_at_once = 0; ///< so many times: others want its core
    bool watched = false;  ///< its watch saw a job that waits
    bool gave_way = false; ///< its last job has more to do, and lets others go first
    bool has_job = false;
    job_counts counts;
  };

  template <class Coordinator>
  void central_enqueue(Coordinator* self, caf::resumable* job) {
    d(self).arrived.fetch_add(1, std::memory_order_release);
    d(self).arrivals.push_back(job);
    wake_one(self);
  }
  template <class Worker>
  void external_enqueue(Worker* self, caf::resumable* job) {
    central_enqueue(self->parent(), job);
  }
  /// The newest job runs next, while its message is in the cache. Others are woken for
  /// what has to wait behind it.
  template <class Worker>
  void internal_enqueue(Worker* self, caf::resumable* job) {
    d(self).counts.count_queued();
    const auto waiting = d(self).jobs.push_front(job);
    if (waiting > 1 || !d(self->parent()).somebody_watches.load(std::memory_order_relaxed))
      wake_one(self->parent());
  }
  template <class Worker>
  void resume_job_later(Worker* self, caf::resumable* job) {
    d(self).counts.count_queued();
    d(self).jobs.push_back(job);
    d(self).gave_way = true;
  }
  template <class Worker>
  caf::resumable* dequeue(Worker* self);

  template <class Worker, class F>
  void foreach_resumable(Worker* self, F f) {
    while (auto* job = d(self).jobs.pop_front())
      f(job);
  }
  template <class Coordinator, class F>
  void foreach_central_resumable(Coordinator* self, F f) {
    while (auto* job = d(self).arrivals.pop_front())
      f(job);
  }

 private:
  template <class Coordinator>
  void wake_one(Coordinator* self);
  template <class Worker>
  caf::resumable* find(Worker* self, std::size_t stolen_from);
  template <class Worker>
  caf::resumable* find_and_tell(Worker* self);
  template <class Worker>
  bool anything_waits(Worker* self, std::size_t stolen_from);
  /// Takes a worker that woke by itself off the list of sleepers; false: somebody just has.
  template <class Worker>
  bool leave_sleepers(Worker* self);
  template <class Worker>
  void sleep(Worker* self);
};

/// Makes the scheduler module of that name, "prompt" or one of CAF's: "stealing", "sharing", "testing". All
/// have the clock of node_clock.hpp and count their jobs.
caf::actor_system::module* make_scheduler(const std::string& name, caf::actor_system&);

/// All that is known of how busy a node is. `of_a_job`: the caller is run by its scheduler, as a job that
/// decodes what arrived.
activity_report look_at(caf::actor_system&, node_context&, bool of_a_job = false);

} // namespace troupe
