#include "actors/runtime/scheduler.hpp"

#include "actors/runtime/known_threads.hpp"
#include "actors/runtime/node_clock.hpp"
#include "actors/runtime/thread_state.hpp"

#include <caf/actor_system.hpp>
#include <caf/policy/work_sharing.hpp>
#include <caf/policy/work_stealing.hpp>
#include <caf/scheduler/coordinator.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <algorithm>
#include <chrono>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace troupe {

namespace {

/// Every so many jobs the oldest go first, so that two actors that keep waking each other
/// do not keep the others waiting for ever.
constexpr std::size_t turns_until_fair = 61;
/// Jobs from outside that a worker takes at a time.
constexpr std::size_t batch_max = 32;
/// Looks of a worker without a job, before it may be the one that searches.
constexpr int looks_before_search = 4;
/// Looks of the one that searches, giving way to other threads in between, before it sleeps
/// too: about 50 µs on an idle core, which is what an answer from another process takes. On a
/// core that others compute on it sleeps at once, so many times: who is woken is preferred to
/// them, who gave way is not.
constexpr int looks_before_sleep = 100;
constexpr int sleeps_at_once = 64;
/// How soon who keeps watch looks for jobs that wait behind a long one, twice as late each time
/// it finds none, and how many such looks without anybody at work end the watch. Each look
/// takes a core from somebody: at every half millisecond, from three processes on two cores, they
/// cost a pool of workers a twentieth of its time.
constexpr std::int64_t watch_interval_ns = 500'000;
constexpr std::int64_t watch_interval_max_ns = 4'000'000;
constexpr int idle_watches_max = 6;
/// A single job will most likely be run by its worker in a moment: moving it to another
/// core costs more. Only who keeps watch takes it.
constexpr std::size_t worth_stealing = 2;

/// Lets other threads run; true when one kept this core for longer than I/O threads do.
bool yield_takes_long() {
  const auto began = std::chrono::steady_clock::now();
  std::this_thread::yield();
  return std::chrono::steady_clock::now() - began > std::chrono::microseconds{100};
}

void cpu_relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

} // namespace

// -- job_queue -----------------------------------------------------------------------

class job_queue::guard {
 public:
  explicit guard(job_queue& queue) : queue_(queue) {
    for (int tries = 0; queue_.locked_.test_and_set(std::memory_order_acquire); ++tries)
      if (tries % 64 == 63)
        std::this_thread::yield(); // its holder may have lost the core
      else
        cpu_relax();
  }
  ~guard() { queue_.locked_.clear(std::memory_order_release); }
  guard(const guard&) = delete;
  guard& operator=(const guard&) = delete;

 private:
  job_queue& queue_;
};

void job_queue::grow() {
  std::vector<caf::resumable*> bigger(std::max<std::size_t>(64, ring_.size() * 2));
  const auto count = size_.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < count; ++i)
    bigger[i] = ring_[(head_ + i) & mask()];
  ring_.swap(bigger);
  head_ = 0;
}

std::size_t job_queue::push_front(caf::resumable* job) {
  const guard lock{*this};
  const auto count = size_.load(std::memory_order_relaxed);
  if (count == ring_.size()) grow();
  head_ = (head_ - 1) & mask();
  ring_[head_] = job;
  size_.store(count + 1, std::memory_order_seq_cst);
  return count + 1;
}

std::size_t job_queue::push_back(caf::resumable* job) {
  const guard lock{*this};
  const auto count = size_.load(std::memory_order_relaxed);
  if (count == ring_.size()) grow();
  ring_[(head_ + count) & mask()] = job;
  size_.store(count + 1, std::memory_order_seq_cst);
  return count + 1;
}

caf::resumable* job_queue::pop_front() {
  if (size_.load(std::memory_order_relaxed) == 0) return nullptr;
  const guard lock{*this};
  const auto count = size_.load(std::memory_order_relaxed);
  if (count == 0) return nullptr;
  auto* job = ring_[head_];
  head_ = (head_ + 1) & mask();
  size_.store(count - 1, std::memory_order_relaxed);
  return job;
}

caf::resumable* job_queue::pop_back(std::size_t at_least) {
  if (size_.load(std::memory_order_relaxed) < at_least) return nullptr;
  const guard lock{*this};
  const auto count = size_.load(std::memory_order_relaxed);
  if (count < at_least) return nullptr;
  size_.store(count - 1, std::memory_order_relaxed);
  return ring_[(head_ + count - 1) & mask()];
}

caf::resumable* job_queue::pop_batch(job_queue& into, std::size_t most) {
  caf::resumable* batch[batch_max];
  std::size_t taken = 0;
  if (size_.load(std::memory_order_relaxed) == 0) return nullptr;
  {
    const guard lock{*this};
    const auto count = size_.load(std::memory_order_relaxed);
    taken = std::min({count, most, batch_max});
    for (std::size_t i = 0; i < taken; ++i)
      batch[i] = ring_[(head_ + i) & mask()];
    head_ = taken == 0 ? head_ : (head_ + taken) & mask();
    size_.store(count - taken, std::memory_order_relaxed);
  }
  for (std::size_t i = 1; i < taken; ++i)
    into.push_back(batch[i]);
  return taken == 0 ? nullptr : batch[0];
}

// -- parking_place -------------------------------------------------------------------

bool parking_place::sleep(std::int64_t nanoseconds) {
  const timespec limit{nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
  if (woken_.load(std::memory_order_acquire) == 0)
    ::syscall(SYS_futex, &woken_, FUTEX_WAIT_PRIVATE, 0, nanoseconds < 0 ? nullptr : &limit, nullptr, 0);
  return woken_.exchange(0, std::memory_order_acq_rel) != 0;
}

void parking_place::wake() {
  woken_.store(1, std::memory_order_release);
  ::syscall(SYS_futex, &woken_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

// -- prompt_scheduling ---------------------------------------------------------------

prompt_scheduling::~prompt_scheduling() = default;

/// A job was queued with sequential consistency before this looks for sleepers, and a
/// sleeper is on the list before it looks for jobs: one of the two sees the other.
template <class Coordinator>
void prompt_scheduling::wake_one(Coordinator* self) {
  auto& all = d(self);
  if (all.sleepers_count.load(std::memory_order_seq_cst) == 0) return;
  if (all.somebody_searches.exchange(true, std::memory_order_seq_cst)) return; // and wakes the next
  std::size_t chosen = 0;
  {
    const std::lock_guard lock{all.sleepers_mutex};
    if (all.sleepers.empty()) {
      all.somebody_searches.store(false, std::memory_order_seq_cst);
      return;
    }
    chosen = all.sleepers.back();
    all.sleepers.pop_back();
    all.sleepers_count.store(all.sleepers.size(), std::memory_order_seq_cst);
  }
  d(self->worker_by_id(chosen)).parking.wake();
}

template <class Worker>
caf::resumable* prompt_scheduling::find(Worker* self, std::size_t stolen_from) {
  auto& mine = d(self);
  auto* parent = self->parent();
  auto& arrivals = d(parent).arrivals;
  const bool fair = ++mine.turns % turns_until_fair == 0;
  // Not each time, since those who gave way wait in this queue.
  if (fair || (std::exchange(mine.gave_way, false) && mine.turns % 2 == 0))
    if (auto* job = arrivals.pop_front()) return job;
  if (auto* job = fair ? mine.jobs.pop_back() : nullptr) return job;
  if (auto* job = mine.jobs.pop_front()) return job;
  if (auto* job = arrivals.pop_batch(mine.jobs, batch_max)) return job;
  for (std::size_t i = 0, workers = parent->num_workers(); i < workers; ++i) {
    const auto victim = mine.next_victim++ % workers;
    if (victim == self->id()) continue;
    if (auto* job = d(parent->worker_by_id(victim)).jobs.pop_back(stolen_from)) return job;
  }
  return nullptr;
}

template <class Worker>
bool prompt_scheduling::anything_waits(Worker* self, std::size_t stolen_from) {
  auto* parent = self->parent();
  if (d(parent).arrivals.size() != 0) return true;
  for (std::size_t i = 0; i < parent->num_workers(); ++i)
    if (d(parent->worker_by_id(i)).jobs.size() >= stolen_from) return true;
  return false;
}

template <class Worker>
caf::resumable* prompt_scheduling::find_and_tell(Worker* self) {
  auto& all = d(self->parent());
  auto& mine = d(self);
  auto* job = find(self, std::exchange(mine.watched, false) ? 1 : worth_stealing);
  if (job != nullptr && std::exchange(mine.searches, false)) {
    all.somebody_searches.store(false, std::memory_order_seq_cst);
    if (anything_waits(self, worth_stealing)) wake_one(self->parent());
  }
  return job;
}

template <class Worker>
caf::resumable* prompt_scheduling::dequeue(Worker* self) {
  auto& all = d(self->parent());
  auto& mine = d(self);
  if (std::exchange(mine.has_job, true)) mine.counts.count_ended();
  while (true) {
    for (int look = 0; look < looks_before_search; ++look) {
      if (auto* job = find_and_tell(self)) return job;
      on_thread.last_handler_end = 0;
      cpu_relax();
    }
    if (mine.sleep_at_once > 0)
      --mine.sleep_at_once;
    else if (!mine.searches)
      mine.searches = !all.somebody_searches.exchange(true, std::memory_order_seq_cst);
    for (int look = 0; mine.searches && look < looks_before_sleep && mine.sleep_at_once == 0; ++look) {
      if (yield_takes_long()) mine.sleep_at_once = sleeps_at_once;
      if (auto* job = find_and_tell(self)) return job;
    }
    if (std::exchange(mine.searches, false)) all.somebody_searches.store(false, std::memory_order_seq_cst);
    sleep(self);
  }
}

template <class Worker>
bool prompt_scheduling::leave_sleepers(Worker* self) {
  auto& all = d(self->parent());
  const std::lock_guard lock{all.sleepers_mutex};
  const auto found = std::find(all.sleepers.begin(), all.sleepers.end(), self->id());
  if (found == all.sleepers.end()) return false;
  all.sleepers.erase(found);
  all.sleepers_count.store(all.sleepers.size(), std::memory_order_seq_cst);
  return true;
}

template <class Worker>
void prompt_scheduling::sleep(Worker* self) {
  auto& all = d(self->parent());
  auto& mine = d(self);
  const auto workers = self->parent()->num_workers();
  {
    const std::lock_guard lock{all.sleepers_mutex};
    all.sleepers.push_back(self->id());
    all.sleepers_count.store(all.sleepers.size(), std::memory_order_seq_cst);
  }
  bool watches = false;
  bool woken = false;
  auto interval = watch_interval_ns;
  for (int idle = 0; !woken && !anything_waits(self, mine.watched ? 1 : worth_stealing);) {
    const bool all_sleep = all.sleepers_count.load(std::memory_order_seq_cst) == workers;
    idle = all_sleep ? idle + 1 : 0;
    if (idle < idle_watches_max)
      watches = watches || !all.somebody_watches.exchange(true, std::memory_order_seq_cst);
    else if (std::exchange(watches, false))
      all.somebody_watches.store(false, std::memory_order_seq_cst);
    woken = mine.parking.sleep(watches ? interval : -1);
    interval = std::min(2 * interval, watch_interval_max_ns);
    mine.watched = watches && !woken;
  }
  if (watches) all.somebody_watches.store(false, std::memory_order_seq_cst);
  if (!woken && !leave_sleepers(self)) woken = mine.parking.sleep(-1); // somebody is about to wake it
  mine.searches = woken;
}

} // namespace troupe

// -- the loop of a worker -------------------------------------------------------------

namespace caf::scheduler {

/// As CAF's, except that it does not tell the logger whose turn it is: scheduled_actor::resume
/// does that anyway, and finding the actor behind a job by dynamic_cast costs a turn more than
/// all of the policy.
template <>
void worker<troupe::prompt_scheduling>::run() {
  troupe::on_thread.loop_knows_handlers = true;
  for (;;) {
    auto* job = policy_.dequeue(this);
    policy_.before_resume(this, job);
    const auto before = troupe::on_thread.last_handler_end;
    const auto result = job->resume(this, std::min(max_throughput_, troupe::messages_a_turn));
    if (troupe::on_thread.last_handler_end == before || result == resumable::done)
      troupe::on_thread.last_handler_end = 0;
    policy_.after_resume(this, job);
    switch (result) {
    case resumable::resume_later: // stays referenced
      policy_.resume_job_later(this, job);
      break;
    case resumable::done:
      policy_.after_completion(this, job);
      intrusive_ptr_release(job);
      break;
    case resumable::awaiting_message:
      intrusive_ptr_release(job);
      break;
    case resumable::shutdown_execution_unit:
      policy_.after_completion(this, job);
      policy_.before_shutdown(this);
      return;
    }
  }
}

} // namespace caf::scheduler

namespace troupe {

// -- the module -----------------------------------------------------------------------

namespace {

/// CAF's work stealing and sharing, with jobs that are counted.
template <class Policy>
class counted final : public Policy {
 public:
  static constexpr bool shares_a_queue = std::is_same_v<Policy, caf::policy::work_sharing>;

  struct coordinator_data : Policy::coordinator_data {
    using base = typename Policy::coordinator_data;
    using base::base;
    std::atomic<std::uint64_t> arrived{0};
  };
  struct worker_data : Policy::worker_data {
    using base = typename Policy::worker_data;
    using base::base;
    worker_data(const worker_data& other) : base(other) {}
    job_counts counts;
    std::atomic<std::uint64_t> arrived{0};
    bool has_job = false;
  };

  /// Stealing hands it on to external_enqueue of a worker.
  template <class Coordinator>
  void central_enqueue(Coordinator* self, caf::resumable* job) {
    if (shares_a_queue) self->data().arrived.fetch_add(1, std::memory_order_release);
    Policy::central_enqueue(self, job);
  }
  template <class Worker>
  void external_enqueue(Worker* self, caf::resumable* job) {
    self->data().arrived.fetch_add(1, std::memory_order_release);
    Policy::external_enqueue(self, job);
  }
  template <class Worker>
  void internal_enqueue(Worker* self, caf::resumable* job) {
    self->data().counts.count_queued();
    Policy::internal_enqueue(self, job);
  }
  template <class Worker>
  void resume_job_later(Worker* self, caf::resumable* job) {
    self->data().counts.count_queued();
    Policy::resume_job_later(self, job);
  }
  template <class Worker>
  caf::resumable* dequeue(Worker* self) {
    if (std::exchange(self->data().has_job, true)) self->data().counts.count_ended();
    return Policy::dequeue(self);
  }
};

/// Ours and CAF's schedulers with our clock.
template <class Policy>
class clocked_coordinator final : public caf::scheduler::coordinator<Policy>, public job_watch {
 public:
  using super = caf::scheduler::coordinator<Policy>;
  using super::super;
  node_clock& clock() noexcept override { return clock_; }

  sums jobs() const override {
    auto& self = const_cast<clocked_coordinator&>(*this); // CAF has no const way to a worker
    sums all;
    if (!running_.load(std::memory_order_acquire)) return all;
    for (std::size_t i = 0; i < self.num_workers(); ++i)
      all.ended += self.worker_by_id(i)->data().counts.ended.load(std::memory_order_acquire);
    all.queued = self.data().arrived.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < self.num_workers(); ++i) {
      auto& worker = self.worker_by_id(i)->data();
      all.queued += worker.counts.queued.load(std::memory_order_acquire);
      if constexpr (requires { worker.arrived; })
        all.queued += worker.arrived.load(std::memory_order_acquire);
    }
    return all;
  }

 protected:
  void start() override {
    dispatcher_ = std::thread{[this] {
      caf::detail::set_thread_name("troupe.clock");
      this->system().thread_started();
      clock_.run();
      this->system().thread_terminates();
    }};
    super::start();
    running_.store(true, std::memory_order_release);
  }
  void stop() override {
    super::stop();
    clock_.end();
    dispatcher_.join();
  }

 private:
  node_clock clock_;
  std::atomic<bool> running_{false};
  std::thread dispatcher_;
};

/// CAF's for tests and seeded runs: one thread, whose jobs lie open.
class recorded_test_coordinator final : public caf::scheduler::test_coordinator, public job_watch {
 public:
  explicit recorded_test_coordinator(caf::actor_system& system)
      : test_coordinator(system), clock_(test_coordinator::clock()) {}
  caf::detail::test_actor_clock& clock() noexcept override { return clock_; }
  sums jobs() const override { return {0, test_coordinator::jobs.size()}; }

 private:
  recorded_test_clock clock_;
};

} // namespace

caf::actor_system::module* make_scheduler(const std::string& name, caf::actor_system& system) {
  if (name == "testing") return new recorded_test_coordinator(system);
  if (name == "stealing") return new clocked_coordinator<counted<caf::policy::work_stealing>>(system);
  if (name == "sharing") return new clocked_coordinator<counted<caf::policy::work_sharing>>(system);
  return new clocked_coordinator<prompt_scheduling>(system);
}

// -- how busy a node is ------------------------------------------------------------------

namespace {

/// Blocking actors, and plain CAF ones with a thread of their own: what they are doing cannot be seen.
std::int64_t private_threads(caf::actor_system& system, const node_context& context) {
  auto& scheduler = system.scheduler();
  const auto utility = scheduler.detaches_utility_actors() ? scheduler.num_utility_actors() : 0;
  return std::max<std::int64_t>(0, static_cast<std::int64_t>(system.detached_actors())
                                       - static_cast<std::int64_t>(utility) - context.waits.detached());
}

} // namespace

activity_report look_at(caf::actor_system& system, node_context& context, bool of_a_job) {
  const auto decoded = context.waits.decoded() - (of_a_job ? 1 : 0);
  auto report = context.waits.look(context.books);
  const auto clock = counts_of(system.clock());
  report.timers = clock.pending;
  if (auto* watch = dynamic_cast<job_watch*>(&system.scheduler())) {
    const auto jobs = watch->jobs();
    const bool decoding = context.waits.decoded() != decoded + (of_a_job ? 1 : 0);
    report.blind = decoding || jobs.queued != jobs.ended + (of_a_job ? 1 : 0);
    report.moves = jobs.ended - decoded;
  }
  report.moves += clock.set;
  if (report.quiet()) report.threads = private_threads(system, context) + threads_of_nobody();
  return report;
}

} // namespace troupe
