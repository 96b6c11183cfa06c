#include "actors/runtime/node_clock.hpp"
#include "actors/runtime/scheduler.hpp"

#include "tests/support/catch.hpp"

#include <caf/all.hpp>

#include <future>
#include <set>
#include <thread>

using namespace troupe;

namespace {

struct prompt_config : caf::actor_system_config {
  explicit prompt_config(std::size_t threads) {
    module_factories.push_back([](caf::actor_system& system) { return make_scheduler("prompt", system); });
    set("scheduler.max-threads", threads);
  }
};

struct no_job final : caf::resumable {
  subtype_t subtype() const override { return function_object; }
  resume_result resume(caf::execution_unit*, std::size_t) override { return done; }
  void intrusive_ptr_add_ref_impl() override {}
  void intrusive_ptr_release_impl() override {}
};

} // namespace

TEST_CASE("a queue of jobs keeps its order at both ends while it grows", "[actors][scheduler]") {
  std::vector<no_job> jobs(200);
  job_queue queue;
  CHECK(queue.pop_front() == nullptr);
  CHECK(queue.pop_back() == nullptr);
  for (std::size_t i = 100; i < 200; ++i)
    CHECK(queue.push_back(&jobs[i]) == i - 99);
  for (std::size_t i = 100; i-- > 0;)
    CHECK(queue.push_front(&jobs[i]) == 200 - i);
  CHECK(queue.size() == 200);
  CHECK(queue.pop_back() == &jobs[199]);
  CHECK(queue.pop_back(200) == nullptr);
  job_queue other;
  CHECK(queue.pop_batch(other, 3) == &jobs[0]);
  CHECK(other.pop_front() == &jobs[1]);
  CHECK(other.pop_front() == &jobs[2]);
  CHECK(other.pop_batch(queue, 3) == nullptr);
  for (std::size_t i = 3; i < 199; ++i)
    CHECK(queue.pop_front() == &jobs[i]);
  CHECK(queue.size() == 0);
}

TEST_CASE("who sleeps is woken, also by a call that came before", "[actors][scheduler]") {
  parking_place bed;
  CHECK_FALSE(bed.sleep(1000));
  bed.wake();
  CHECK(bed.sleep(-1));
  std::thread other{[&] { bed.wake(); }};
  CHECK(bed.sleep(-1));
  other.join();
}

TEST_CASE("messages from many threads all reach actors on few", "[actors][scheduler]") {
  const auto workers = GENERATE(1U, 2U, 5U);
  constexpr int threads = 4, actors = 50, messages = 200;
  prompt_config config{workers};
  caf::actor_system system{config};
  std::atomic<int> arrived{0};
  std::vector<caf::actor> all;
  for (int i = 0; i < actors; ++i)
    all.push_back(system.spawn([&](caf::event_based_actor* self) {
      auto count = std::make_shared<int>(0);
      return caf::behavior{[=, &arrived](int) {
        ++arrived;
        if (++*count == threads * messages) self->quit();
      }};
    }));
  std::vector<std::thread> senders;
  for (int t = 0; t < threads; ++t)
    senders.emplace_back([&] {
      for (int i = 0; i < messages; ++i)
        for (auto& each : all)
          caf::anon_send(each, i);
    });
  for (auto& sender : senders)
    sender.join();
  all.clear();
  system.await_all_actors_done();
  CHECK(arrived == threads * actors * messages);
}

TEST_CASE("a job behind a long one is run by another thread", "[actors][scheduler]") {
  prompt_config config{2};
  caf::actor_system system{config};
  for (int round = 0; round < 20; ++round) {
    // The first actor keeps its thread until the second, woken by it, has run.
    auto ran = std::make_shared<std::promise<void>>();
    auto second = system.spawn([ran](caf::event_based_actor* self) {
      return caf::behavior{[=](int) {
        ran->set_value();
        self->quit();
      }};
    });
    system.spawn([second, ran](caf::event_based_actor* self) {
      self->send(second, 1);
      ran->get_future().wait();
    });
    second = nullptr;
    system.await_all_actors_done();
  }
  SUCCEED("nobody waited for ever");
}

TEST_CASE("two actors that keep waking each other do not starve a third", "[actors][scheduler]") {
  prompt_config config{1};
  caf::actor_system system{config};
  auto stop = std::make_shared<std::atomic<bool>>(false);
  auto bouncer = [stop](caf::event_based_actor* self) {
    return caf::behavior{[=](const caf::actor& other) {
      if (*stop) return self->quit();
      self->send(other, caf::actor_cast<caf::actor>(self));
    }};
  };
  auto left = system.spawn(bouncer), right = system.spawn(bouncer);
  caf::anon_send(left, right);
  system.spawn([stop](caf::event_based_actor* self) {
    self->send(self, 1); // once through the queue behind the two
    return caf::behavior{[=](int) {
      *stop = true;
      self->quit();
    }};
  });
  caf::scoped_actor self{system};
  while (!*stop)
    std::this_thread::yield();
  caf::anon_send_exit(left, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(right, caf::exit_reason::user_shutdown);
  left = right = nullptr;
  SUCCEED("the third had its turn");
}

TEST_CASE("actors with endless work of their own leave time for others", "[actors][scheduler]") {
  constexpr int threads = 2;
  std::atomic<bool> stop{false};
  std::promise<bool> heard;
  prompt_config config{threads};
  caf::actor_system system{config};
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  std::vector<caf::actor> busy;
  std::atomic<int> begun{0};
  for (int i = 0; i < 2 * threads; ++i)
    busy.push_back(system.spawn([&](caf::event_based_actor* self) -> caf::behavior {
      self->send(self, 0);
      return {[&, self](int turn) {
        if (turn == 0) ++begun;
        if (stop || std::chrono::steady_clock::now() > limit)
          self->quit();
        else
          self->send(self, turn + 1);
      }};
    }));
  // From outside, and from one of them: both ways lead past the others.
  auto last = system.spawn([&](caf::event_based_actor*) -> caf::behavior {
    return {[&](const std::string&) { heard.set_value(!stop.exchange(true) && begun == 2 * threads); }};
  });
  auto relay = system.spawn([=](caf::event_based_actor* self) -> caf::behavior {
    return {[=](const std::string& text) {
      if (text.size() == 3)
        self->send(last, text);
      else
        self->send(self, text + "x");
    }};
  });
  while (begun < threads)
    std::this_thread::yield();
  caf::anon_send(relay, std::string{});
  CHECK(heard.get_future().get());
  CHECK(std::chrono::steady_clock::now() < limit);
  caf::anon_send_exit(relay, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(last, caf::exit_reason::user_shutdown);
}

TEST_CASE("time-outs fire, and those of an actor end with it", "[actors][scheduler]") {
  prompt_config config{2};
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  auto waits = system.spawn([](caf::event_based_actor* me) {
    return caf::behavior{[](int) {}, caf::after(std::chrono::milliseconds{1}) >> [=] { me->quit(); }};
  });
  self->wait_for(waits);
  auto deaf = system.spawn([](caf::event_based_actor* me) {
    return caf::behavior{[=](int) { return me->make_response_promise(); }};
  });
  int timed_out = 0;
  self->request(deaf, std::chrono::milliseconds{1}, 1)
      .receive([](int) {}, [&](const caf::error& why) { timed_out += why == caf::sec::request_timeout; });
  CHECK(timed_out == 1);
  auto asks = system.spawn([deaf](caf::event_based_actor* me) {
    me->request(deaf, std::chrono::seconds{3600}, 1).then([](int) {});
    return caf::behavior{[=](int) { me->quit(); }};
  });
  caf::anon_send(asks, 1);
  self->wait_for(asks);
  caf::anon_send_exit(deaf, caf::exit_reason::user_shutdown);
}

TEST_CASE("an idle system wakes for a single message each time", "[actors][scheduler]") {
  prompt_config config{3};
  caf::actor_system system{config};
  auto echo = system.spawn([](caf::event_based_actor*) { return caf::behavior{[](int x) { return x; }}; });
  caf::scoped_actor self{system};
  int answers = 0;
  for (int i = 0; i < 2000; ++i)
    self->request(echo, caf::infinite, i)
        .receive([&](int x) { answers += x == i ? 1 : 0; }, [](const caf::error&) {});
  CHECK(answers == 2000);
  caf::anon_send_exit(echo, caf::exit_reason::user_shutdown);
}

TEST_CASE("time in which a process did not run does not count for requests, but for timers",
          "[actors][clock]") {
  prompt_config config{1};
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  node_clock clock; // nobody runs it
  const node_clock::time_point start{std::chrono::hours{1}};
  const auto first = caf::make_message_id(1), second = caf::make_message_id(2);
  clock.set_request_timeout(start + std::chrono::seconds{1}, self.ptr(), first);
  clock.set_request_timeout(start + std::chrono::seconds{3}, self.ptr(), second);
  clock.set_ordinary_timeout(start + std::chrono::seconds{2}, self.ptr(), caf::atom("timer"), 1);
  clock.stood_still(std::chrono::minutes{1});
  std::vector<std::chrono::seconds> due;
  for (auto& [when, event] : clock.schedule()) {
    CHECK(event->due == when);
    due.push_back(std::chrono::duration_cast<std::chrono::seconds>(when - start));
  }
  using namespace std::chrono_literals;
  CHECK(due == std::vector<std::chrono::seconds>{2s, 61s, 63s});
  clock.cancel_request_timeout(self.ptr(), first);
  clock.cancel_timeouts(self.ptr());
  CHECK(clock.counts().pending == 0);
}
