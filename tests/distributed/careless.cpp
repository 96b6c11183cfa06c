// A program with the mistakes that one can make in a scenario of one's own: in its declaration by the
// environment variable DECLARED, in what it does by the parameter `how`.
#include "cli/program.hpp"
#include "runner/api/scenario.hpp"

#include <caf/all.hpp>

#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

using namespace troupe;
using namespace troupe::scenarios;

struct question {
  std::int64_t n = 0;
};
TROUPE_MESSAGE(question, n)
struct answer {
  std::int64_t n = 0;
};
template <class Inspector>
auto inspect(Inspector& f, answer& x) {
  return f(caf::meta::type_name("answer"), x.n);
}
struct bulk {
  std::vector<char> bytes;
};
TROUPE_MESSAGE(bulk, bytes)
/// Asks for so much of it.
struct fetch {
  std::int64_t bytes = 0;
};
TROUPE_MESSAGE(fetch, bytes)
/// Asks for a line on stdout and one on stderr.
struct outcry {};
TROUPE_MESSAGE(outcry)
/// Never registered.
struct stray {
  std::string text;
};
template <class Inspector>
auto inspect(Inspector& f, stray& x) {
  return f(caf::meta::type_name("stray"), x.text);
}

caf::behavior clerk(plain_actor*) {
  return {
      [](const question& x) { return answer{x.n}; },
      [](const stray&) { return answer{0}; },
      [](const bulk& x) { return answer{static_cast<std::int64_t>(x.bytes.size())}; },
      [](const outcry&) {
        std::puts("on \x1b[31mstdout");
        std::fputs("on stderr\n", stderr);
        return answer{2};
      },
      [](const fetch& x) { return bulk{std::vector<char>(static_cast<std::size_t>(x.bytes))}; },
      [](const std::string&) { return stray{"an answer that nobody registered"}; },
  };
}

/// Not spawned as a role: what is sent to it stays in its process.
caf::behavior helper(plain_actor*) {
  return {[](const stray&) { return answer{1}; }};
}

caf::behavior asker(plain_actor* self, const caf::actor& collector, const caf::actor& whom,
                    const std::string& how, std::uint64_t bytes) {
  const auto done = [=](const answer& x) { finish(self, collector, {{"n", x.n}}); };
  const auto got = [=](const bulk& x) { finish(self, collector, {{"n", x.bytes.size()}}); };
  const auto refused = [=](const caf::error& why) {
    finish(self, collector, {{"refused", sentence_of(why)}});
  };
  const auto size = static_cast<std::size_t>(bytes);
  if (how == "stray")
    self->send(whom, stray{"x"});
  else if (how == "stray_request")
    self->request(whom, caf::infinite, stray{"x"}).then(done, refused);
  else if (how == "stray_answer")
    self->request(whom, caf::infinite, std::string{"x"}).then(done, refused);
  else if (how == "stray_inside")
    self->request(whom, caf::infinite, caf::make_message(stray{"x"}), std::int64_t{1}).then(done, refused);
  else if (how == "stray_to_helper")
    self->request(self->spawn(helper), caf::infinite, stray{"x"}).then(done, refused);
  else if (how == "bulk")
    self->request(whom, caf::infinite, bulk{std::vector<char>(size)}).then(done, refused);
  else if (how == "fetch")
    self->request(whom, caf::infinite, fetch{static_cast<std::int64_t>(bytes)}).then(got, refused);
  else if (how == "prints")
    self->request(whom, caf::infinite, outcry{}).then(done, refused);
  else
    self->request(whom, caf::infinite, question{1}).then(done, refused);
  return {[](caf::unit_t) {}};
}

void wire(run& r) {
  const auto how = r.values().text("how");
  const auto pause = r.values().duration("pause");
  if (how == "start_throws") throw std::runtime_error("no chairs");
  if (how == "start_throws_int") throw 42;
  if (how == "unknown_role") r.spawn("nobody");
  if (how == "wrong_arguments") r.spawn("asker", r.collector(), r.spawn("clerk"), how, std::int64_t{1});
  if (how == "missing_arguments") r.spawn("asker");
  if (how == "stray_argument") r.spawn("clerk", stray{"x"});
  if (how == "slow_start") std::this_thread::sleep_for(pause);
  if (how == "spawns_for_ever")
    while (true)
      r.spawn("clerk");
  r.spawn("asker", r.collector(), r.spawn("clerk"), how,
          static_cast<std::uint64_t>(r.values().integer("bytes")));
  if (how == "late_start") std::this_thread::sleep_for(pause);
  if (how == "throws_at_last") throw std::runtime_error("no chairs");
}

check_outcome look(const finished_run& run) {
  const auto& how = run.values.text("how");
  if (how == "check_throws") throw std::runtime_error("the scales are broken");
  if (how == "check_throws_int") throw 42;
  if (how == "check_misreads") return {run.result["no"]["such"].get<int>() == 1, ""};
  return {true, "it is"};
}

void declare_badly(scenario& s, const std::string& what) {
  if (what == "parameters") {
    s.integer("bytes", 1);
    s.integer("two words", 1);
    s.integer("low", 5).range(10, 20);
    s.integer("none", 5).range(20, 10);
    s.choice("colour", {"red", "green"}, "blue");
    s.text("long", "longer").length(3);
  }
  if (what == "messages") {
    s.message<stray>("answer");
    s.message<answer>("reply");
    s.message<stray>("a+b c");
  }
  if (what == "promises") {
    s.promise("exclusive fork fork_taken until put_fork");
    s.promise("never type=qestion");
    s.promise("each question: one anser");
    s.promise("never type~\"quest*\" and kind=dropped");
  }
  if (what == "roles") {
    s.role("clerk", helper, placement::main);
    s.role("new\nline", helper, placement::main);
    s.role("", helper, placement::main);
  }
  if (what == "checks") {
    s.check("right", look);
    s.check("", look);
    s.check("empty", {});
  }
  if (what == "throws") s.messages([](message_catalog&) { throw std::runtime_error("no words"); });
}

} // namespace

int main(int argc, char** argv) {
  const char* variable = std::getenv("DECLARED");
  const std::string declared = variable != nullptr ? variable : "";
  scenario s{declared == "path"       ? "../elsewhere/x"
             : declared == "nameless" ? ""
                                      : "careless",
             "Mistakes that one can make"};
  s.text("how", "").help("which of them");
  s.integer("bytes", 0).range(0, 1e9).in("bytes");
  s.duration("pause", std::chrono::seconds{0}).range(0, 60);
  s.validate([](const parameters& values) -> std::string {
    if (values.text("how") == "validate_throws") throw std::runtime_error("no way to tell");
    return {};
  });
  s.message<question>().message<answer>("answer").message<bulk>().message<fetch>().message<outcry>();
  s.role("clerk", clerk, placement::workers);
  s.role("asker", asker, placement::main);
  if (declared != "no_start") s.start(wire);
  s.check("right", look);
  declare_badly(s, declared);
  scenario other{"other", "A second one"};
  other.message<answer>(declared == "clash" ? "bulk" : "answer");
  other.start([](run&) {});
  std::vector<const scenario*> all{&s, &other};
  if (declared == "twice") all.push_back(&s);
  if (declared == "null") all.push_back(nullptr);
  return cli::run_program(argc, argv, all);
}
