// What the runtime tells the recorder of real actors, as the reader sees it.
#include "tests/support/catch.hpp"
#include "tests/support/test_system.hpp"
#include "trace/check/check.hpp"
#include "trace/merge/ledger_view.hpp"
#include "trace/merge/merge.hpp"
#include "trace/query/follow.hpp"

#include <algorithm>

using namespace troupe;
using troupe::testing::test_system;

namespace {

struct ask {
  int about = 0;
};
TROUPE_MESSAGE(ask, about)
struct answer {
  int value = 0;
};
template <class Inspector>
auto inspect(Inspector& f, answer& x) {
  return f(caf::meta::type_name("answer"), x.value);
}
struct release {};
TROUPE_MESSAGE(release)
struct part {};
TROUPE_MESSAGE(part)
struct whole {};
TROUPE_MESSAGE(whole)

void add_messages(message_catalog& catalog) {
  catalog.add<ask>();
  catalog.add<answer>("answer");
  catalog.add<release, part, whole>();
}

trace::model trace_of(test_system& sys) {
  sys.run();
  sys.recorder.close();
  return trace::load({sys.directory()});
}

std::vector<trace::row> of_type(const trace::model& m, std::string_view type) {
  std::vector<trace::row> out;
  for (trace::row i = 0; i < m.messages.size(); ++i)
    if (m.text(m.messages.type[i]) == type) out.push_back(i);
  return out;
}
trace::row only(const trace::model& m, std::string_view type) {
  auto all = of_type(m, type);
  REQUIRE(all.size() == 1);
  return all[0];
}

caf::behavior prompt(plain_actor*) {
  return {[](const ask& x) { return answer{x.about}; }};
}

struct patient_state {
  static inline const char* name = "patient";
  std::vector<caf::response_promise> open;
};
/// Answers when it is told to, from another handler than that of the request.
caf::behavior patient(actor_of<patient_state>* self) {
  return {
      [self](const ask&) -> caf::result<answer> {
        self->state.open.push_back(self->make_response_promise());
        return caf::delegated<answer>{};
      },
      [self](const release&) {
        for (auto& each : std::exchange(self->state.open, {}))
          each.deliver(answer{1});
      },
  };
}

struct asker_state {
  static inline const char* name = "asker";
};
/// Asks when it begins.
caf::behavior asker(actor_of<asker_state>* self, const caf::actor& whom) {
  self->request(whom, caf::infinite, ask{7}).then([](const answer&) {}, [](const caf::error&) {});
  return {[](const release&) {}};
}

} // namespace

TEST_CASE("requests and what answers them are told apart from plain messages", "[actors][trace]") {
  test_system sys{trace::level::headers, add_messages};
  auto giver = sys.system().spawn(prompt);
  auto taker = sys.system().spawn(asker, giver);
  sys.run();
  caf::anon_send(taker, release{});
  auto m = trace_of(sys);
  using role = trace::message_role;
  CHECK(m.messages.role[only(m, "ask")] == static_cast<int>(role::request));
  CHECK(m.messages.role[only(m, "answer")] == static_cast<int>(role::response));
  CHECK(m.messages.role[only(m, "release")] == static_cast<int>(role::plain));
  CHECK(m.causes(only(m, "answer")) == std::vector{only(m, "ask")});
  CHECK(m.more_causes.empty()); // the request is the cause: that is not said twice
  CHECK(trace::check_trace(m).empty());
}

TEST_CASE("an answer that another handler gives names its request too", "[actors][trace]") {
  test_system sys{trace::level::headers, add_messages};
  auto giver = sys.system().spawn(patient);
  sys.system().spawn(asker, giver);
  sys.run();
  SECTION("when it has come") {
    caf::anon_send(giver, release{});
    auto m = trace_of(sys);
    CHECK(m.causes(only(m, "answer")) == std::vector{only(m, "release"), only(m, "ask")});
    CHECK(trace::check_trace(m).empty());
  }
  SECTION("and until then the request is open") {
    auto m = trace_of(sys);
    auto all = trace::check_trace(m);
    REQUIRE(all.size() == 2);
    CHECK(all[0].what == trace::rule::no_answer);
    CHECK(all[1].sentence == "at the end asker-1 waits for patient-1 (ask test:1)");
  }
  caf::anon_send_exit(giver, caf::exit_reason::kill);
}

TEST_CASE("two that wait for each other are found in a real trace", "[actors][trace]") {
  test_system sys{trace::level::headers, add_messages};
  auto crossed = [](actor_of<patient_state>* self) -> caf::behavior {
    return {
        [self](const ask&) -> caf::result<answer> {
          self->state.open.push_back(self->make_response_promise());
          return caf::delegated<answer>{};
        },
        [self](const caf::actor& other) {
          self->request(other, caf::infinite, ask{}).then([](const answer&) {}, [](const caf::error&) {});
        },
    };
  };
  auto a = sys.system().spawn(crossed), b = sys.system().spawn(crossed);
  caf::anon_send(a, b);
  caf::anon_send(b, a);
  sys.run();
  // Being told to end, both let go: the trace still knows what was.
  sys.recorder.told_to_end(sys.recorder.intern("deadlock"), sys.recorder.intern("stuck"));
  caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(b, caf::exit_reason::user_shutdown);
  auto m = trace_of(sys);
  auto all = trace::check_trace(m);
  auto circle = std::ranges::find(all, trace::rule::waits_in_circle, &trace::finding::what);
  REQUIRE(circle != all.end());
  CHECK(circle->sentence.starts_with("deadlock: patient-1 waits for patient-2 (ask test:"));
}

TEST_CASE("what an actor sends when it begins and when it ends has a cause", "[actors][trace]") {
  test_system sys{trace::level::headers, add_messages};
  auto giver = sys.system().spawn(prompt);
  auto parent = sys.system().spawn([giver](plain_actor* self) -> caf::behavior {
    return {[self, giver](const release&) { self->spawn(asker, giver); }};
  });
  caf::anon_send(parent, release{});
  sys.run();
  auto child = sys.system().spawn(
      [](plain_actor* self) -> caf::behavior { return {[self](const part&) { self->quit(); }}; });
  auto watcher = sys.system().spawn([child](plain_actor* self) -> caf::behavior {
    self->monitor(child);
    self->set_down_handler([](caf::down_msg&) {});
    return {[](const whole&) {}};
  });
  sys.run();
  caf::anon_send(child, part{});
  auto m = trace_of(sys);
  CHECK(m.causes(only(m, "ask")) == std::vector{only(m, "release")});
  auto down = of_type(m, "down");
  REQUIRE(down.size() == 1);
  CHECK(m.causes(down[0]) == std::vector{only(m, "part")});
}

TEST_CASE("a join names every message it waited for", "[actors][trace]") {
  test_system sys{trace::level::headers, add_messages};
  auto sink = sys.system().spawn([](plain_actor*) -> caf::behavior { return {[](const whole&) {}}; });
  auto joiner = sys.system().spawn([sink](plain_actor* self) -> caf::behavior {
    auto parts = std::make_shared<std::vector<message_token>>();
    return {[self, sink, parts](const part&) {
      parts->push_back(current_message());
      if (parts->size() < 3) return;
      const joining all{*parts};
      self->send(sink, whole{});
    }};
  });
  for (int i = 0; i < 3; ++i)
    caf::anon_send(joiner, part{});
  auto m = trace_of(sys);
  auto causes = m.causes(only(m, "whole"));
  std::ranges::sort(causes);
  CHECK(causes == of_type(m, "part"));
  // And follow shows them.
  auto text = render_text(trace::follow_message(m, only(m, "whole"), 0), 0).plain();
  CHECK(text.find("also because of test:1, test:2") != std::string::npos);
}

TEST_CASE("a message that is sent again names the one it repeats", "[actors][trace]") {
  test_system sys{trace::level::headers, add_messages};
  auto sink = sys.system().spawn([](plain_actor*) -> caf::behavior { return {[](const part&) {}}; });
  auto sender = sys.system().spawn([sink](plain_actor* self) -> caf::behavior {
    return {[self, sink](const release&) {
      self->send(sink, part{});
      const auto first = last_sent();
      self->send(sink, part{});
      self->repeats(first);
    }};
  });
  caf::anon_send(sender, release{});
  auto m = trace_of(sys);
  auto at = std::ranges::find(m.events.kind, trace::event_kind::redelivered) - m.events.kind.begin();
  REQUIRE(static_cast<std::size_t>(at) < m.events.size());
  auto parts = of_type(m, "part");
  CHECK(m.events.cause[static_cast<std::size_t>(at)] == parts[0]);
  CHECK(m.events.message[static_cast<std::size_t>(at)] == parts[1]);
}

TEST_CASE("contents are recorded as text where that is asked for", "[actors][trace]") {
  const auto level = GENERATE(trace::level::headers, trace::level::payloads);
  test_system sys{level, add_messages};
  auto giver = sys.system().spawn(prompt);
  sys.system().spawn(asker, giver);
  auto m = trace_of(sys);
  CHECK(m.payload(only(m, "ask")) == (level == trace::level::payloads ? "(ask(7))" : ""));
}

TEST_CASE("a sampled trace has whole trees, and the books stay exact", "[actors][trace][ledger]") {
  constexpr std::uint32_t one_in = 4;
  constexpr int trees = 400, depth = 5;
  test_system sys{trace::level::headers, add_messages, one_in};
  // Each ask goes down a chain: a tree of `depth` messages.
  auto hop = sys.system().spawn([](plain_actor* self) -> caf::behavior {
    return {[self](const ask& x) {
      if (x.about > 1) self->send(self, ask{x.about - 1});
    }};
  });
  for (int i = 0; i < trees; ++i)
    caf::anon_send(hop, ask{depth});
  auto m = trace_of(sys);
  auto books = sys.books.totals();
  CHECK(books.sent == trees * depth);
  CHECK(books.handled == trees * depth);
  auto roots = std::ranges::count(m.messages.cause, trace::no_row);
  INFO(roots << " of " << trees << " trees");
  CHECK(roots > 0);
  CHECK(roots < trees);
  CHECK(m.messages.size() == static_cast<std::size_t>(roots) * depth); // none is cut
  CHECK(balance(m).count(trace::fate::handled) == m.messages.size());
  CHECK(trace::check_trace(m).empty());
}

TEST_CASE("within one turn handlers begin in order and not before their message", "[actors][trace]") {
  test_system sys{trace::level::headers, add_messages};
  auto sink = sys.system().spawn([](plain_actor*) -> caf::behavior { return {[](const part&) {}}; });
  for (int i = 0; i < 50; ++i)
    caf::anon_send(sink, part{});
  auto m = trace_of(sys);
  auto parts = of_type(m, "part");
  REQUIRE(parts.size() == 50);
  trace::run_time last = 0;
  for (auto i : parts) {
    auto begin = m.events.time[m.messages.handled[i]];
    CHECK(begin >= last);
    CHECK(begin >= m.events.time[m.messages.sent[i]]);
    last = m.handler_end(m.messages.handled[i]);
  }
  CHECK(m.remarks.empty());
}
