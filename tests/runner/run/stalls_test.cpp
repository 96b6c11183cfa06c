// Runs that stand still, actors that fail, and runs that only seem to do either.
#include "tests/runner/run_text.hpp"
#include "trace/check/check.hpp"
#include "trace/merge/merge.hpp"

#include <caf/all.hpp>

#include <future>
#include <mutex>
#include <random>
#include <thread>

using namespace troupe;
using namespace troupe::scenarios;
using troupe::testing::run_text;
using troupe::testing::run_text_to_deadline;
using namespace std::chrono_literals;

namespace {

struct stall_ask {
  std::int32_t way = 0;
};
TROUPE_MESSAGE(stall_ask, way)
struct stall_wake {};
TROUPE_MESSAGE(stall_wake)

// -- answers that come in all of CAF's ways ----------------------------------------------

using helper_self = caf::event_based_actor*;
using answer_way = void (*)(helper_self, std::chrono::milliseconds);

void wake(helper_self self) { self->send(self, stall_wake{}); }

/// Answers a while after it was asked, and ends.
caf::behavior sleeper(caf::event_based_actor* self, std::int64_t sleep_ms) {
  auto promise = std::make_shared<caf::response_promise>();
  return {[=](const stall_ask&) -> caf::result<std::int32_t> {
            *promise = self->make_response_promise();
            self->delayed_send(self, std::chrono::milliseconds{sleep_ms}, stall_wake{});
            return caf::delegated<std::int32_t>{};
          },
          [=](stall_wake) {
            promise->deliver(std::int32_t{1});
            self->quit();
          }};
}

/// Gets and never answers, until it is told to end.
caf::behavior silent(caf::event_based_actor* self) {
  auto kept = std::make_shared<std::vector<caf::response_promise>>();
  return {[=](const stall_ask&) -> caf::result<std::int32_t> {
    kept->push_back(self->make_response_promise());
    return caf::delegated<std::int32_t>{};
  }};
}

/// Its promise goes with it: only the time-out of the request tells.
caf::behavior dropper(caf::event_based_actor* self) {
  return {[=](const stall_ask&) -> caf::result<std::int32_t> {
    self->quit();
    return self->make_response_promise<std::int32_t>();
  }};
}

/// Answers from the third time on that it is asked: earlier messages are lost on it.
caf::behavior forgetful(plain_actor* self) {
  auto times = std::make_shared<int>(0);
  auto lost = std::make_shared<std::vector<caf::response_promise>>();
  return {[=](const stall_ask&) -> caf::result<std::int32_t> {
    if (++*times >= 3) return 1;
    lost->push_back(self->make_response_promise());
    return caf::delegated<std::int32_t>{};
  }};
}

void ask_again(helper_self self, const caf::actor& whom, std::chrono::milliseconds patience) {
  self->request(whom, patience, stall_ask{})
      .then(
          [=](std::int32_t) {
            self->send_exit(whom, caf::exit_reason::user_shutdown);
            wake(self);
          },
          [=](const caf::error&) { ask_again(self, whom, 2 * patience); });
}

const std::vector<std::pair<std::string, answer_way>> ways{
    {"at once", [](auto* self, auto) { wake(self); }},
    {"delayed_send", [](auto* self, auto time) { self->delayed_send(self, time, stall_wake{}); }},
    {"scheduled_send",
     [](auto* self, auto time) { self->scheduled_send(self, self->clock().now() + time, stall_wake{}); }},
    {"scheduled_anon_send",
     [](auto* self, auto time) {
       self->scheduled_anon_send(caf::actor{self}, self->clock().now() + time, stall_wake{});
     }},
    {"delayed_anon_send",
     [](auto* self, auto time) { caf::delayed_anon_send(caf::actor{self}, time, stall_wake{}); }},
    {"a thread",
     [](auto* self, auto time) {
       std::thread([me = caf::actor{self}, time] {
         std::this_thread::sleep_for(time);
         caf::anon_send(me, stall_wake{});
       }).detach();
     }},
    {"a detached actor",
     [](auto* self, auto time) {
       auto works = self->template spawn<caf::detached>([time](caf::event_based_actor* it) {
         return caf::behavior{[=](const stall_ask&) {
           std::this_thread::sleep_for(time);
           it->quit();
           return std::int32_t{1};
         }};
       });
       self->request(works, caf::infinite, stall_ask{}).then([=](std::int32_t) { wake(self); });
     }},
    {"a blocking actor",
     [](auto* self, auto time) {
       self->spawn([me = caf::actor{self}, time](caf::blocking_actor* it) {
         std::this_thread::sleep_for(time);
         it->send(me, stall_wake{});
       });
     }},
    {"a receive time-out",
     [](auto* self, auto time) {
       // Of none, CAF 0.17's never comes, and its actor is busy for ever.
       self->spawn([me = caf::actor{self}, time = std::max(time, 1ms)](caf::event_based_actor* it) {
         return caf::behavior{[](std::int32_t) {}, caf::after(time) >>
                                                       [=] {
                                                         it->send(me, stall_wake{});
                                                         it->quit();
                                                       }};
       });
     }},
    {"the time-out of a request",
     [](auto* self, auto time) {
       auto never = self->spawn(silent);
       self->request(never, time, stall_ask{})
           .then([](std::int32_t) {},
                 [=](const caf::error&) {
                   self->send_exit(never, caf::exit_reason::user_shutdown);
                   wake(self);
                 });
     }},
    {"a promise that is dropped",
     [](auto* self, auto time) {
       self->request(self->spawn(dropper), time, stall_ask{})
           .then([](std::int32_t) {}, [=](const caf::error&) { wake(self); });
     }},
    {"a promise that is kept later",
     [](auto* self, auto time) {
       self->request(self->spawn(sleeper, std::int64_t{time.count()}), caf::infinite, stall_ask{})
           .then([=](std::int32_t) { wake(self); });
     }},
    {"a request to nobody",
     [](auto* self, auto) {
       self->request(caf::actor{}, caf::infinite, stall_ask{})
           .then([](std::int32_t) {}, [=](const caf::error&) { wake(self); });
     }},
    {"an awaited answer",
     [](auto* self, auto time) {
       self->request(self->spawn(sleeper, std::int64_t{time.count()}), caf::infinite, stall_ask{})
           .await([=](std::int32_t) { wake(self); });
     }},
    {"messages that were skipped",
     [](auto* self, auto time) {
       auto choosy = self->spawn([me = caf::actor{self}, time](plain_actor* it) -> caf::behavior {
         it->set_default_handler(caf::skip);
         it->delayed_send(it, time, true);
         return {[=](bool) {
           it->become([=](stall_ask) {
             it->send(me, stall_wake{});
             it->quit();
           });
         }};
       });
       self->send(choosy, stall_ask{});
     }},
    {"a message that has to be repeated",
     [](auto* self, auto time) { ask_again(self, self->spawn(forgetful), time / 3 + 1ms); }},
    {"somebody else",
     [](auto* self, auto time) {
       auto other = self->spawn(sleeper, std::int64_t{time.count()});
       auto between = self->spawn([other](caf::event_based_actor* it) {
         return caf::behavior{[=](stall_ask x) {
           it->quit();
           return it->delegate(other, x);
         }};
       });
       self->request(between, caf::infinite, stall_ask{}).then([=](std::int32_t) { wake(self); });
     }},
    {"the end of another",
     [](auto* self, auto time) {
       auto short_lived = self->spawn([time](caf::event_based_actor* it) {
         it->delayed_send(it, time, stall_wake{});
         return caf::behavior{[=](stall_wake) { it->quit(); }};
       });
       short_lived->attach_functor(
           [me = caf::actor{self}](const caf::error&) { caf::anon_send(me, stall_wake{}); });
     }},
    {"a circle that a timer breaks",
     [](auto* self, auto time) {
       // The other asks back, and gets its answer from a timer here.
       auto back = self->spawn([me = caf::actor{self}](plain_actor* it) {
         return caf::behavior{[=](const stall_ask&) -> caf::result<std::int32_t> {
           auto promise = it->make_response_promise();
           it->request(me, caf::infinite, stall_wake{}).then([=](caf::unit_t) mutable {
             promise.deliver(std::int32_t{1});
             it->quit();
           });
           return caf::delegated<std::int32_t>{};
         }};
       });
       self->delayed_send(self, time + 1ms, stall_wake{});
       self->request(back, caf::infinite, stall_ask{}).then([](std::int32_t) {}, [](const caf::error&) {});
     }},
};
constexpr std::size_t way_of_a_thread = 5;
/// A seeded run has one thread, and CAF's coordinator for it cannot be told anything by another.
bool needs_a_thread(std::size_t way) { return way >= way_of_a_thread && way <= 7; }

struct link_state {
  static inline const char* name = "link";
};

/// Passes a question on to another like it, after it was answered in one of the ways itself.
template <class Self>
caf::behavior chain_link(Self* self, std::vector<std::int32_t> rest, std::int64_t time_ms) {
  auto promise = std::make_shared<caf::response_promise>();
  auto woken = std::make_shared<bool>(false);
  return {[=](const stall_ask& x) -> caf::result<std::int32_t> {
            *promise = self->make_response_promise();
            ways.at(static_cast<std::size_t>(x.way)).second(self, std::chrono::milliseconds{time_ms});
            return caf::delegated<std::int32_t>{};
          },
          [=](stall_wake) {
            if (std::exchange(*woken, true)) return;
            if (rest.empty()) {
              promise->deliver(std::int32_t{1});
              self->quit();
              return;
            }
            const std::vector<std::int32_t> after{rest.begin() + 1, rest.end()};
            caf::actor next = rest.size() % 2 == 0
                                  ? self->spawn(chain_link<caf::event_based_actor>, after, time_ms)
                                  : self->spawn(chain_link<actor_of<link_state>>, after, time_ms);
            self->request(next, caf::infinite, stall_ask{rest.front()}).then([=](std::int32_t length) {
              promise->deliver(length + 1);
              self->quit();
            });
          }};
}

struct host_state {
  static inline const char* name = "host";
};

/// Asks, and the run is done when the answer is there.
caf::behavior host(actor_of<host_state>* self, const caf::actor& collector, const caf::actor& whom,
                   std::int32_t way) {
  self->request(whom, caf::infinite, stall_ask{way}).then([=](std::int32_t length) {
    finish(self, collector, {{"length", length}});
    self->quit();
  });
  return {[](caf::unit_t) {}};
}

scenario asking(const std::string& name) {
  scenario made{name, "A host that waits for an answer"};
  made.message<stall_ask>().message<stall_wake>();
  made.message<std::vector<std::int32_t>>("stall_ways");
  made.role("host", host, placement::main);
  return made;
}

/// A chain of questions, the ways of whose answers are given.
scenario chained(const std::vector<std::int32_t>& of_links, std::int64_t time_ms) {
  auto made = asking("chained");
  made.role("link", chain_link<caf::event_based_actor>, placement::workers);
  made.start([=](run& r) {
    const std::vector<std::int32_t> rest{of_links.begin() + 1, of_links.end()};
    r.spawn("host", r.collector(), r.spawn("link", rest, time_ms), of_links.front());
  });
  return made;
}

std::string file(const std::string& name, const std::string& topology, const std::string& more = {}) {
  return "scenario = \"" + name + "\"\ndeadline = \"10m\"\n" + more + "[topology]\n" + topology + "\n";
}

std::vector<std::string> warnings_of(const scenario& what, const std::string& text, outcome& result,
                                     int nodes = 0) {
  testing::kept_warnings warnings;
  run_observer observer;
  observer.on_warning = warnings.keep();
  result = run_text(what, text, nodes, nullptr, observer);
  return warnings.all();
}

} // namespace

TEST_CASE("whoever answers later, in whatever way, is waited for", "[runtime][stall]") {
  const auto scheduler = GENERATE(as<std::string>{}, "prompt", "stealing", "sharing");
  const int nodes = GENERATE(0, 1);
  for (std::size_t way = 0; way < ways.size(); ++way) {
    if (scheduler != "prompt" && (way % 3 != 1 || nodes != 0)) continue; // their clock and jobs are the same
    CAPTURE(scheduler, nodes, ways[way].first);
    const auto result = run_text(chained({static_cast<std::int32_t>(way)}, 400),
                                 file("chained", "scheduler = \"" + scheduler + "\""), nodes);
    INFO(result.reason);
    CHECK(result.result_verdict == verdict::passed);
  }
}

TEST_CASE("in a seeded run, too", "[runtime][stall]") {
  for (std::size_t way = 0; way < ways.size(); ++way) {
    if (needs_a_thread(way)) continue;
    CAPTURE(ways[way].first);
    const auto result =
        run_text(chained({static_cast<std::int32_t>(way)}, 400), file("chained", "scheduler = \"seeded\""));
    INFO(result.reason);
    CHECK(result.result_verdict == verdict::passed);
  }
}

TEST_CASE("runs with answers in random ways at random times all pass", "[runtime][stall]") {
  const auto* wanted = std::getenv("STALL_RUNS"); // for a longer search
  const int runs = wanted != nullptr ? std::atoi(wanted) : 1000, at_a_time = 100;
  const auto seed = Catch::rngSeed() != 0 ? Catch::rngSeed() : std::random_device{}();
  std::mutex mutex;
  std::vector<std::string> wrong;
  for (int first = 0; first < runs; first += at_a_time) {
    std::vector<std::thread> threads;
    for (int i = first; i < std::min(first + at_a_time, runs); ++i)
      threads.emplace_back([&, i] {
        ::pthread_setname_np(::pthread_self(), "troupe.test"); // not one that might send something
        std::mt19937_64 random{seed + static_cast<std::uint64_t>(i)};
        // A thread that nobody knows makes the detector cautious for all of the process: in every
        // second round there is none.
        const bool threads_too = first / at_a_time % 2 == 0;
        std::vector<std::int32_t> of_links(1 + random() % 4);
        for (auto& way : of_links)
          do
            way = static_cast<std::int32_t>(random() % ways.size());
          while (!threads_too && way == way_of_a_thread);
        const auto what = chained(of_links, static_cast<std::int64_t>(random() % 300));
        const auto result =
            run_text(what, file("chained", "threads = 2"), static_cast<int>(random() % 8 == 0));
        if (result.result_verdict == verdict::passed) return;
        const std::lock_guard lock{mutex};
        wrong.push_back("seed " + std::to_string(seed) + ", run " + std::to_string(i) + ": "
                        + std::string{to_string(result.result_verdict)} + ", " + result.reason
                        + to_json(result).at("actors_failed").dump());
      });
    for (auto& thread : threads)
      thread.join();
  }
  INFO("seed " << seed);
  CHECK(wrong == std::vector<std::string>{});
}

// -- stalls --------------------------------------------------------------------------------

namespace {

/// A thread of the program that answers for an actor, as a library's callback does: after a second, or only
/// when the run is over.
struct outside_answer {
  std::promise<void> run_is_over;
  std::thread thread;

  ~outside_answer() {
    run_is_over.set_value();
    thread.join();
  }
  caf::behavior behavior_of(plain_actor* self, bool declares) {
    auto promise = std::make_shared<caf::response_promise>();
    return {[=, this](const stall_ask&) -> caf::result<std::int32_t> {
              *promise = self->make_response_promise();
              auto guard = declares ? self->expect_outside() : outside_source{};
              const auto patience = declares ? 1000ms : 60'000ms;
              thread = std::thread([me = caf::actor{self}, over = run_is_over.get_future(), patience,
                                    guard = std::move(guard)] {
                over.wait_for(patience);
                caf::anon_send(me, stall_wake{});
              });
              return caf::delegated<std::int32_t>{};
            },
            [=](stall_wake) { promise->deliver(std::int32_t{1}); }};
  }
};

scenario with_role(const std::string& name, auto fun, auto... args) {
  auto made = asking(name);
  made.role("other", fun, placement::workers);
  made.start([=](run& r) { r.spawn("host", r.collector(), r.spawn("other", args...), std::int32_t{0}); });
  return made;
}

} // namespace

TEST_CASE("a run in which nothing moves is told to be stalled, and ends as that", "[runtime][stall]") {
  const int nodes = GENERATE(0, 1);
  outcome result;
  const auto told = warnings_of(with_role("mute", silent), file("mute", "stall = \"300ms\""), result, nodes);
  CHECK(result.result_verdict == verdict::stalled);
  CHECK(exit_code(result.result_verdict) == 3);
  CHECK(result.reason
        == "nothing moved for 300ms: host 0 waits for other 0, and nobody is known who could answer");
  REQUIRE(told.size() == 1);
  CHECK(told[0]
        == "stalled: host 0 waits for other 0, and nobody is known who could answer; unless something moves, "
           "the run ends when that has been so for 300ms (topology.stall)");
}

TEST_CASE("a run in which nobody does anything ends as stalled", "[runtime][stall]") {
  scenario made{"empty", "Nothing at all"};
  made.role(
      "nobody", [](plain_actor*) { return caf::behavior{[](int) {}}; }, placement::main);
  made.start([](run&) {});
  const auto scheduler = GENERATE(as<std::string>{}, "prompt", "stealing", "sharing", "seeded");
  const auto result = run_text(made, file("empty", "stall = \"200ms\"\nscheduler = \"" + scheduler + "\""));
  CHECK(result.result_verdict == verdict::stalled);
  CHECK(result.reason == "nothing moved for 200ms: nothing is running, on its way or asked for");
}

TEST_CASE("a source outside that is declared is waited for, one that is not only for a while",
          "[runtime][stall]") {
  const bool declares = GENERATE(true, false);
  outside_answer answer;
  const auto what =
      with_role("outside", [&](plain_actor* self) { return answer.behavior_of(self, declares); });
  const auto result = run_text(what, file("outside", "stall = \"300ms\""));
  CHECK(result.result_verdict == (declares ? verdict::passed : verdict::stalled));
}

TEST_CASE("whoever sends to an actor whose node has ended does no harm", "[runtime][stall]") {
  const auto level = GENERATE(as<std::string>{}, "off", "payloads");
  const int nodes = GENERATE(0, 1);
  std::vector<caf::actor> kept; // a role's actor here, one of the other node, one of plain CAF
  auto made = asking("outlived");
  made.role("other", sleeper, placement::workers);
  made.start([&](run& r) {
    kept.push_back(r.spawn("other", std::int64_t{1}));
    kept.push_back(r.spawn("host", r.collector(), kept.front(), std::int32_t{0}));
    kept.push_back(r.main_node().system().spawn([](caf::event_based_actor* it) {
      it->quit();
      return caf::behavior{[](std::int32_t) {}};
    }));
  });
  const auto result = run_text(made, file("outlived", "", "trace.level = \"" + level + "\"\n"), nodes);
  CHECK(result.result_verdict == verdict::passed);
  caf::actor_system_config config;
  caf::actor_system system{config};
  caf::scoped_actor asker{system};
  for (auto& each : kept) {
    caf::anon_send(each, stall_wake{});
    bool failed = false;
    asker->request(each, caf::infinite, stall_ask{})
        .receive([](std::int32_t) {}, [&](const caf::error&) { failed = true; });
    CHECK(failed);
  }
  kept.clear();
}

TEST_CASE("what waits for ever may be told to, and the deadline says so", "[runtime][stall]") {
  const std::string reason =
      "the deadline passed; nothing moved any more: host 0 waits for other 0, and nobody is known who "
      "could answer";
  const auto result = run_text_to_deadline(with_role("patient", silent),
                                           "scenario = \"patient\"\n[topology]\nstall = \"never\"\n", 0,
                                           [&](const outcome& run) { return run.reason == reason; });
  CHECK(result.result_verdict == verdict::deadline);
  CHECK(result.reason == reason);
}

// -- deadlocks that nobody has given names for ---------------------------------------------

namespace {

struct take {};
TROUPE_MESSAGE(take)
struct taken {};
TROUPE_MESSAGE(taken)
struct give_back {};
TROUPE_MESSAGE(give_back)

/// Knows nothing of deadlocks.
template <class Self>
caf::behavior simple_lock(Self* self) {
  auto waiting = std::make_shared<std::vector<caf::response_promise>>();
  auto is_taken = std::make_shared<bool>(false);
  return {[=](take) -> caf::result<taken> {
            if (!std::exchange(*is_taken, true)) return taken{};
            waiting->push_back(self->make_response_promise());
            return caf::delegated<taken>{};
          },
          [=](give_back) {}};
}

caf::behavior greedy(plain_actor* self, const caf::actor& first, const caf::actor& second) {
  self->request(first, caf::infinite, take{}).then([=](taken) {
    self->delayed_send(self, 50ms, stall_wake{});
  });
  return {[=](stall_wake) { self->request(second, caf::infinite, take{}).then([=](taken) {}); }};
}

scenario bank() {
  scenario made{"bank", "Two tellers that take two locks in different orders"};
  made.message<take>().message<taken>().message<give_back>();
  made.message<stall_wake>();
  made.role("account", simple_lock<caf::event_based_actor>, placement::workers);
  made.role("teller", greedy, placement::workers);
  made.promise("exclusive account: taken until give_back");
  made.start([](run& r) {
    auto a = r.spawn("account"), b = r.spawn("account");
    r.spawn("teller", a, b);
    r.spawn("teller", b, a);
  });
  return made;
}

} // namespace

TEST_CASE("the trace knows who holds what, and a deadlock is named by roles", "[runtime][deadlock]") {
  const int nodes = GENERATE(0, 2);
  const auto result = run_text(bank(), file("bank", ""), nodes);
  CHECK(result.result_verdict == verdict::deadlock);
  INFO(result.reason);
  REQUIRE(result.deadlock.size() == 2);
  const bool from_zero = result.deadlock[0].starts_with("teller 0");
  CHECK(result.deadlock[from_zero ? 0 : 1] == "teller 0 waits for account 1 held by teller 1");
  CHECK(result.deadlock[from_zero ? 1 : 0] == "teller 1 waits for account 0 held by teller 0");
}

TEST_CASE("a circle that a thread may break is not certain", "[runtime][stall]") {
  auto made = bank();
  made.start([](run& r) {
    auto a = r.spawn("account"), b = r.spawn("account");
    r.spawn("teller", a, b);
    r.spawn("teller", b, a);
    std::thread([] { std::this_thread::sleep_for(3s); }).detach();
  });
  const auto result = run_text(made, file("bank", "stall = \"500ms\""));
  CHECK(result.result_verdict == verdict::stalled);
  CHECK(result.deadlock.size() == 2);
  std::this_thread::sleep_for(3s); // for the tests that count threads
}

TEST_CASE("who waits for what somebody has taken along waits for ever", "[runtime][deadlock]") {
  auto made = bank();
  made.role(
      "thief",
      [](plain_actor* self, const caf::actor& lock) {
        self->request(lock, caf::infinite, take{}).then([=](taken) { self->quit(); });
        return caf::behavior{[](int) {}};
      },
      placement::workers);
  made.start([](run& r) {
    auto a = r.spawn("account"), b = r.spawn("account");
    r.spawn("thief", a);
    r.spawn("teller", b, a);
  });
  const int nodes = GENERATE(0, 2);
  const auto result = run_text(made, file("bank", ""), nodes);
  CHECK(result.result_verdict == verdict::deadlock);
  CHECK(result.reason == "teller 0 waits for account 0 held by thief 0, which has ended");
}

// -- actors that fail ------------------------------------------------------------------------

namespace {

caf::behavior fragile(caf::event_based_actor*, const std::string& how) {
  if (how == "spawn") throw std::runtime_error("born to fail");
  return {[how](const stall_ask&) -> caf::result<std::int32_t> {
    if (how == "int") throw 42;
    throw std::runtime_error("cannot stand it");
  }};
}

/// Owes an answer, and dies of something else.
caf::behavior debtor(plain_actor* self) {
  auto owed = std::make_shared<std::vector<caf::response_promise>>();
  return {[=](const stall_ask&) -> caf::result<std::int32_t> {
            owed->push_back(self->make_response_promise());
            self->send(self, stall_wake{});
            return caf::delegated<std::int32_t>{};
          },
          [](stall_wake) { throw std::runtime_error("cannot pay"); }};
}

caf::behavior careless(plain_actor* self) {
  self->request(caf::actor{}, caf::infinite, stall_ask{}).then([](std::int32_t) {});
  return {[](caf::unit_t) {}};
}

} // namespace

TEST_CASE("an exception is told with its text and who died of it, and reaches who asked",
          "[runtime][failure]") {
  const int nodes = GENERATE(0, 1);
  const auto [how, why] = GENERATE(table<std::string, std::string>(
      {{"throw", "cannot stand it"}, {"int", "an exception that is no std::exception"}}));
  outcome result;
  const auto told =
      warnings_of(with_role("fragile", fragile, how), file("fragile", "stall = \"300ms\""), result, nodes);
  CHECK(result.result_verdict == verdict::stalled);
  CHECK(result.reason == "nothing moved for 300ms: nothing is running, on its way or asked for");
  const std::string node = nodes == 0 ? "main" : "w1";
  CHECK_THAT(told, Catch::Matchers::VectorContains("actor other 0 on " + node + " failed: " + why));
  CHECK_THAT(told, Catch::Matchers::VectorContains("actor host 0 on main failed: " + why));
  CHECK(result.actors_failed_count == 2);
  REQUIRE(result.actors_failed.size() == 2); // the host knows of it as soon as main does
  const auto& dead = result.actors_failed[result.actors_failed[0].actor == "other 0" ? 0 : 1];
  CHECK(dead.node == node);
  CHECK(dead.actor == "other 0");
  CHECK(dead.why == why);
  CHECK(to_json(result).at("actors_failed").at(0).at("why") == why);
}

TEST_CASE("who waits for an actor that failed with the answer that it owed waits for ever",
          "[runtime][failure]") {
  const int nodes = GENERATE(0, 1);
  outcome result;
  auto made = asking("debtor");
  made.role("other", debtor, placement::workers);
  made.start([](run& r) { // CAF ends actors that nobody refers to, also while they wait
    r.main_node().publish("host", r.spawn("host", r.collector(), r.spawn("other"), std::int32_t{0}));
  });
  const auto told = warnings_of(made, file("debtor", ""), result, nodes);
  CHECK(result.result_verdict == verdict::deadlock);
  CHECK(result.reason == "host 0 waits for other 0, which has ended");
  const std::string node = nodes == 0 ? "main" : "w1";
  CHECK(told == std::vector<std::string>{"actor other 0 on " + node + " failed: cannot pay"});
}

TEST_CASE("an actor that fails at its start fails who asks it, and the run is stalled",
          "[runtime][failure]") {
  const int nodes = GENERATE(0, 1);
  const std::string how = "spawn";
  outcome result;
  const auto told =
      warnings_of(with_role("fragile", fragile, how), file("fragile", "stall = \"300ms\""), result, nodes);
  CHECK(result.result_verdict == verdict::stalled);
  CHECK(result.actors_failed_count == 2);
  REQUIRE(result.actors_failed.size() == 2);
  CHECK(result.actors_failed[0].actor == "other 0");
  CHECK(result.actors_failed[0].why == "born to fail");
  CHECK(result.actors_failed[1].actor == "host 0");
}

TEST_CASE("a request to nobody whose error is not handled ends its actor, and that is told",
          "[runtime][failure]") {
  scenario made{"careless", "asks nobody"};
  made.message<stall_ask>().role("careless", careless, placement::main);
  made.start([](run& r) { r.spawn("careless"); });
  outcome result;
  const auto told = warnings_of(made, file("careless", "stall = \"200ms\""), result);
  CHECK(result.result_verdict == verdict::stalled);
  REQUIRE(result.actors_failed.size() == 1);
  CHECK_THAT(result.actors_failed[0].why, Catch::Matchers::Contains("invalid_argument"));
  REQUIRE_FALSE(told.empty());
  CHECK_THAT(told[0], Catch::Matchers::StartsWith("actor careless 0 on main failed: "));
}

TEST_CASE("a run whose result arrives passes although an actor failed", "[runtime][failure]") {
  auto made = asking("survivor");
  made.role("fragile", fragile, placement::main);
  made.role("other", sleeper, placement::main);
  made.start([](run& r) {
    caf::anon_send(r.spawn("fragile", std::string{"throw"}), stall_ask{});
    r.spawn("host", r.collector(), r.spawn("other", std::int64_t{100}), std::int32_t{0});
  });
  const auto result = run_text(made, file("survivor", ""));
  CHECK(result.result_verdict == verdict::passed);
  CHECK(result.actors_failed_count == 1);
}
